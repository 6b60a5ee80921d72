/* Packets waiting for the line: fair between flows, short, and in step with the line's rate.
 *
 * Packets are copied in once. Each belongs to a flow (a hash of protocol, addresses and ports); flows take turns by deficit
 * round robin (RFC 8290's scheme without its timers): a flow that had nothing waiting goes before those that have, so a keystroke
 * does not wait behind a download. When the queue is full the packet at the head of the longest flow is dropped. */
#ifndef SLIRPPD_NET_QUEUE_H
#define SLIRPPD_NET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

struct queue;

/* An empty queue for packets of up to MTU bytes each and at most LIMIT packets. Memory for a packet is taken when it is first
 * needed and kept. */
struct queue *queue_new(struct clock *clock, size_t mtu, unsigned limit);
void queue_free(struct queue *q);

/* The line carries RATE bytes a second; 0: unknown, no pacing. */
void queue_set_rate(struct queue *q, unsigned rate);

/* Adds a copy of the packet. False when it was larger than MTU and so refused. */
bool queue_put(struct queue *q, const uint8_t *packet, size_t len);

/* The packet whose turn it is, *LEN bytes, or NULL when there is none or the line has not yet carried what it was given. Valid
 * until the next queue_put() or queue_take(). */
const uint8_t *queue_peek(struct queue *q, size_t *len);

/* Removes the packet that queue_peek() showed; it took LINE_BYTES on the line (pacing). */
void queue_take(struct queue *q, size_t line_bytes);

/* When pacing holds packets back: the clock's time at which queue_peek() will show one; CLOCK_NEVER when empty, now or earlier when
 * one is ready. */
uint64_t queue_ready_at(struct queue *q);

/* True from the time that the queue is so long that its sources should be held, until it is short again (hysteresis). */
bool queue_congested(struct queue *q);

void queue_clear(struct queue *q);
unsigned queue_packets(const struct queue *q);
size_t queue_bytes(const struct queue *q);
uint64_t queue_dropped(const struct queue *q);

#endif
