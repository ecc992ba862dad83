/* SPDX-License-Identifier: GPL-2.0 */
/*
 * activation.h: sockets from the service manager (sd_listen_fds(3)): they stay open
 * while we restart, so that no query is lost (rule 58).
 */
#ifndef DNS46_ACTIVATION_H
#define DNS46_ACTIVATION_H

#include "config.h"

/* The socket of that type (SOCK_DGRAM, SOCK_STREAM) bound to @e; -1: there is none. */
int activation_take(const struct endpoint *e, int type);
/* Those that nobody has taken are closed, and told. */
void activation_end(void);

#endif
