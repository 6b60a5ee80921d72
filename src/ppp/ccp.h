/* The Compression Control Protocol (RFC 1962; codes 14 and 15 are Reset-Request and Reset-Ack) with Deflate (RFC 1979), BSD-Compress (RFC 1977)
 * and MPPE (RFC 3078). Preferences, verdicts and messages are pppd's, those of the data path Linux's. Owned by ppp.c. */
#ifndef SLIRPPD_PPP_CCP_H
#define SLIRPPD_PPP_CCP_H

#include <stdbool.h>
#include <stdint.h>

#include "ppp/comp.h"
#include "ppp/cp.h"
#include "status.h"

#define CCP_RESET_REQUEST 14
#define CCP_RESET_ACK 15

struct ccp_events {
	/* A method is agreed on, in one direction at least (only then is data compressed); it is down again. */
	void (*up)(void *arg);
	void (*down)(void *arg);
	/* CCP has given up, or never came up. Not an end of the link, unless failed() was called before. */
	void (*finished)(void *arg);
	/* MPPE is required and impossible: close the link (pppd: exit 10). */
	void (*failed)(void *arg, const char *reason, enum exit_status status);
};

struct ccp;

/* SIZE as for cp_init(). MRU: the largest packet (without protocol number) that has to come out of a decompressor. */
struct ccp *ccp_new(const struct ccp_config *config, struct clock *clock, size_t size, size_t mru, const struct cp_host *host, void *host_arg,
		    const struct ccp_events *events, void *arg);
void ccp_free(struct ccp *ccp);
/* For ppp.c: cp_up(), cp_open(), cp_input() and so on work on this. */
struct cp *ccp_cp(struct ccp *ccp);

/* Before it is opened: what MPPE has to go on: keys (NULL: none), the method that they came of, whether both directions used one. False, and
 * failed() was called, where MPPE is required and cannot be. KEYS must live until ccp_forget_keys(). */
bool ccp_set_keys(struct ccp *ccp, const struct mppe_keys *keys, unsigned auth_method, bool twice);
void ccp_forget_keys(struct ccp *ccp);

/* MPPE is required: nothing may pass before it is up, and IPCP has to wait (pppd). */
bool ccp_must_encrypt(const struct ccp *ccp);
/* How many bytes the largest packet grows by on its way: 4 with MPPE, else 0. */
unsigned ccp_overhead(const struct ccp *ccp);

/* Whether packets are to be given to ccp_compress(): a method for sending is up, or nothing may pass. */
bool ccp_sends(const struct ccp *ccp);
/* The payload of a packet of protocol PPP_COMP in *OUT (valid until the next call) and its length; COMP_PASS, COMP_REFUSE: see comp.h. */
size_t ccp_compress(struct ccp *ccp, const struct comp_packet *packet, const uint8_t **out);

/* Whether ccp_decompress() and ccp_saw() want to see what comes. */
bool ccp_receives(const struct ccp *ccp);
/* A packet of protocol PPP_COMP, LEN bytes at IN. The packet that was in it (HEADROOM bytes before it may be overwritten: PPP_HEADROOM and
 * VJ_HEADROOM), its protocol and length, or NULL: it is lost, and what has to be done about that is done. Valid until the next call. */
uint8_t *ccp_decompress(struct ccp *ccp, const uint8_t *in, size_t len, uint16_t *protocol, size_t *out_len);
/* A packet came uncompressed. False: that is not allowed (MPPE), it must be dropped. */
bool ccp_saw(struct ccp *ccp, uint16_t protocol, const uint8_t *packet, size_t len);

/* What is negotiated, as pppd names it ("Deflate (15)"), NULL: nothing. */
const char *ccp_send_name(const struct ccp *ccp);
const char *ccp_receive_name(const struct ccp *ccp);

extern const struct cp_options ccp_options;

#endif
