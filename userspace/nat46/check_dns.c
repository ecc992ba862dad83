// SPDX-License-Identifier: GPL-2.0
/*
 * check_dns.c: does a name's way lead to this host's relay? Whoever else answers
 * with addresses of a pool gives ones that nothing here is mapped to.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <resolv.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"

#define CONF_FILE	"/etc/nat46/dns46.conf"
#define SECONDS		2
#define TRIES		3
/* whom the relay names as responsible for a pool's addresses (RFC 6303) */
#define NOBODY		"nobody.invalid"

struct answer {
	uint8_t data[4096];
	int len;
	int rcode;		/* -1: none came */
	struct in_addr addr;	/* the last A record */
	bool has_addr;
	char name[NS_MAXDNAME];	/* of a PTR record, or the SOA's second */
};

/* ---- asking ----------------------------------------------------------------------- */

static bool server_address(const char *text, struct addrinfo **ai)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_DGRAM,
	};
	char host[64], *at;

	if (snprintf(host, sizeof(host), "%s", text) >= (int)sizeof(host))
		return false;
	at = strchr(host, '@');
	if (at)
		*at++ = 0;
	return !getaddrinfo(host, at ? at : "53", &hints, ai);
}

/* A datagram socket of that network namespace. */
static int socket_in(const char *netns, int family)
{
	char path[300];
	int home, there, fd;

	if (!netns)
		return socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!*netns || strchr(netns, '/') || strlen(netns) > 255)
		die(EXIT_USAGE, "not a network namespace's name: %s", netns);
	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET))
		die(EXIT_SYSTEM, "%s: %s", strerror(errno), netns);
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (setns(home, CLONE_NEWNET))
		die(EXIT_SYSTEM, "%s: the way back to the own network namespace", strerror(errno));
	close(home);
	close(there);
	return fd;
}

static void read_records(struct answer *a, ns_msg *msg)
{
	ns_rr rr;
	int i;

	for (i = 0; i < ns_msg_count(*msg, ns_s_an); i++) {
		if (ns_parserr(msg, ns_s_an, i, &rr))
			return;
		if (ns_rr_type(rr) == ns_t_a && ns_rr_rdlen(rr) == 4) {
			memcpy(&a->addr, ns_rr_rdata(rr), 4);
			a->has_addr = true;
		} else if (ns_rr_type(rr) == ns_t_ptr &&
			   ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg), ns_rr_rdata(rr),
					      a->name, sizeof(a->name)) < 0) {
			a->name[0] = 0;
		}
	}
	for (i = 0; !a->name[0] && i < ns_msg_count(*msg, ns_s_ns); i++) {
		const uint8_t *at;
		int len;

		if (ns_parserr(msg, ns_s_ns, i, &rr) || ns_rr_type(rr) != ns_t_soa)
			continue;
		at = ns_rr_rdata(rr);
		len = dn_skipname(at, ns_msg_end(*msg));
		if (len < 0 || ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg), at + len,
						  a->name, sizeof(a->name)) < 0)
			a->name[0] = 0;
	}
}

/* Is it an answer to that question? Other datagrams are not listened to. */
static bool read_answer(struct answer *a, const uint8_t *query)
{
	ns_msg msg;

	if (a->len < NS_HFIXEDSZ || memcmp(a->data, query, 2) ||
	    ns_initparse(a->data, a->len, &msg) || !ns_msg_getflag(msg, ns_f_qr))
		return false;
	a->rcode = ns_msg_getflag(msg, ns_f_rcode);
	a->has_addr = false;
	a->name[0] = 0;
	read_records(a, &msg);
	return true;
}

/* Asks up to three times. @a->rcode says what came of it. */
static void ask_name(const struct dns_words *w, const char *server, const char *name, int type,
		     struct answer *a)
{
	const struct timeval tv = { .tv_sec = SECONDS };
	struct addrinfo *ai;
	uint8_t query[512];
	uint16_t id;
	int fd, len, i;

	a->rcode = -1;
	if (!server_address(server, &ai))
		die(EXIT_USAGE, "not ADDRESS[@PORT]: %s", server);
	len = res_mkquery(ns_o_query, name, ns_c_in, type, NULL, 0, NULL, query, sizeof(query));
	if (len < 0)
		die(EXIT_USAGE, "not a domain name: %s", name);
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		id = getpid();
	memcpy(query, &id, sizeof(id));
	fd = socket_in(w->netns, ai->ai_family);
	if (fd >= 0 && !connect(fd, ai->ai_addr, ai->ai_addrlen)) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		for (i = 0; i < TRIES && a->rcode < 0; i++) {
			if (send(fd, query, len, 0) != len)
				continue;
			do
				a->len = recv(fd, a->data, sizeof(a->data), 0);
			while (a->len >= 0 && !read_answer(a, query));
		}
	}
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
}

static const char *rcode_text(int rcode)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
	};

	return rcode < (int)(sizeof(names) / sizeof(*names)) ? names[rcode] : "an error";
}

/* ---- is it the relay? -------------------------------------------------------------- */

static const char *reverse_name(struct in_addr addr)
{
	const uint32_t a = ntohl(addr.s_addr);
	static char text[64];

	snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa", a & 0xff, a >> 8 & 0xff,
		 a >> 16 & 0xff, a >> 24);
	return text;
}

/* A lease that is mapped here: only this host's relay, or one with its store, knows it. */
static int keep_lease(const struct nat46_map *map, void *arg)
{
	struct nat46_map *m = arg;

	if (map->n && map->name[0] && (!map->plen || map->plen == 32))
		*m = *map;
	return 0;
}

static bool same_name(const char *a, const char *b)
{
	const size_t n = strlen(b);

	return !strncasecmp(a, b, n) && (!a[n] || !strcmp(a + n, "."));
}

static const char dns_cure[] =
	"lead the clients' queries to this host's dns46 (its listen)";

static void check_relay(const struct module_state *m, const struct dns_words *w, const char *server)
{
	char text[INET_ADDRSTRLEN];
	struct nat46_map lease = { .n = 0 };
	struct nat46_err err;
	struct answer a;
	int i;

	if (nat46_map_dump(tool_nl(), NAT46_OWNER_DNS46, NULL, keep_lease, &lease, &err))
		die(EXIT_SYSTEM, "%s", err.msg);
	if (lease.n) {
		inet_ntop(AF_INET, &lease.addr, text, sizeof(text));
		ask_name(w, server, reverse_name(lease.addr), ns_t_ptr, &a);
		if (!a.rcode && same_name(a.name, lease.name)) {
			found("dns", OK, "", "%s knows this host's lease %s, %s", server, text, lease.name);
			return;
		}
		if (a.rcode >= 0) {
			found("dns", FAIL, dns_cure, "%s does not know this host's lease %s, %s: %s",
			      server, text, lease.name, rcode_text(a.rcode));
			return;
		}
	}
	for (i = 0; !lease.n && i < m->pools; i++) {
		struct in_addr last = m->pool[i].addr;

		if (m->pool[i].plen < 32)
			last.s_addr |= htonl(0xffffffff >> m->pool[i].plen);
		ask_name(w, server, reverse_name(last), ns_t_ptr, &a);
		if (a.rcode < 0)
			break;
		if (a.rcode == ns_r_nxdomain && same_name(a.name, NOBODY)) {
			found("dns", OK, "", "%s answers as dns46 does", server);
			return;
		}
	}
	if (!lease.n && i == m->pools)
		found("dns", FAIL, dns_cure, "%s answers, but is no dns46 of this host's pools", server);
	else
		found("dns", FAIL, "systemctl status dns46; or another address: nat46 check dns ADDRESS",
		      "%s does not answer", server);
}

/* Where that name leads, by the clients' way. */
static void check_name(const struct module_state *m, const struct dns_words *w, const char *server)
{
	char text[INET_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	struct nat46_map map;
	struct nat46_err err;
	struct answer a;
	bool ours = false;
	int i;

	ask_name(w, server, w->name, ns_t_a, &a);
	if (a.rcode < 0) {
		found("name", FAIL, "systemctl status dns46", "%s: no answer from %s", w->name, server);
		return;
	}
	if (!a.has_addr) {
		found("name", FAIL, "dns46 says why: journalctl -u dns46; is it asked at all?",
		      "%s: no address from %s (%s)", w->name, server, rcode_text(a.rcode));
		return;
	}
	inet_ntop(AF_INET, &a.addr, text, sizeof(text));
	for (i = 0; i < m->pools; i++)
		ours |= !((ntohl(a.addr.s_addr) ^ ntohl(m->pool[i].addr.s_addr)) >>
			  (32 - m->pool[i].plen));
	if (!ours)
		found("name", WARN, "try a name that has only IPv6",
		      "%s is %s, of no pool: it has IPv4, or is answered by somebody else", w->name, text);
	else if (nat46_map_get(tool_nl(), a.addr, 0, &map, &err) || !map.n)
		found("name", FAIL, dns_cure, "%s is %s, which is not mapped on this host: another one's relay answers",
		      w->name, text);
	else
		found("name", OK, "", "%s is %s, mapped to %s", w->name, text,
		      inet_ntop(AF_INET6, &map.target[0], to, sizeof(to)));
}

/* The first "listen" of the relay's configuration. */
static bool configured(char *server, size_t size)
{
	FILE *f = fopen(CONF_FILE, "re");
	char line[512], key[16], value[64];
	bool yes = false;

	while (f && !yes && fgets(line, sizeof(line), f)) {
		yes = sscanf(line, "%15s %63s", key, value) == 2 && !strcmp(key, "listen");
		if (yes)
			snprintf(server, size, "%s", value);
	}
	if (f)
		fclose(f);
	return yes;
}

void check_dns(const struct module_state *m, const struct dns_words *w)
{
	char server[64];

	if (w->server)
		snprintf(server, sizeof(server), "%s", w->server);
	else if (!configured(server, sizeof(server))) {
		found("dns", WARN, "nat46 check dns ADDRESS [ name NAME ] [ from NETNS ]",
		      CONF_FILE " says no address where the relay listens");
		return;
	}
	check_relay(m, w, server);
	if (w->name)
		check_name(m, w, server);
}
