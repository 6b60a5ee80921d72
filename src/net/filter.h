/* Which packets count (active-filter) or may pass (pass-filter): libpcap's language on pppd's link type, DLT_PPP_PPPD, where `inbound` and
 * `outbound` tell the direction. libpcap is loaded when the first filter is made, and not before. */
#ifndef SLIRPPD_NET_FILTER_H
#define SLIRPPD_NET_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

struct filter;

/* Compiles what CONFIG has, or reads it compiled: NULL with *WHY NULL where there is nothing, NULL with *WHY (g_free() it) where it is wrong.
 * A precompiled one is what OpenWrt's pppd reads (its option precompiled-active-filter). */
struct filter *filter_new(const struct filter_config *config, char **why);
void filter_free(struct filter *filter);

/* Whether it matches an IP packet. OUTBOUND: to the peer. A filter that is NULL matches everything. */
bool filter_match(const struct filter *filter, bool outbound, const uint8_t *packet, size_t len);

#endif
