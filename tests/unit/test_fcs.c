/* The check sequence: against the values that the world agrees on, and against one that goes bit by bit. */
#include "unit.h"

#include <string.h>

#include "ppp/fcs.h"

#define LONGEST 300

static uint16_t bit_by_bit(uint16_t fcs, const uint8_t *bytes, size_t len)
{
	unsigned int sum = fcs;

	for (size_t bit = 0; bit < 8 * len; bit++) {
		sum ^= bytes[bit / 8] >> bit % 8 & 1;
		sum = sum >> 1 ^ (sum & 1 ? 0x8408 : 0);
	}
	return (uint16_t)sum;
}

static void fill(uint8_t *bytes, size_t len)
{
	uint32_t state = 20;

	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
}

static void known_values(void)
{
	static const struct {
		const char *text;
		uint16_t complement;
	} rows[] = {
		{ "", 0x0000 },
		{ "123456789", 0x906e },
		{ "A", 0xa3f5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint16_t fcs = fcs_update(FCS_INIT, (const uint8_t *)rows[i].text, strlen(rows[i].text));
		CU_ASSERT_EQUAL((uint16_t)~fcs, rows[i].complement);
	}
}

static void first_table_is_the_rfcs(void)
{
	static const uint16_t fcstab_begins[] = { 0x0000, 0x1189, 0x2312, 0x329b, 0x4624, 0x57ad, 0x6536, 0x74bf };

	for (uint8_t b = 0; b < 8; b++)
		CU_ASSERT_EQUAL(fcs_update(0, &b, 1), fcstab_begins[b]);
	CU_ASSERT_EQUAL(fcs_update(0, &(uint8_t){ 0xff }, 1), 0x0f78);
}

static void good_frame_leaves_the_residue(void)
{
	uint8_t bytes[LONGEST + 2];

	fill(bytes, sizeof(bytes));
	for (size_t len = 0; len <= LONGEST; len++) {
		uint16_t fcs = (uint16_t)~fcs_update(FCS_INIT, bytes, len);
		const uint8_t sent[2] = { (uint8_t)fcs, (uint8_t)(fcs >> 8) };
		CU_ASSERT_EQUAL(fcs_update(fcs_update(FCS_INIT, bytes, len), sent, 2), FCS_GOOD);
	}
}

static void every_length_and_alignment(void)
{
	uint8_t bytes[LONGEST + 32];
	unsigned int wrong = 0;

	fill(bytes, sizeof(bytes));
	for (size_t at = 0; at < 32; at++) {
		for (size_t len = 0; len <= LONGEST; len++)
			wrong += fcs_update(FCS_INIT, bytes + at, len) != bit_by_bit(FCS_INIT, bytes + at, len);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void every_bit_in_every_place(void)
{
	uint8_t bytes[200] = { 0 };
	unsigned int wrong = 0;

	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] = (uint8_t)(1u << bit % 8);
		wrong += fcs_update(0, bytes, sizeof(bytes)) != bit_by_bit(0, bytes, sizeof(bytes));
		bytes[bit / 8] = 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void every_value_in_every_table(void)
{
	uint8_t bytes[16] = { 0 };
	unsigned int wrong = 0;

	for (size_t place = 0; place < sizeof(bytes); place++) {
		for (unsigned int value = 0; value < 256; value++) {
			bytes[place] = (uint8_t)value;
			wrong += fcs_update(0, bytes, sizeof(bytes)) != bit_by_bit(0, bytes, sizeof(bytes));
		}
		bytes[place] = 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void goes_on_from_any_state(void)
{
	uint8_t bytes[LONGEST];
	unsigned int wrong = 0;

	fill(bytes, sizeof(bytes));
	for (unsigned int fcs = 0; fcs <= 0xffff; fcs++)
		wrong += fcs_update((uint16_t)fcs, bytes, 16) != bit_by_bit((uint16_t)fcs, bytes, 16);
	for (unsigned int fcs = 0; fcs <= 0xffff; fcs += 97)
		wrong += fcs_update((uint16_t)fcs, bytes, 130) != bit_by_bit((uint16_t)fcs, bytes, 130);
	for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
		uint16_t half = fcs_update(FCS_INIT, bytes, cut);
		wrong += fcs_update(half, bytes + cut, sizeof(bytes) - cut) != fcs_update(FCS_INIT, bytes, sizeof(bytes));
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void of_nothing(void)
{
	CU_ASSERT_EQUAL(fcs_update(0x1234, NULL, 0), 0x1234);
}

const struct unit_test unit_tests[] = {
	{ "fcs: known values", known_values },
	{ "fcs: the table of RFC 1662 appendix C.2", first_table_is_the_rfcs },
	{ "fcs: a good frame leaves f0b8 (RFC 1662 appendix C.2)", good_frame_leaves_the_residue },
	{ "fcs: every length at every alignment, as bit by bit", every_length_and_alignment },
	{ "fcs: every bit in every place", every_bit_in_every_place },
	{ "fcs: every value of a byte in every table", every_value_in_every_table },
	{ "fcs: goes on from any state, cut anywhere", goes_on_from_any_state },
	{ "fcs: of nothing", of_nothing },
	{ 0 },
};
