/* A test rig: one PPP link in virtual time whose peer is the test. Packets go in and come out as hexadecimal text, protocol
 * first ("c021 01010004"); log lines and events are kept as text. */
#ifndef SLIRPPD_TEST_RIG_H
#define SLIRPPD_TEST_RIG_H

#include <glib.h>

#include "clock.h"
#include "config.h"
#include "outbuf.h"
#include "ppp/frame.h"
#include "ppp/ppp.h"

struct rig {
	struct clock clock;
	struct config *config; /* change it before rig_start(): of the networks only IPv4 is enabled, without VJ; no CCP */
	struct outbuf out;
	struct ppp *ppp;
	struct frame_decoder decoder;
	GQueue sent;     /* of hexadecimal text */
	GByteArray *raw; /* all bytes that were sent */
	GString *events; /* "up 10.0.0.1 10.0.0.2;", "down;", "phase 4;", "finished 10;" */
	GString *log;    /* lines */
	struct ppp_addresses addresses;
	void (*on_event)(struct rig *rig, const char *event); /* called from within the callback */
	unsigned started_again;
};

struct rig *rig_new(void);
void rig_free(struct rig *rig);

/* Makes the ppp of the config and starts it. */
void rig_start(struct rig *rig);

/* Gives a packet, or bytes just as they are, to the ppp. */
void rig_feed(struct rig *rig, const char *hex);
void rig_feed_packet(struct rig *rig, uint16_t protocol, const uint8_t *packet, size_t len);
void rig_feed_raw(struct rig *rig, const uint8_t *bytes, size_t len);

/* Lets time pass. */
void rig_advance(struct rig *rig, uint64_t microseconds);

/* The next packet that was sent, as text without blanks ("" when there is none); valid until the next call. */
const char *rig_next(struct rig *rig);

/* The next packet matches PATTERN: blanks in that are ignored, `?` is any digit. Says what there was where not. */
bool rig_sent(struct rig *rig, const char *pattern);

/* Forgets packets sent so far; what they were is not of interest. */
void rig_skip(struct rig *rig);

/* True when a log line is, or begins with, TEXT; how many do. */
unsigned rig_logged(struct rig *rig, const char *text);

/* Brings LCP, or LCP and IPCP, to Opened with a peer of no wishes (10.9.9.9). Forgets packets, not events. */
void rig_open_lcp(struct rig *rig);
void rig_open_ipcp(struct rig *rig);

/* Answers the last Configure-Request of PROTOCOL among the packets sent: CODE 2 Ack, 4 Reject (of all of it). */
void rig_answer(struct rig *rig, uint16_t protocol, uint8_t code);

#endif
