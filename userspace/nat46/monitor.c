// SPDX-License-Identifier: GPL-2.0
/* monitor.c: nat46 monitor: what changes, as it does */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const char *const events[] = {
	[NAT46_MAP_EVENT_NEW] = "new", [NAT46_MAP_EVENT_CHANGE] = "change",
	[NAT46_MAP_EVENT_DEL] = "del", [NAT46_MAP_EVENT_EXPIRED] = "expired",
};

static int map_event(enum nat46_map_event event, const struct nat46_map *m, void *arg)
{
	const bool known = event < sizeof(events) / sizeof(events[0]) && events[event];

	p_begin(false);
	p_str("object", "%s ", "map");
	p_str("event", "%s ", known ? events[event] : "?");
	map_words(m, true);
	p_text("\n");
	p_end();
	return 0;
}

static struct nat46_nl *listen_to(int (*join)(struct nat46_nl *nl, struct nat46_err *err))
{
	struct nat46_err err;
	struct nat46_nl *nl = nat46_nl_open(&err);

	if (!nl || join(nl, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	return nl;
}

void cmd_monitor(struct args *a)
{
	struct nat46_nl *nl;
	struct pollfd fd;
	int ret;

	if (take(a, "help")) {
		fputs("nat46 monitor [ map ]\n", stdout);
		return;
	}
	take(a, "map");
	no_more(a);
	tool_nl();	/* is the module there, and of this version? */
	nl = listen_to(nat46_events_join);
	fd = (struct pollfd){ .fd = nat46_nl_fd(nl), .events = POLLIN };
	for (;;) {
		ret = nat46_events_read(nl, map_event, NULL);
		if (fflush(stdout))
			die(EXIT_SYSTEM, "standard output: %s", strerror(errno));
		if (ret == -ENOBUFS)
			fputs("nat46: events were lost: too many at once\n", stderr);
		else if (ret != -EAGAIN)
			die(EXIT_SYSTEM, "%s", strerror(-ret));
		if (poll(&fd, 1, -1) < 0 && errno != EINTR)
			die(EXIT_SYSTEM, "poll: %s", strerror(errno));
	}
}
