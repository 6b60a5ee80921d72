/* pppd's exit codes as a table; see status.h. */
#include "status.h"

#include <stddef.h>

static const char *const texts[] = {
	[EXIT_OK] = "the link was up and the peer closed it, or the program went to the background",
	[EXIT_FATAL_ERROR] = "a fatal error",
	[EXIT_OPTION_ERROR] = "an error in the options",
	[EXIT_NOT_ROOT] = "not enough privilege for what was asked",
	[EXIT_NO_KERNEL_SUPPORT] = "no support in the kernel for what was asked",
	[EXIT_USER_REQUEST] = "ended by a signal, or on request",
	[EXIT_LOCK_FAILED] = "the device is locked, or could not be locked",
	[EXIT_OPEN_FAILED] = "the device could not be opened",
	[EXIT_CONNECT_FAILED] = "the connect script failed",
	[EXIT_PTYCMD_FAILED] = "the pty command or the socket failed",
	[EXIT_NEGOTIATION_FAILED] = "the peer did not answer, or no network protocol came up",
	[EXIT_PEER_AUTH_FAILED] = "the peer did not authenticate itself",
	[EXIT_IDLE_TIMEOUT] = "the link was idle for too long",
	[EXIT_CONNECT_TIME] = "the connect time was up",
	[EXIT_CALLBACK] = "the peer is to call back",
	[EXIT_PEER_DEAD] = "the peer stopped answering echo requests",
	[EXIT_HANGUP] = "the line hung up",
	[EXIT_LOOPBACK] = "the line is looped back",
	[EXIT_INIT_FAILED] = "the init script failed",
	[EXIT_AUTH_TOPEER_FAILED] = "the peer refused our authentication",
	[EXIT_TRAFFIC_LIMIT] = "the traffic limit was reached",
	[EXIT_CNID_AUTH_FAILED] = "the caller's number is not allowed",
};

const char *exit_status_text(enum exit_status status)
{
	size_t i = (size_t)status;

	return i < sizeof(texts) / sizeof(texts[0]) && texts[i] ? texts[i] : "unknown";
}
