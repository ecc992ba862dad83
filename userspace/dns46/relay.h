/* SPDX-License-Identifier: GPL-2.0 */
/* relay.h: the parts put together. */
#ifndef DNS46_RELAY_H
#define DNS46_RELAY_H

#include "config.h"

struct relay;

/* Opens all, drops privileges; NULL: @err says why. Takes @conf over. */
struct relay *relay_new(struct config *conf, struct config_error *err);
/* Until a signal asks to stop; @reread makes the configuration anew for SIGHUP. */
int relay_run(struct relay *r, struct config *(*reread)(struct config_error *err));
void relay_free(struct relay *r);

#endif
