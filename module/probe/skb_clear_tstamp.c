// SPDX-License-Identifier: GPL-2.0
/* 5.18: a delivery time is cleared apart from a time stamp */
#include <linux/skbuff.h>

void probe(struct sk_buff *skb);
void probe(struct sk_buff *skb)
{
	skb_clear_tstamp(skb);
}
