/* libmicrohttpd, loaded when there is something to serve: it brings gnutls with it, 2.6 MB of memory and 4 ms at the start that a link
 * without control socket and status page does without. */
#ifndef SLIRPPD_CONTROL_MHD_H
#define SLIRPPD_CONTROL_MHD_H

#include <microhttpd.h>
#include <stdbool.h>

/* Its functions, by the names that follow MHD_. */
struct mhd {
	__typeof__(&MHD_add_connection) add_connection;
	__typeof__(&MHD_add_response_header) add_response_header;
	__typeof__(&MHD_create_response_from_buffer) create_response_from_buffer;
	__typeof__(&MHD_destroy_response) destroy_response;
	__typeof__(&MHD_get_connection_info) get_connection_info;
	__typeof__(&MHD_get_daemon_info) get_daemon_info;
	__typeof__(&MHD_get_timeout) get_timeout;
	__typeof__(&MHD_lookup_connection_value) lookup_connection_value;
	__typeof__(&MHD_queue_response) queue_response;
	__typeof__(&MHD_run) run;
	__typeof__(&MHD_start_daemon) start_daemon;
	__typeof__(&MHD_stop_daemon) stop_daemon;
};

/* Fills MHD in; the library stays. False, with one line logged, when it is not there, or too old. */
bool mhd_load(struct mhd *mhd);

#endif
