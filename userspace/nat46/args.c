// SPDX-License-Identifier: GPL-2.0
/* args.c: reads the words of a command; each error names the word at fault. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

bool more(const struct args *a)
{
	return a->n > 0;
}

char *need(struct args *a, const char *what)
{
	if (!a->n)
		die(EXIT_USAGE, "%s is missing", what);
	a->n--;
	return *a->v++;
}

bool take(struct args *a, const char *word)
{
	if (!a->n || strcmp(*a->v, word))
		return false;
	a->n--;
	a->v++;
	return true;
}

void no_more(const struct args *a)
{
	if (a->n)
		die(EXIT_USAGE, "unexpected word: %s", *a->v);
}

/* Decimal, or hexadecimal with 0x; nothing else around it. */
static bool read_u32(const char *s, uint32_t *v)
{
	const bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	unsigned long n;
	char *end;

	if (!isxdigit((unsigned char)s[hex ? 2 : 0]))
		return false;
	errno = 0;
	n = strtoul(s, &end, hex ? 16 : 10);
	if (errno || *end || end == s || n > UINT32_MAX)
		return false;
	*v = n;
	return true;
}

uint32_t parse_u32(const char *s, const char *what, uint32_t lo, uint32_t hi)
{
	uint32_t v;

	if (!read_u32(s, &v))
		die(EXIT_USAGE, "%s is not a number: %s", what, s);
	if (v < lo || v > hi)
		die(EXIT_USAGE, "%s is %u to %u: %s", what, lo, hi, s);
	return v;
}

struct in_addr parse_v4(const char *s)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, s, &addr) != 1)
		die(EXIT_USAGE, "not an IPv4 address: %s", s);
	return addr;
}

struct in6_addr parse_v6(const char *s)
{
	struct in6_addr addr;

	if (inet_pton(AF_INET6, s, &addr) != 1)
		die(EXIT_USAGE, "not an IPv6 address: %s", s);
	return addr;
}

/* The length behind the slash, or @max; @buf gets what stands before it. */
static uint8_t split_prefix(const char *s, char *buf, size_t size, uint8_t max)
{
	const char *slash = strchr(s, '/');
	const size_t len = slash ? (size_t)(slash - s) : strlen(s);
	uint32_t plen = max;

	if (len >= size)
		die(EXIT_USAGE, "not a prefix: %s", s);
	memcpy(buf, s, len);
	buf[len] = 0;
	if (slash && (!read_u32(slash + 1, &plen) || plen > max))
		die(EXIT_USAGE, "a prefix length is 0 to %u: %s", max, s);
	return plen;
}

static bool host_bits(const void *addr, int plen, int bits)
{
	const uint8_t *b = addr;
	int i;

	for (i = plen; i < bits; i++)
		if (b[i / 8] & (0x80 >> i % 8))
			return true;
	return false;
}

struct in_addr parse_v4_prefix(const char *s, uint8_t *plen)
{
	struct in_addr addr;
	char buf[32];

	*plen = split_prefix(s, buf, sizeof(buf), 32);
	if (inet_pton(AF_INET, buf, &addr) != 1)
		die(EXIT_USAGE, "not an IPv4 prefix: %s", s);
	if (host_bits(&addr, *plen, 32))
		die(EXIT_USAGE, "bits are set behind the prefix's length: %s", s);
	return addr;
}

struct in6_addr parse_v6_prefix(const char *s, uint8_t *plen)
{
	struct in6_addr addr;
	char buf[64];

	*plen = split_prefix(s, buf, sizeof(buf), 128);
	if (inet_pton(AF_INET6, buf, &addr) != 1)
		die(EXIT_USAGE, "not an IPv6 prefix: %s", s);
	if (host_bits(&addr, *plen, 128))
		die(EXIT_USAGE, "bits are set behind the prefix's length: %s", s);
	return addr;
}

uint32_t parse_port_range(const char *s)
{
	uint32_t lo, hi;
	char buf[32];
	char *dash;

	if (strlen(s) >= sizeof(buf))
		die(EXIT_USAGE, "not a port range: %s", s);
	strcpy(buf, s);
	dash = strchr(buf, '-');
	if (dash)
		*dash++ = 0;
	if (!read_u32(buf, &lo) || (dash && !read_u32(dash, &hi)))
		die(EXIT_USAGE, "not a port range: %s", s);
	if (!dash)
		hi = lo;
	if (!lo || hi > 65535 || lo > hi)
		die(EXIT_USAGE, "not a port range: %s", s);
	return lo << 16 | hi;
}

uint8_t parse_proto(const char *s)
{
	if (!strcmp(s, "tcp"))
		return IPPROTO_TCP;
	if (!strcmp(s, "udp"))
		return IPPROTO_UDP;
	if (!strcmp(s, "icmp"))
		return IPPROTO_ICMP;
	die(EXIT_USAGE, "a protocol is tcp, udp or icmp: %s", s);
}

const char *proto_name(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: return "icmp";
	default: return "?";
	}
}

void parse_name(const char *s)
{
	const char *c;

	if (!*s || strlen(s) > NAT46_NAME_LEN)
		die(EXIT_USAGE, "a name has 1 to %u characters: %s", NAT46_NAME_LEN, s);
	for (c = s; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"'\\", *c))
			die(EXIT_USAGE, "a name has no such characters: %s", s);
}

void parse_owner(const char *s)
{
	if (!*s || strlen(s) > NAT46_OWNER_LEN ||
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
		die(EXIT_USAGE, "an owner is 1 to %u of a-z 0-9 _ -: %s", NAT46_OWNER_LEN, s);
}

int split_line(char *line, char **v, int max)
{
	int n = 0;
	char *s = line;

	for (;;) {
		char *to, quote = 0;

		s += strspn(s, " \t\r\n");
		if (!*s || *s == '#')
			return n;
		if (n == max)
			return -1;
		v[n++] = to = s;
		for (; *s && (quote || !strchr(" \t\r\n", *s)); s++) {
			if (quote ? *s == quote : *s == '"' || *s == '\'')
				quote = quote ? 0 : *s;
			else
				*to++ = *s;
		}
		if (quote)
			return -1;
		if (*s)
			s++;
		*to = 0;
	}
}
