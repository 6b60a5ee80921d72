/* `capture FILE.pcapng`: link-layer frames of both directions, for Wireshark (draft-ietf-opsawg-pcapng; LINKTYPE_PPP_WITH_DIR).
 *
 * A thread of its own writes the file, from a bounded buffer: the link never waits for a disk, a full one, or a FIFO that nobody reads.
 * What finds no room is not captured, and how much is missing is said in the file. A disk that fails is said in the log, and tried again
 * with what comes next. */
#ifndef SLIRPPD_CAPTURE_H
#define SLIRPPD_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

/* Opens PATH (mode 0600; emptied; no symbolic link). NULL, with one line logged, when that fails. MAX_BYTES: when the file would grow
 * beyond that it becomes PATH.1 (an older PATH.1 is replaced) and a new one begins; 0: never. INTERFACE (`ppp0`) and LINE
 * (`/dev/ttyGS0`) are named in the file. */
struct capture *capture_open(const char *path, uint64_t max_bytes, const char *interface, const char *line);
/* Writes what it still has, but waits no longer than a second for that. */
void capture_close(struct capture *capture);

/* A frame: its protocol and what follows it. Called for every packet: copies it, no more. */
void capture_frame(struct capture *capture, bool sent, uint16_t protocol, const uint8_t *payload, size_t len);

/* A remark (`link up, 10.0.2.2 <-> 10.0.2.15`): a comment on the next frame. */
void capture_comment(struct capture *capture, const char *text);

uint64_t capture_lost(const struct capture *capture);

#endif
