/* The debug lines that show each control packet as pppd prints it: `rcvd [LCP ConfReq id=0x1 <asyncmap 0x0> …]`.
 *
 * Prints anything at all: what is not understood is shown as bytes. Packets are read through struct reader alone. */
#ifndef SLIRPPD_PPP_PRINT_H
#define SLIRPPD_PPP_PRINT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

/* The packet with its brackets, appended to OUT. PACKET begins after the protocol field. */
void print_packet(GString *out, uint16_t protocol, const uint8_t *packet, size_t len, bool show_password);

/* What is known of a protocol number, "IPv6 Control Protocol", or NULL. */
const char *print_protocol_name(uint16_t protocol);

/* The value of a Configure option, appended to OUT with a blank before each word: the `print` of a row. What it leaves in VALUE is
 * printed as bytes after it. */
typedef void print_fn(GString *out, struct reader *value);

/* A Configure option as far as printing goes; options that a row's lengths do not fit are shown as bytes. */
struct print_option {
	uint8_t type;
	uint8_t min, max; /* of the whole option */
	const char *name;
	print_fn *print; /* NULL: the name says all */
};

print_fn print_u16, print_hex, print_address, print_addresses;

/* TEXT in double quotes, with \" \\ \n \r \t and \ooo. */
void print_string(GString *out, struct reader *text);

/* TEXT as pppd's %v prints a peer's words: ^X and M-x for what is not printable. */
void print_visible(GString *out, struct reader *text);

/* ADDRESS (host byte order) as dotted quad. */
#define PRINT_ADDRESS_MAX 16
const char *print_ip(char text[PRINT_ADDRESS_MAX], uint32_t address);

#endif
