/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624). Values are in host byte order, as a reader gives them. */
#ifndef SLIRPPD_NET_CHECKSUM_H
#define SLIRPPD_NET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds LEN bytes to a running sum that began at 0. Only the last piece of a sum may have an odd length. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len);
/* Adds one 16-bit number. */
uint64_t checksum_add_u16(uint64_t sum, uint16_t value);
/* What goes into the header's field. Over data with a right checksum in it this is 0. */
uint16_t checksum_finish(uint64_t sum);

/* The checksum CHECK after a field of the data changed (RFC 1624 §3, equation 3). */
uint16_t checksum_replace16(uint16_t check, uint16_t old, uint16_t new);
uint16_t checksum_replace32(uint16_t check, uint32_t old, uint32_t new);

#endif
