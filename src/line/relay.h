/* What a command says on its standard error, for the log. */
#ifndef SLIRPPD_LINE_RELAY_H
#define SLIRPPD_LINE_RELAY_H

#include "loop.h"

/* A descriptor to be given to a command, or -1 with errno. Each line written to it is logged, for as long as somebody has it open and the
 * loop runs; there is nothing to free. */
int relay_open(struct loop *loop);

#endif
