/* pppd's exit codes: what ended the program, and what a session reports of itself. Table in status.c. */
#ifndef SLIRPPD_STATUS_H
#define SLIRPPD_STATUS_H

enum exit_status {
	EXIT_OK = 0,
	EXIT_FATAL_ERROR = 1,
	EXIT_OPTION_ERROR = 2,
	EXIT_NOT_ROOT = 3,
	EXIT_NO_KERNEL_SUPPORT = 4,
	EXIT_USER_REQUEST = 5,
	EXIT_LOCK_FAILED = 6,
	EXIT_OPEN_FAILED = 7,
	EXIT_CONNECT_FAILED = 8,
	EXIT_PTYCMD_FAILED = 9,
	EXIT_NEGOTIATION_FAILED = 10,
	EXIT_PEER_AUTH_FAILED = 11,
	EXIT_IDLE_TIMEOUT = 12,
	EXIT_CONNECT_TIME = 13,
	EXIT_CALLBACK = 14,
	EXIT_PEER_DEAD = 15,
	EXIT_HANGUP = 16,
	EXIT_LOOPBACK = 17,
	EXIT_INIT_FAILED = 18,
	EXIT_AUTH_TOPEER_FAILED = 19,
	EXIT_TRAFFIC_LIMIT = 20,
	EXIT_CNID_AUTH_FAILED = 21
};

/* The name and meaning of a code in a few words, for the manual, --help and messages; never NULL. */
const char *exit_status_text(enum exit_status status);

#endif
