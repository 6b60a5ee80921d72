/* The frame check sequence of RFC 1662 appendix C.2, for framing: sixteen bytes at a time by tables, and where the processor has
 * a carry-less multiplication, long frames sixty-four at a time.
 *
 * Theory of operation. STEP moves the register on by one zero bit. As the check sequence is linear, what a byte adds to the
 * register is the exclusive-or of what its bits add, and a bit that lies n bits before the end adds 1 moved on by n steps. So
 * all that is needed are the first 128 powers, which the compiler works out one from the other, and from them a table for each of
 * the sixteen places that a byte can have in a block: fcs_table[k][b] is what byte B adds when K more bytes follow it.
 * Folding uses the same: a block, multiplied by the power that moves it on by 512 bits, may be added to the next block instead of
 * being summed where it was. All blocks but the last go away in this manner, and the tables sum the last. */
#include "ppp/fcs.h"

#include <glib.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define BLOCK 16

#define STEP(x) (((x) >> 1) ^ (((x) & 1) * 0x8408))

/* What the eight bits of a byte add that K more bytes follow. BEFORE: the power before those, which is of the byte after it. */
#define POWERS(k, before)                                                                                  \
	P##k##7 = STEP(before), P##k##6 = STEP(P##k##7), P##k##5 = STEP(P##k##6), P##k##4 = STEP(P##k##5), \
	P##k##3 = STEP(P##k##4), P##k##2 = STEP(P##k##3), P##k##1 = STEP(P##k##2), P##k##0 = STEP(P##k##1)

enum {
	POWERS(0, 1),
	POWERS(1, P00),
	POWERS(2, P10),
	POWERS(3, P20),
	POWERS(4, P30),
	POWERS(5, P40),
	POWERS(6, P50),
	POWERS(7, P60),
	POWERS(8, P70),
	POWERS(9, P80),
	POWERS(A, P90),
	POWERS(B, PA0),
	POWERS(C, PB0),
	POWERS(D, PC0),
	POWERS(E, PD0),
	POWERS(F, PE0),
};

#define BIT(b, n, power) ((((b) >> (n)) & 1) * (power))
#define ENTRY(k, b)                                                                                               \
	(BIT(b, 0, P##k##0) ^ BIT(b, 1, P##k##1) ^ BIT(b, 2, P##k##2) ^ BIT(b, 3, P##k##3) ^ BIT(b, 4, P##k##4) ^ \
	 BIT(b, 5, P##k##5) ^ BIT(b, 6, P##k##6) ^ BIT(b, 7, P##k##7))
#define ENTRIES_4(k, b) ENTRY(k, b), ENTRY(k, (b) + 1), ENTRY(k, (b) + 2), ENTRY(k, (b) + 3)
#define ENTRIES_16(k, b) ENTRIES_4(k, b), ENTRIES_4(k, (b) + 4), ENTRIES_4(k, (b) + 8), ENTRIES_4(k, (b) + 12)
#define ENTRIES_64(k, b) ENTRIES_16(k, b), ENTRIES_16(k, (b) + 16), ENTRIES_16(k, (b) + 32), ENTRIES_16(k, (b) + 48)
#define TABLE(k) { ENTRIES_64(k, 0), ENTRIES_64(k, 64), ENTRIES_64(k, 128), ENTRIES_64(k, 192) }

static const uint16_t fcs_table[BLOCK][256] = {
	TABLE(0), TABLE(1), TABLE(2), TABLE(3), TABLE(4), TABLE(5), TABLE(6), TABLE(7),
	TABLE(8), TABLE(9), TABLE(A), TABLE(B), TABLE(C), TABLE(D), TABLE(E), TABLE(F),
};

/* What eight bytes add that AFTER more bytes of the block follow. The first of them is the lowest of WORD. The two that the sum
 * so far went into come last, so that the processor can do the others while it waits for that sum. */
static inline unsigned int eight_bytes(uint64_t word, unsigned int after)
{
	const uint16_t(*t)[256] = &fcs_table[after];

	return t[0][word >> 56] ^ t[1][word >> 48 & 0xff] ^ t[2][word >> 40 & 0xff] ^ t[3][word >> 32 & 0xff] ^
	       t[4][word >> 24 & 0xff] ^ t[5][word >> 16 & 0xff] ^ t[6][word >> 8 & 0xff] ^ t[7][word & 0xff];
}

static uint16_t by_tables(uint16_t fcs, const uint8_t *bytes, size_t len)
{
	unsigned int sum = fcs;

	for (; len >= BLOCK; len -= BLOCK, bytes += BLOCK) {
		uint64_t word[2];

		memcpy(word, bytes, BLOCK);
		sum = eight_bytes(GUINT64_FROM_LE(word[1]), 0) ^ eight_bytes(GUINT64_FROM_LE(word[0]) ^ sum, 8);
	}
	for (; len > 0; len--, bytes++)
		sum = sum >> 8 ^ fcs_table[0][(sum ^ *bytes) & 0xff];
	return (uint16_t)sum;
}

#ifdef __x86_64__

#define FOLDED 64 /* bytes that are folded onto the next as many */

/* The powers 511 and 575 of x, for the two halves of sixteen bytes: 512 and 512 + 64, less the one that the product of reflected
 * numbers is off by. */
#define X511 (long long)(UINT64_C(0x7f90) << 48)
#define X575 (long long)(UINT64_C(0x9822) << 48)

static inline __attribute__((target("pclmul"))) __m128i fold(__m128i lane, const uint8_t *onto)
{
	const __m128i powers = _mm_set_epi64x(X511, X575);
	__m128i moved = _mm_xor_si128(_mm_clmulepi64_si128(lane, powers, 0x00), _mm_clmulepi64_si128(lane, powers, 0x11));

	return _mm_xor_si128(moved, _mm_loadu_si128((const __m128i *)onto));
}

/* Folds all whole blocks of BYTES onto the last of them. Going on with 0 over LAST is as going on with FCS over all of them. */
static __attribute__((target("pclmul"))) void fold_blocks(uint8_t last[FOLDED], uint16_t fcs, const uint8_t *bytes, size_t len)
{
	__m128i a = _mm_xor_si128(_mm_loadu_si128((const __m128i *)bytes), _mm_cvtsi32_si128(fcs));
	__m128i b = _mm_loadu_si128((const __m128i *)(bytes + 16));
	__m128i c = _mm_loadu_si128((const __m128i *)(bytes + 32));
	__m128i d = _mm_loadu_si128((const __m128i *)(bytes + 48));

	for (size_t at = FOLDED; len - at >= FOLDED; at += FOLDED) {
		a = fold(a, bytes + at);
		b = fold(b, bytes + at + 16);
		c = fold(c, bytes + at + 32);
		d = fold(d, bytes + at + 48);
	}
	_mm_storeu_si128((__m128i *)last, a);
	_mm_storeu_si128((__m128i *)(last + 16), b);
	_mm_storeu_si128((__m128i *)(last + 32), c);
	_mm_storeu_si128((__m128i *)(last + 48), d);
}

#endif

uint16_t fcs_update(uint16_t fcs, const uint8_t *bytes, size_t len)
{
#ifdef __x86_64__
	if (len >= 2 * FOLDED && __builtin_cpu_supports("pclmul")) {
		uint8_t last[FOLDED];
		fold_blocks(last, fcs, bytes, len);
		fcs = by_tables(0, last, FOLDED);
		bytes += len / FOLDED * FOLDED;
		len %= FOLDED;
	}
#endif
	return by_tables(fcs, bytes, len);
}
