// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>
