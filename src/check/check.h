/* `slirppd check DEVICE [SPEED]`: what is wrong with a port, in sentences that say what to do. */
#ifndef SLIRPPD_CHECK_CHECK_H
#define SLIRPPD_CHECK_CHECK_H

/* ARGV[1] is "check". Prints what it finds to standard output, leaves the port as it was, and returns the exit code: 0 when
 * nothing wrong was found, pppd's (status.h) where one fits, else 1. */
int check_main(int argc, char *argv[]);

#endif
