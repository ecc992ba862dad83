// SPDX-License-Identifier: GPL-2.0
/*
 * ports.c: a source on an address that the host has leaves it the ports which the
 * host gives out by itself: to sockets (ip_local_port_range, but for
 * ip_local_reserved_ports), and as NodePorts of Kubernetes.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define SYSCTL		"/proc/sys/net/ipv4/"
#define PORTS		65536
#define NODE_PORTS_LO	30000
#define NODE_PORTS_HI	32767

struct range {
	unsigned int lo, hi;
};

static FILE *open_sysctl(const char *name)
{
	FILE *f = fopen(name, "r");

	if (!f)
		die(EXIT_SYSTEM, "%s: %s", strerror(errno), name);
	return f;
}

/* Marks what ip_local_reserved_ports lists. */
static void read_reserved(bool *reserved)
{
	FILE *f = open_sysctl(SYSCTL "ip_local_reserved_ports");
	unsigned int lo, hi;

	while (fscanf(f, "%u", &lo) == 1) {
		if (fscanf(f, "-%u", &hi) != 1)
			hi = lo;
		for (; lo <= hi && lo < PORTS; lo++)
			reserved[lo] = true;
		if (fgetc(f) != ',')
			break;
	}
	fclose(f);
}

static struct range read_local(void)
{
	FILE *f = open_sysctl(SYSCTL "ip_local_port_range");
	struct range r = { 0 };

	if (fscanf(f, "%u %u", &r.lo, &r.hi) != 2)
		die(EXIT_SYSTEM, "not two numbers: " SYSCTL "ip_local_port_range");
	fclose(f);
	return r;
}

/* Where a port of @ours is one of @theirs and not reserved: that, in words. */
static const char *meet(struct range ours, struct range theirs, const bool *reserved,
			const char *what)
{
	static char why[256];
	unsigned int port;

	for (port = ours.lo; port <= ours.hi; port++) {
		if (port < theirs.lo || port > theirs.hi || reserved[port])
			continue;
		snprintf(why, sizeof(why),
			 "the ports meet %s %u-%u, and ip_local_reserved_ports does not list them (\"force\" overrules): %u-%u",
			 what, theirs.lo, theirs.hi, ours.lo, ours.hi);
		return why;
	}
	return NULL;
}

/* Does a range of addresses hold one of the host's? */
static bool of_this_host(const struct in6_addr *lo, const struct in6_addr *hi)
{
	struct ifaddrs *all, *i;
	bool found = false;

	if (getifaddrs(&all))
		die(EXIT_SYSTEM, "the addresses can't be read: %s", strerror(errno));
	for (i = all; i && !found; i = i->ifa_next) {
		const struct in6_addr *a;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET6)
			continue;
		a = &((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
		found = memcmp(a, lo, sizeof(*a)) >= 0 && memcmp(a, hi, sizeof(*a)) <= 0;
	}
	freeifaddrs(all);
	return found;
}

const char *ports_meet(const struct req *r)
{
	static const struct range dev_ports[] = {
		{ NAT46_DEV_PORTS_1_LO, NAT46_DEV_PORTS_1_HI },
		{ NAT46_DEV_PORTS_2_LO, NAT46_DEV_PORTS_2_HI },
	};
	static const struct range addr_ports[] = { { NAT46_ADDR_PORTS_LO, NAT46_ADDR_PORTS_HI } };
	static bool reserved[PORTS];
	const struct range *by_default = r->dev ? dev_ports : addr_ports;
	const struct range node_ports = { NODE_PORTS_LO, NODE_PORTS_HI };
	int i, n = r->n_ports;
	struct range local, ours;
	const char *why;

	if (!r->dev && !of_this_host(&r->addr6, &r->addr6_hi))
		return NULL;
	if (!n)
		n = r->dev ? sizeof(dev_ports) / sizeof(*dev_ports) : 1;
	read_reserved(reserved);
	local = read_local();
	for (i = 0; i < n; i++) {
		if (r->n_ports)
			ours = (struct range){ r->ports[i] >> 16, r->ports[i] & 0xffff };
		else
			ours = by_default[i];
		why = meet(ours, local, reserved, "ip_local_port_range");
		if (!why)
			why = meet(ours, node_ports, reserved, "NodePorts");
		if (why)
			return why;
	}
	return NULL;
}
