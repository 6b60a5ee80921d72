/* The 16-bit frame check sequence of RFC 1662 appendix C.2. */
#ifndef SLIRPPD_PPP_FCS_H
#define SLIRPPD_PPP_FCS_H

#include <stddef.h>
#include <stdint.h>

#define FCS_INIT 0xffff
#define FCS_GOOD 0xf0b8 /* what is left after a good frame with its FCS */

/* Goes on with FCS over LEN bytes. The FCS to send is the complement of the result, least significant byte first. */
uint16_t fcs_update(uint16_t fcs, const uint8_t *bytes, size_t len);

#endif
