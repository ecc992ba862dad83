// SPDX-License-Identifier: GPL-2.0
/*
 * events.c: messages of the kernel's, as the client library reads them. The
 * kernel is no enemy; but a module of another version may send other attributes.
 */
#include "lib/object.c"

#include "fuzz.h"

static int seen(enum nat46_map_event event, const struct nat46_map *map, void *arg)
{
	must(strnlen(map->name, sizeof(map->name)) < sizeof(map->name));
	must(strnlen(map->owner, sizeof(map->owner)) < sizeof(map->owner));
	must(map->n <= NAT46_TARGETS_MAX);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = { .event = seen };
	struct nlmsghdr *h;
	struct nl_msg *msg;

	if (size > 4096)
		return 0;
	h = calloc(1, NLMSG_HDRLEN + size);
	h->nlmsg_len = NLMSG_HDRLEN + size;
	h->nlmsg_type = 0x20;
	memcpy(nlmsg_data(h), data, size);
	msg = nlmsg_convert(h);
	free(h);
	must(msg);
	on_event(msg, &r);
	nlmsg_free(msg);
	return 0;
}
