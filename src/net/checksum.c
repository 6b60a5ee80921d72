/* The Internet checksum; see checksum.h. Everything in net/ that builds or changes a packet calls this.
 * Sums are kept in the machine's byte order (RFC 1071 §2 B): 32-bit words in 64 bits need no carry for 16 GB. */
#include "net/checksum.h"

#include <arpa/inet.h>
#include <string.h>

uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (; len >= 8; at += 8, len -= 8) {
		uint64_t words;

		memcpy(&words, at, 8);
		sum += (words & UINT32_MAX) + (words >> 32);
	}
	uint64_t rest = 0;
	if (len > 0)
		memcpy(&rest, at, len);
	return sum + (rest & UINT32_MAX) + (rest >> 32);
}

uint64_t checksum_add_u16(uint64_t sum, uint16_t value)
{
	return sum + htons(value);
}

uint16_t checksum_finish(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~ntohs((uint16_t)sum);
}

uint16_t checksum_replace16(uint16_t check, uint16_t old, uint16_t new)
{
	uint32_t sum = (uint16_t)~check + (uint32_t)(uint16_t)~old + new;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t checksum_replace32(uint16_t check, uint32_t old, uint32_t new)
{
	check = checksum_replace16(check, (uint16_t)(old >> 16), (uint16_t)(new >> 16));
	return checksum_replace16(check, (uint16_t)old, (uint16_t)new);
}
