/* What the tests of methods of compression share: packets that are the same each time, and a line that loses some. */
#ifndef SLIRPPD_TEST_COMP_RIG_H
#define SLIRPPD_TEST_COMP_RIG_H

#include <stdint.h>

#include "ppp/comp.h"

#define RIG_MRU 1500

struct packets {
	uint32_t x;
};

/* Packet I: every fifth is noise, the others are made of a few words. Returns its length, at most RIG_MRU. */
size_t packets_make(struct packets *p, unsigned i, uint8_t bytes[RIG_MRU]);

/* The method with an option's VALUE, for the sender or the receiver. */
struct comp *rig_open(const struct comp_method *method, const void *value, size_t len, bool sending);

/* Passes COUNT packets of several protocols over a line that loses or damages LOSS of 1000, with a reset where one is asked for; damage that
 * the FCS does not see is no part of this. Everything that comes out must be right. Returns how many came out. */
unsigned rig_lossy(const struct comp_method *method, const void *value, size_t len, unsigned count, unsigned loss);

/* Gives a receiver ROUNDS packets: noise, real ones cut short, real ones with a byte changed. It must not die of that, and never write more
 * than it may. */
void rig_hostile(const struct comp_method *method, const void *value, size_t len, unsigned rounds);

#endif
