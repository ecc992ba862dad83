/* SPDX-License-Identifier: GPL-2.0 */
/* sandbox.h: what is left to us once all is open. */
#ifndef DNS46_SANDBOX_H
#define DNS46_SANDBOX_H

#include "config.h"

/* The folder of the file, as the user's own, where it isn't there yet; with those above it. */
bool sandbox_folder(const char *file, const char *user, struct config_error *err);
/* @file: what @fd is called. An fd, since a name may lead elsewhere a moment later. */
bool sandbox_give(int fd, const char *file, const char *user, struct config_error *err);
/*
 * Another user, CAP_NET_ADMIN alone (for the module), no way to more, the system
 * calls we use; some others end us.
 */
bool sandbox_enter(const char *user, struct config_error *err);

#endif
