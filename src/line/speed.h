/* Speeds of serial lines: what the kernel calls them, and whether the one that was set is the one that was asked for. */
#ifndef SLIRPPD_LINE_SPEED_H
#define SLIRPPD_LINE_SPEED_H

#include <stdbool.h>

/* The CBAUD bits (`B9600`…) that stand for SPEED bits a second; 0 when it has no name of its own. */
unsigned speed_code(unsigned speed);

/* The speed that CBAUD bits stand for; 0 for B0 and for those of an unnamed speed. */
unsigned speed_of_code(unsigned code);

/* Whether a line that runs at GOT can talk to one at ASKED: a start bit and eight data bits must be sampled right, so a UART's
 * divider may be off by some 3 %. */
bool speed_matches(unsigned asked, unsigned got);

#endif
