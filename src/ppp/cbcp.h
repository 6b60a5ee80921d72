/* Microsoft's Callback Control Protocol, the side that is called back (draft-gidwani-ppp-callback-cp): after authentication, a server offers
 * how it would call back, and is told the number. Owned by ppp.c; messages are pppd's. */
#ifndef SLIRPPD_PPP_CBCP_H
#define SLIRPPD_PPP_CBCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cbcp_events {
	void (*send)(void *arg, uint16_t protocol, const uint8_t *packet, size_t len);
	/* The server does not call back: go on with this call. */
	void (*go_on)(void *arg);
	/* It will: hang up. */
	void (*call_back)(void *arg);
};

struct cbcp {
	const char *number;
	const struct cbcp_events *events;
	void *arg;
	bool up;
};

/* NUMBER: where we are to be called; it must outlive this. */
void cbcp_init(struct cbcp *cbcp, const char *number, const struct cbcp_events *events, void *arg);
/* The link is authenticated, LCP agreed to CBCP: wait for the server's request. */
void cbcp_begin(struct cbcp *cbcp);
void cbcp_end(struct cbcp *cbcp);
void cbcp_input(struct cbcp *cbcp, const uint8_t *packet, size_t len);

#endif
