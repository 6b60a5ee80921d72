/* Fuzzes MPPE's receiver: bytes 0 to 3 are the value of the option; then come packets, each behind its length (0: a Reset-Ack instead), each
 * in memory of its own size. Whatever comes, it must stay in bounds, and give out only what may be encrypted.
 * Coverage: src/ppp/mppe.c */
#include <glib.h>
#include <string.h>

#include "ppp/comp.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct comp *open_receiver(struct reader *r)
{
	static const struct mppe_keys keys = { .known = true };
	static const uint8_t usual[] = { 1, 0, 0, 0x40 };
	struct comp_options options = { .value = reader_bytes(r, 4), .len = 4, .mru = 1500, .keys = &keys };

	if (!options.value)
		return NULL;
	struct comp *comp = comp_mppe.open(&options);
	/* Few inputs have an option that makes sense: the others choose the mode by a bit. */
	const uint8_t option[] = { options.value[0] & 1, 0, 0, usual[3] };
	options.value = option;
	return comp ? comp : comp_mppe.open(&options);
}

static enum comp_result feed(struct comp *comp, struct reader packet, size_t room)
{
	size_t len = reader_left(&packet);
	uint8_t *in = g_memdup2(reader_bytes(&packet, len), len);
	uint8_t *out = g_malloc(room);
	size_t out_len;
	enum comp_result result = comp_mppe.decompress(comp, in, len, out, room, &out_len);

	g_assert(out_len <= room && (result == COMP_OK) == (out_len >= 2));
	g_assert(result != COMP_OK || (out[0] == 0 && out[1] >= 0x21 && out[1] <= 0xfa));
	g_free(in);
	g_free(out);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(data, size);
	struct comp *comp = open_receiver(&r);
	enum comp_result result = COMP_OK;

	while (comp && result != COMP_FATAL && reader_left(&r) > 0) {
		size_t len = reader_u8(&r);
		if (len == 0)
			comp_mppe.reset(comp);
		else
			result = feed(comp, reader_sub(&r, MIN(len, reader_left(&r))), 1 + len);
	}
	if (comp)
		comp_mppe.close(comp);
	return 0;
}
