/* Speeds of serial lines; see speed.h. Called by serial.c. The kernel's header and the C library's <termios.h> exclude each other:
 * only the kernel's knows speeds without a name. */
#include "line/speed.h"

#include <asm/termbits.h>
#include <stddef.h>
#include <stdint.h>

static const struct named_speed {
	unsigned speed, code;
} named_speeds[] = {
	{ 50, B50 },           { 75, B75 },           { 110, B110 },         { 134, B134 },
	{ 150, B150 },         { 200, B200 },         { 300, B300 },         { 600, B600 },
	{ 1200, B1200 },       { 1800, B1800 },       { 2400, B2400 },       { 4800, B4800 },
	{ 9600, B9600 },       { 19200, B19200 },     { 38400, B38400 },     { 57600, B57600 },
	{ 115200, B115200 },   { 230400, B230400 },   { 460800, B460800 },   { 500000, B500000 },
	{ 576000, B576000 },   { 921600, B921600 },   { 1000000, B1000000 }, { 1152000, B1152000 },
	{ 1500000, B1500000 }, { 2000000, B2000000 }, { 2500000, B2500000 }, { 3000000, B3000000 },
	{ 3500000, B3500000 }, { 4000000, B4000000 },
};

#define NAMED_SPEEDS (sizeof(named_speeds) / sizeof(named_speeds[0]))

unsigned speed_code(unsigned speed)
{
	for (size_t i = 0; i < NAMED_SPEEDS; i++)
		if (named_speeds[i].speed == speed)
			return named_speeds[i].code;
	return 0;
}

unsigned speed_of_code(unsigned code)
{
	for (size_t i = 0; i < NAMED_SPEEDS; i++)
		if (named_speeds[i].code == code)
			return named_speeds[i].speed;
	return 0;
}

bool speed_matches(unsigned asked, unsigned got)
{
	uint64_t off = asked > got ? asked - got : got - asked;

	return off * 100 <= (uint64_t)asked * 3;
}
