// SPDX-License-Identifier: GPL-2.0
/* 6.1: commands from resv_start_op on are validated strictly */
#include <net/genetlink.h>

int probe(struct genl_family *f);
int probe(struct genl_family *f)
{
	return f->resv_start_op;
}
