// SPDX-License-Identifier: GPL-2.0
/*
 * check_net.c: what "nat46 check" finds out about the host's addresses, routes and
 * sysctls. Nothing is changed, no packet is sent.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "check.h"

#define EACH(o, cache)	for (o = nl_cache_get_first(cache); o; o = nl_cache_get_next(o))

static struct nl_cache *routes(int family)
{
	struct nl_cache *cache;

	if (rtnl_route_alloc_cache(rt_socket(), family, 0, &cache) < 0)
		die(EXIT_SYSTEM, "the routes can't be read");
	return cache;
}

static struct nl_cache *addresses(void)
{
	struct nl_cache *cache;

	if (rtnl_addr_alloc_cache(rt_socket(), &cache) < 0)
		die(EXIT_SYSTEM, "the addresses can't be read");
	return cache;
}

static const char *device_name(int ifindex)
{
	static char name[IFNAMSIZ];

	return ifindex && if_indextoname(ifindex, name) ? name : "?";
}

/* ---- IPv6 on this host --------------------------------------------------------------- */

/* Of global scope and usable: an address that the Internet may answer to? */
static bool global6(struct rtnl_addr *addr, struct in6_addr *a)
{
	const unsigned int unusable = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED;
	struct nl_addr *local = rtnl_addr_get_local(addr);

	if (rtnl_addr_get_family(addr) != AF_INET6 || !local || nl_addr_get_len(local) != 16 ||
	    rtnl_addr_get_scope(addr) != RT_SCOPE_UNIVERSE ||
	    (rtnl_addr_get_flags(addr) & unusable))
		return false;
	memcpy(a, nl_addr_get_binary_addr(local), sizeof(*a));
	return true;
}

static bool unique_local(const struct in6_addr *a)
{
	return (a->s6_addr[0] & 0xfe) == 0xfc;
}

/* The best address of a device (0: of any): global before unique local. */
static bool best_address(int ifindex, struct in6_addr *best)
{
	struct nl_cache *cache = addresses();
	struct nl_object *o;
	struct in6_addr a;
	bool any = false;

	EACH(o, cache) {
		struct rtnl_addr *addr = (struct rtnl_addr *)o;

		if ((ifindex && rtnl_addr_get_ifindex(addr) != ifindex) || !global6(addr, &a))
			continue;
		if (!any || unique_local(best))
			*best = a;
		any = true;
	}
	nl_cache_free(cache);
	return any;
}

void check_ipv6(void)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (!best_address(0, &a))
		found("ipv6", FAIL, "give this host's uplink an IPv6 address (on EKS: a subnet with IPv6, and an address on the primary network interface)",
		      "no global IPv6 address");
	else if (unique_local(&a))
		found("ipv6", WARN, "a global address, unless something on the way translates this one",
		      "only a unique local address: %s", inet_ntop(AF_INET6, &a, text, sizeof(text)));
	else
		found("ipv6", OK, "", "%s", inet_ntop(AF_INET6, &a, text, sizeof(text)));
}

/* The device of the default route that routers announced, and of the best one. */
static int default_device(int *announced)
{
	struct nl_cache *cache = routes(AF_INET6);
	uint32_t best = UINT32_MAX;
	struct nl_object *o;
	int ifindex = 0;

	*announced = 0;
	EACH(o, cache) {
		struct rtnl_route *r = (struct rtnl_route *)o;
		struct nl_addr *dst = rtnl_route_get_dst(r);
		struct rtnl_nexthop *nh = rtnl_route_nexthop_n(r, 0);

		if (!nh || rtnl_route_get_type(r) != RTN_UNICAST ||
		    (dst && nl_addr_get_prefixlen(dst)))
			continue;
		if (rtnl_route_get_protocol(r) == RTPROT_RA)
			*announced = rtnl_route_nh_get_ifindex(nh);
		if (ifindex && rtnl_route_get_priority(r) >= best)
			continue;
		best = rtnl_route_get_priority(r);
		ifindex = rtnl_route_nh_get_ifindex(nh);
	}
	nl_cache_free(cache);
	return ifindex;
}

void check_route6(void)
{
	/* the first global unicast address; connecting a datagram socket sends nothing */
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int announced, ifindex = default_device(&announced);
	const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	to.sin6_addr.s6_addr[0] = 0x20;
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		found("route6", FAIL, "ip -6 route add default via ROUTER dev DEVICE, or accept router advertisements",
		      "no route to the IPv6 Internet (::/0)");
	else if (ifindex)
		found("route6", OK, "", "::/0 by %s", device_name(ifindex));
	else
		found("route6", OK, "", "::/0");
	if (fd >= 0)
		close(fd);
}

/* A host that forwards IPv6 no longer listens to routers, unless accept_ra is 2. */
void check_forwarding(void)
{
	char path[128];
	const char *dev;
	int announced;

	default_device(&announced);
	dev = announced ? device_name(announced) : NULL;
	if (dev) {
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", dev);
		if (read_number(path, 0)) {
			snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", dev);
			if (read_number(path, 1) != 2) {
				found("forwarding", WARN,
				      cure("sysctl -w net.ipv6.conf.%s.accept_ra=2", dev),
				      "the default route was announced by a router, and %s forwards: the route will be lost",
				      dev);
				return;
			}
		}
	}
	if (!read_number("/proc/sys/net/ipv4/ip_forward", 0))
		found("forwarding", WARN, "sysctl -w net.ipv4.ip_forward=1",
		      "IPv4 is not forwarded: clients reach mapped addresses and nothing else");
	else
		found("forwarding", OK, "", "IPv4 is forwarded (IPv6 need not be)");
}

/* ---- pools ------------------------------------------------------------------------------- */

static uint32_t mask4(unsigned int plen)
{
	return plen ? ~0u << (32 - plen) : 0;
}

/* Do the two have an address in common? */
static bool overlap4(const struct nat46_pool_info *p, struct nl_addr *dst)
{
	unsigned int plen;
	uint32_t addr;

	if (!dst || nl_addr_get_len(dst) != 4)
		return false;
	plen = nl_addr_get_prefixlen(dst);
	memcpy(&addr, nl_addr_get_binary_addr(dst), sizeof(addr));
	return !(ntohl(addr ^ p->addr.s_addr) & mask4(plen < p->plen ? plen : p->plen));
}

struct pool_routes {
	bool ours;		/* by the device nat46 */
	bool guard;		/* what the pool falls to without the module */
	char other[64];
};

static struct pool_routes pool_routes(const struct nat46_pool_info *p)
{
	struct nl_cache *cache = routes(AF_INET);
	struct pool_routes found = { false };
	struct nl_object *o;

	EACH(o, cache) {
		struct rtnl_route *r = (struct rtnl_route *)o;
		struct nl_addr *dst = rtnl_route_get_dst(r);
		const int type = rtnl_route_get_type(r);
		const bool whole = dst && nl_addr_get_prefixlen(dst) <= p->plen;

		if (!overlap4(p, dst) || !nl_addr_get_prefixlen(dst))
			continue;
		if (type == RTN_UNREACHABLE || type == RTN_BLACKHOLE || type == RTN_PROHIBIT)
			found.guard |= whole;
		else if (rtnl_route_get_protocol(r) == PROTO_NAT46)
			found.ours |= whole;
		else
			nl_addr2str(dst, found.other, sizeof(found.other));
	}
	nl_cache_free(cache);
	return found;
}

static const char *pool_text(const struct nat46_pool_info *p)
{
	static char text[INET_ADDRSTRLEN + 4];
	char addr[INET_ADDRSTRLEN];

	snprintf(text, sizeof(text), "%s/%u", inet_ntop(AF_INET, &p->addr, addr, sizeof(addr)),
		 p->plen);
	return text;
}

void check_pools(const struct module_state *m)
{
	int i;

	if (!m->pools)
		found("pool", FAIL, "nat46 pool add 198.18.0.0/16", "there is no pool");
	for (i = 0; i < m->pools; i++) {
		const struct nat46_pool_info *p = &m->pool[i];
		const struct pool_routes r = pool_routes(p);
		const char *pool = pool_text(p);

		if (p->drain)
			found("pool", WARN, "", "%s is draining: no session begins", pool);
		else if (r.other[0])
			found("pool", WARN, "a pool that nothing else uses: its addresses are lost to others",
			      "%s overlaps the route %s", pool, r.other);
		else if (!r.ours)
			found("pool", FAIL, cure("nat46 pool replace %s", pool),
			      "%s has no route by the device nat46: the host's own processes can't use it", pool);
		else if (!r.guard)
			found("pool", WARN, cure("ip route add unreachable %s metric 4294967294 proto 46",
						 pool),
			      "%s: while the module is away its packets leave by the default route", pool);
		else
			found("pool", OK, "", "%s, %u addresses mapped", pool, p->mappings);
	}
}

void check_rp_filter(const struct module_state *m)
{
	const long all = read_number("/proc/sys/net/ipv4/conf/all/rp_filter", 0);
	const long dev = read_number("/proc/sys/net/ipv4/conf/nat46/rp_filter", -1);
	int i, lost = 0;

	for (i = 0; i < m->pools; i++)
		lost += !pool_routes(&m->pool[i]).ours;
	if (m->pools && dev < 0)
		found("rp_filter", FAIL, "nat46 pool replace POOL", "there is no device nat46, by which answers reach the host's own processes");
	else if (lost && (all > dev ? all : dev) == 1)
		found("rp_filter", FAIL, "nat46 pool replace POOL",
		      "strict on the device nat46, which a pool has no route by: answers to the host's own processes are dropped");
	else
		found("rp_filter", OK, "", "not in the way (clients' packets are met before it)");
}

/* ---- sources --------------------------------------------------------------------------------- */

/* Could the host give one of these ports to a socket of its own? */
static bool ephemeral(uint32_t lo, uint32_t hi, char *range, size_t size)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned int a = 0, b = 0;

	if (!f || fscanf(f, "%u %u", &a, &b) != 2)
		a = b = 0;
	if (f)
		fclose(f);
	snprintf(range, size, "%u-%u", a, b);
	return b && lo <= b && hi >= a;
}

/* Are all of these in ip_local_reserved_ports? */
static bool reserved(uint32_t lo, uint32_t hi)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");
	unsigned int a, b;
	int n;

	/* the kernel prints them sorted and merged: 10000-29999,61000 */
	while (f && (n = fscanf(f, "%u-%u", &a, &b)) > 0) {
		if (a <= lo && (n == 2 ? b : a) >= hi) {
			fclose(f);
			return true;
		}
		if (fgetc(f) != ',')
			break;
	}
	if (f)
		fclose(f);
	return false;
}

/* A dev source's ports may meet those that the host chooses for itself. */
static bool ports_clash(struct nlattr *ports)
{
	struct nlattr *p;
	char range[32];
	int rem;

	nla_for_each_nested(p, ports, rem) {
		const uint32_t lo = nla_get_u32(p) >> 16, hi = nla_get_u32(p) & 0xffff;

		if (!ephemeral(lo, hi, range, sizeof(range)) || reserved(lo, hi))
			continue;
		found("source", WARN, cure("sysctl -w net.ipv4.ip_local_reserved_ports=%u-%u", lo, hi),
		      "its ports %u-%u meet ip_local_port_range, %s", lo, hi, range);
		return true;
	}
	return false;
}

static void check_dev_source(struct nlattr **a)
{
	const char *name = nla_get_string(a[NAT46_SOURCE_A_IFNAME]);
	const int ifindex = if_nametoindex(name);
	int announced, uplink = default_device(&announced);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (!ifindex) {
		found("source", FAIL, "nat46 source del it, add the device that there is",
		      "dev %s: there is no such device", name);
	} else if (!best_address(ifindex, &addr)) {
		found("source", FAIL, cure("an IPv6 address for %s, or another source", name),
		      "dev %s has no global IPv6 address", name);
	} else if (a[NAT46_SOURCE_A_PORTS] && ports_clash(a[NAT46_SOURCE_A_PORTS])) {
		return;
	} else if (uplink && uplink != ifindex) {
		found("source", WARN, cure("nat46 source add dev %s", device_name(uplink)),
		      "dev %s is not the device of the IPv6 default route", name);
	} else {
		found("source", OK, "", "dev %s, %s", name,
		      inet_ntop(AF_INET6, &addr, text, sizeof(text)));
	}
}

static int check_source(struct nlattr **a, void *arg)
{
	char text[INET6_ADDRSTRLEN];

	(*(int *)arg)++;
	if (a[NAT46_SOURCE_A_IFNAME])
		check_dev_source(a);
	else if (a[NAT46_SOURCE_A_ADDR_LO])
		found("source", OK, "", "%s %s",
		      a[NAT46_SOURCE_A_PLEN] ? "prefix" : "addr",
		      inet_ntop(AF_INET6, nla_data(a[NAT46_SOURCE_A_ADDR_LO]), text, sizeof(text)));
	return 0;
}

void check_sources(const struct module_state *m)
{
	int n = 0, announced, uplink = default_device(&announced);

	ask(ask_msg(NAT46_CMD_SOURCE_GET, true), NAT46_SOURCE_A_MAX, true, check_source, &n);
	if (!n)
		found("source", FAIL,
		      cure("nat46 source add dev %s", uplink ? device_name(uplink) : "DEVICE"),
		      "there is no source: no session begins");
}

/* ---- neighbours --------------------------------------------------------------------------------- */

/* A hostile name may lead to the hosts of this host's own links. */
void check_on_link(void)
{
	struct nl_cache *cache = routes(AF_INET6);
	struct nl_object *o;
	struct in6_addr addr;
	char text[64];
	int open = 0;

	EACH(o, cache) {
		struct rtnl_route *r = (struct rtnl_route *)o;
		struct nl_addr *dst = rtnl_route_get_dst(r);
		struct rtnl_nexthop *nh = rtnl_route_nexthop_n(r, 0);

		if (!nh || !dst || nl_addr_get_len(dst) != 16 || rtnl_route_nh_get_gateway(nh) ||
		    rtnl_route_get_type(r) != RTN_UNICAST ||
		    rtnl_route_get_table(r) == RT_TABLE_LOCAL)
			continue;
		memcpy(&addr, nl_addr_get_binary_addr(dst), sizeof(addr));
		/* single addresses are routes somebody wrote; fe80::/10 and ff00::/8 are denied */
		if (nl_addr_get_prefixlen(dst) < 8 || nl_addr_get_prefixlen(dst) > 126 ||
		    !target_open(&addr, nl_addr_get_prefixlen(dst)))
			continue;
		nl_addr2str(dst, text, sizeof(text));
		found("neighbours", WARN, cure("nat46 policy add deny %s", text),
		      "any name may lead clients to the hosts of %s (%s)", text,
		      device_name(rtnl_route_nh_get_ifindex(nh)));
		open++;
	}
	nl_cache_free(cache);
	if (!open)
		found("neighbours", OK, "", "no prefix of a link is open");
}

/* ---- pods ------------------------------------------------------------------------------------------ */

/* In the network namespace that we are in: a device that passes the host's hooks by. */
static bool passes_by(char *kind, size_t size)
{
	struct nl_sock *sk = nl_socket_alloc();
	struct nl_cache *links;
	struct nl_object *o;
	bool yes = false;

	if (!sk || nl_connect(sk, NETLINK_ROUTE) < 0 ||
	    rtnl_link_alloc_cache(sk, AF_UNSPEC, &links) < 0) {
		nl_socket_free(sk);
		return false;
	}
	EACH(o, links) {
		const char *type = rtnl_link_get_type((struct rtnl_link *)o);

		if (!type || (strcmp(type, "macvlan") && strcmp(type, "ipvlan")))
			continue;
		snprintf(kind, size, "%s", type);
		yes = true;
	}
	nl_cache_free(links);
	nl_socket_free(sk);
	return yes;
}

void check_pods(void)
{
	const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	DIR *dir = opendir("/run/netns");
	char kind[32] = "", one[NAME_MAX + 1] = "";
	struct dirent *d;
	struct stat own, st;
	int n = 0, all = 0;

	if (home >= 0 && fstat(home, &own))
		die(EXIT_SYSTEM, "%s: the own network namespace", strerror(errno));
	while (dir && home >= 0 && (d = readdir(dir))) {
		const int fd = d->d_name[0] == '.' ? -1 :
			openat(dirfd(dir), d->d_name, O_RDONLY | O_CLOEXEC);

		/* a name of this host's own: its devices are no pod's */
		const bool here = fd >= 0 && !fstat(fd, &st) && st.st_dev == own.st_dev &&
				  st.st_ino == own.st_ino;

		if (fd >= 0 && !here && !setns(fd, CLONE_NEWNET)) {
			all++;
			if (passes_by(kind, sizeof(kind)) && !n++)
				snprintf(one, sizeof(one), "%s", d->d_name);
			if (setns(home, CLONE_NEWNET))
				die(EXIT_SYSTEM, "%s: the way back to the own network namespace",
				    strerror(errno));
		}
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	if (home >= 0)
		close(home);
	if (n)
		found("pods", WARN, "a gateway that their routes lead to, or a pool in their own namespace (nat46 -n NAME)",
		      "%d with %s (%s): their packets pass this host's hooks by", n, kind, one);
	else
		found("pods", OK, "", "none of %d network namespaces is on macvlan or ipvlan", all);
}
