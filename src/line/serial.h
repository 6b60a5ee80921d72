/* One terminal: its settings (speed, flow control, raw bytes), its modem lines, and how to put back what was there before. Never
 * waits for output to drain: a line whose peer holds CTS down would hold us for ever. */
#ifndef SLIRPPD_LINE_SERIAL_H
#define SLIRPPD_LINE_SERIAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "config.h"

/* What a speed means on it: only a UART (or a USB adapter, which has one) has a true one. */
enum serial_kind { SERIAL_UART, SERIAL_ACM, SERIAL_GADGET, SERIAL_PTY };

/* Told from the device's name, symlinks resolved, and its number. */
enum serial_kind serial_kind(const char *path, dev_t device);

struct serial;

/* Takes note of how the terminal FD (which stays the caller's) is set. PATH is the device's, or NULL where only the bytes matter.
 * NULL with errno when it is no terminal. */
struct serial *serial_new(int fd, const char *path);
/* Forgets it without touching it. */
void serial_free(struct serial *serial);

/* Sets it as CONFIG wants: 8 bits, no parity, raw. With CARRIER, and where `modem` is on, it will hang up when carrier is lost.
 * False when it cannot be set so: *WHY is NULL and errno says why, or *WHY is one line (for g_free). */
bool serial_set(struct serial *serial, const struct line_config *config, bool carrier, char **why);

/* Sets it as serial_new() found it, ends the claim, and throws away what was not read; with DISCARD, also what was not sent. */
void serial_restore(struct serial *serial, bool discard);

/* close() for a terminal: one that cannot get rid of its last bytes (a gadget port whose host does not listen waits for 15 seconds)
 * is not waited for. */
void serial_close(int fd);

/* Whether it has modem lines at all (gadget ports and ptys do not), carrier (false with errno ≠ 0 when it is gone), and DTR. */
bool serial_has_modem(const struct serial *serial);
bool serial_is_acm(const struct serial *serial);
bool serial_carrier(const struct serial *serial);
bool serial_set_dtr(const struct serial *serial, bool on);

/* Claims it until it is restored: from now on (for root), or from the next serial_set() on (for everybody else), no other program that
 * asks can have it. False with errno EBUSY where another has claimed it. */
bool serial_claim(struct serial *serial);

/* Bytes a second, from the speed that is set and the bits a byte takes; 0 where speed means nothing. */
unsigned serial_rate(const struct serial *serial);
/* Bits a second, as they are set. */
unsigned serial_speed(const struct serial *serial);

#endif
