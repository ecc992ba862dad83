// SPDX-License-Identifier: GPL-2.0
/* config.c: see config.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"

#define DNS_PORT	"53"
#define METRICS_PORT	"9146"

#define err_set(err, ...) (snprintf((err)->text, sizeof((err)->text), __VA_ARGS__), false)

/* ---- kinds of values -------------------------------------------------------- */

static bool set_number(unsigned int *to, const char *text, unsigned int min, unsigned int max,
		       struct config_error *err)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || v < min || v > max)
		return err_set(err, "%s: not a number from %u to %u", text, min, max);
	*to = v;
	return true;
}

/* "900", "15m", "24h": seconds */
static bool set_time(uint32_t *to, const char *text, uint32_t min, struct config_error *err)
{
	static const struct { char unit; uint32_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	};
	unsigned long v, unit = 1, max = 30 * 86400;
	char *end;

	v = strtoul(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (end != text && *end == units[i].unit && !end[1]) {
			unit = units[i].seconds;
			end++;
		}
	if (*text < '0' || *text > '9' || *end || v > max / unit || v * unit < min)
		return err_set(err, "%s: not a time from %us to 30d (s, m, h, d)", text, min);
	*to = v * unit;
	return true;
}

static bool set_bool(bool *to, const char *text, struct config_error *err)
{
	*to = !strcmp(text, "yes");
	return *to || !strcmp(text, "no") || err_set(err, "%s: not yes or no", text);
}

static bool set_text(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	return *to;
}

static bool add_prefix(struct prefixes *list, const char *text, int family,
		       struct config_error *err)
{
	struct prefix p;

	if (!prefix_from_text(&p, text, family))
		return err_set(err, "%s: not an %s prefix without host bits", text,
			       family == AF_INET ? "IPv4" : family == AF_INET6 ? "IPv6" : "IP");
	return !prefixes_add(list, &p) || err_set(err, "no memory");
}

static bool add_suffix(struct suffixes *list, const char *text, struct config_error *err)
{
	struct suffix *v = reallocarray(list->v, list->n + 1, sizeof(*v));

	if (!v)
		return err_set(err, "no memory");
	list->v = v;
	v[list->n].len = wire_name_from_text(text, v[list->n].name);
	if (!v[list->n].len)
		return err_set(err, "%s: not a domain name", text);
	list->n++;
	return true;
}

/* ADDR or ADDR@PORT */
static bool add_endpoint(struct endpoints *list, const char *text, const char *default_port,
			 struct config_error *err)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_DGRAM };
	char host[64], *at;
	struct endpoint *v;
	struct addrinfo *ai;
	struct in_addr a4;
	unsigned int port;

	snprintf(host, sizeof(host), "%s", text);
	at = strchr(host, '@');
	if (at) {
		*at++ = 0;
		if (!set_number(&port, at, 1, 65535, err))
			return err_set(err, "%s: not ADDRESS[@PORT]", text);
	}
	/* getaddrinfo() takes 1.2.3 for 1.2.0.3 */
	if ((!strchr(host, ':') && inet_pton(AF_INET, host, &a4) != 1) ||
	    getaddrinfo(host, at ?: default_port, &hints, &ai))
		return err_set(err, "%s: not ADDRESS[@PORT]", text);
	v = reallocarray(list->v, list->n + 1, sizeof(*v));
	if (v) {
		list->v = v;
		memset(&v[list->n], 0, sizeof(*v));
		memcpy(&v[list->n].ss, ai->ai_addr, ai->ai_addrlen);
		v[list->n++].len = ai->ai_addrlen;
	}
	freeaddrinfo(ai);
	return v || err_set(err, "no memory");
}

void endpoint_text(const struct endpoint *e, char *out, size_t size)
{
	char host[64], port[8];

	if (getnameinfo((const struct sockaddr *)&e->ss, e->len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		strcpy(host, "?");
	snprintf(out, size, "%s@%s", host, port);
}

/* ---- keys ------------------------------------------------------------------- */

enum kind {
	K_NUMBER, K_TIME, K_BOOL, K_TEXT, K_PREFIX4, K_PREFIX6, K_PREFIX, K_SUFFIX, K_ENDPOINT, K_METRICS,
	K_STORE, K_LOG, K_MILLI,
};

static const struct key {
	const char *name;
	enum kind kind;
	size_t at;
	unsigned int min, max;
} keys[] = {
#define AT(f) offsetof(struct config, f)
	{ "listen", K_ENDPOINT, AT(listen) },
	{ "upstream", K_ENDPOINT, AT(upstream) },
	{ "metrics", K_METRICS, AT(metrics) },
	{ "upstream-timeout", K_MILLI, AT(upstream_timeout), 100, 30000 },
	{ "pool", K_PREFIX4, AT(rules.pools) },
	{ "ttl-cap", K_TIME, AT(rules.ttl_cap), SYNTH_TTL_MIN },
	{ "deny-suffix", K_SUFFIX, AT(rules.deny) },
	{ "synthesise-suffix", K_SUFFIX, AT(rules.only) },
	{ "exclude", K_PREFIX6, AT(rules.exclude) },
	{ "nat64-prefix", K_PREFIX6, AT(rules.exclude) },
	{ "synthesise-on-error", K_BOOL, AT(rules.on_error) },
	{ "suppress-aaaa", K_BOOL, AT(rules.suppress_aaaa) },
	{ "break-dnssec", K_BOOL, AT(rules.break_dnssec) },
	{ "allow-client", K_PREFIX, AT(allow) },
	{ "forwarder", K_PREFIX, AT(forwarders) },
	{ "max-per-client", K_NUMBER, AT(lease.per_hour), 0, 1 << 20 },
	{ "hold", K_TIME, AT(lease.hold), 1 },
	{ "hold-used", K_TIME, AT(lease.hold_used), 1 },
	{ "quarantine", K_TIME, AT(lease.quarantine), 1 },
	{ "reserve", K_PREFIX4, AT(reserve) },
	{ "key-file", K_TEXT, AT(key_file) },
	{ "store", K_STORE, AT(store) },
	{ "user", K_TEXT, AT(user) },
	{ "log", K_LOG, AT(log) },
	{ "log-queries", K_NUMBER, AT(log_queries), 0, 1 << 30 },
	{ "max-inflight", K_NUMBER, AT(max_inflight), 16, 1 << 20 },
	{ "max-tcp", K_NUMBER, AT(max_tcp), 4, 1 << 16 },
};

static bool set_store(char **to, const char *text, struct config_error *err)
{
	size_t blank = strcspn(text, " \t");
	const char *path = text + blank + strspn(text + blank, " \t");

	if (strncmp(text, "file", blank) || blank != 4 || path[0] != '/')
		return err_set(err, "%s: not \"file /PATH\"", text);
	return set_text(to, path) || err_set(err, "no memory");
}

static bool set_log(int *to, const char *text, struct config_error *err)
{
	static const char *const words[] = { "error", "info", "debug" };

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, words[i])) {
			*to = i;
			return true;
		}
	return err_set(err, "%s: not error, info or debug", text);
}

static bool set_key(struct config *c, const struct key *k, char *value, struct config_error *err)
{
	void *to = (char *)c + k->at;

	switch (k->kind) {
	case K_NUMBER:
	case K_MILLI:
		return set_number(to, value, k->min, k->max, err);
	case K_TIME:
		return set_time(to, value, k->min, err);
	case K_BOOL:
		return set_bool(to, value, err);
	case K_TEXT:
		return set_text(to, value) || err_set(err, "no memory");
	case K_PREFIX4:
		return add_prefix(to, value, AF_INET, err);
	case K_PREFIX6:
		return add_prefix(to, value, AF_INET6, err);
	case K_PREFIX:
		return add_prefix(to, value, AF_UNSPEC, err);
	case K_SUFFIX:
		return add_suffix(to, value, err);
	case K_ENDPOINT:
		return add_endpoint(to, value, DNS_PORT, err);
	case K_METRICS:
		return add_endpoint(to, value, METRICS_PORT, err);
	case K_STORE:
		return set_store(to, value, err);
	case K_LOG:
		return set_log(to, value, err);
	}
	return false;
}

bool config_set(struct config *c, const char *key, char *value, struct config_error *err)
{
	struct config_error why = { "" };

	if (!*value)
		return err_set(err, "%s: it has no value", key);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (strcmp(keys[i].name, key))
			continue;
		/* The first of a list does away with the default. */
		if (keys[i].at == AT(rules.deny) && !c->set_deny) {
			c->rules.deny.n = 0;
			c->set_deny = true;
			if (!strcmp(value, "none"))
				return true;
		}
		if (keys[i].at == AT(allow) && !c->set_allow) {
			c->allow.n = 0;
			c->set_allow = true;
		}
		return set_key(c, &keys[i], value, &why) || err_set(err, "%s: %.250s", key, why.text);
	}
	return err_set(err, "%s: no such key", key);
}

/* What options have said, the file doesn't add to. */
static bool by_option(const struct config *c, const char *key)
{
	return (c->set_listen && !strcmp(key, "listen")) ||
	       (c->set_upstream && !strcmp(key, "upstream")) ||
	       (c->set_pool && !strcmp(key, "pool")) ||
	       (c->set_store && !strcmp(key, "store"));
}

bool config_read(struct config *c, const char *path, struct config_error *err)
{
	FILE *f = fopen(path, "re");
	struct config_error why;
	unsigned int line = 0;
	char *text = NULL;
	size_t room = 0;
	bool ok = true;

	if (!f)
		return err_set(err, "%s: %s", path, strerror(errno));
	while (ok && getline(&text, &room, f) > 0) {
		char *key, *value, *end;

		line++;
		text[strcspn(text, "#\n")] = 0;
		key = text + strspn(text, " \t\r");
		if (!*key)
			continue;
		value = key + strcspn(key, " \t");
		if (*value)
			*value++ = 0;
		value += strspn(value, " \t");
		for (end = value + strlen(value); end > value && strchr(" \t\r", end[-1]);)
			*--end = 0;
		if (by_option(c, key))
			continue;
		ok = config_set(c, key, value, &why) ||
		     err_set(err, "%s:%u: %.250s", path, line, why.text);
	}
	free(text);
	fclose(f);
	return ok;
}

struct config *config_new(void)
{
	static const char *const allow[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
		"169.254.0.0/16", "::1", "fe80::/10", "fc00::/7",
	};
	struct config *c = calloc(1, sizeof(*c));
	struct config_error err;

	if (!c)
		return NULL;
	for (size_t i = 0; i < sizeof(allow) / sizeof(*allow); i++)
		add_prefix(&c->allow, allow[i], AF_UNSPEC, &err);
	add_suffix(&c->rules.deny, "cluster.local", &err);
	c->rules.ttl_cap = 3600;
	c->upstream_timeout = 1500;
	c->lease.hold = 15 * 60;
	c->lease.hold_used = 24 * 3600;
	c->lease.quarantine = 3600;
	c->lease.per_hour = 4000;
	c->max_inflight = 4096;
	c->max_tcp = 1024;
	c->log = LOG_NOTICE;
	set_text(&c->key_file, "/var/lib/nat46/dns46.key");
	set_text(&c->store, "/var/lib/nat46/dns46.leases");
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	free(c->listen.v);
	free(c->upstream.v);
	free(c->metrics.v);
	free(c->rules.deny.v);
	free(c->rules.only.v);
	prefixes_free(&c->rules.exclude);
	prefixes_free(&c->rules.pools);
	prefixes_free(&c->allow);
	prefixes_free(&c->reserve);
	prefixes_free(&c->forwarders);
	free(c->key_file);
	free(c->store);
	free(c->user);
	free(c);
}

bool config_finish(struct config *c, struct config_error *err)
{
	const struct prefixes *pools = &c->rules.pools;
	char text[80];

	if (!c->upstream.n)
		return err_set(err, "upstream: none is given");
	if (!c->listen.n && !add_endpoint(&c->listen, "127.0.0.1", DNS_PORT, err))
		return false;
	if (!pools->n && !add_prefix(&c->rules.pools, "198.18.0.0/16", AF_INET, err))
		return false;
	for (size_t i = 0; i < c->upstream.n; i++)
		for (size_t j = 0; j < c->listen.n; j++)
			if (!memcmp(&c->upstream.v[i], &c->listen.v[j], sizeof(struct endpoint))) {
				endpoint_text(&c->upstream.v[i], text, sizeof(text));
				return err_set(err, "upstream %s: that is where dns46 listens", text);
			}
	for (size_t i = 0; i < pools->n; i++) {
		if (pools->v[i].plen < 96 + 8)
			return err_set(err, "pool: a prefix of 8 bits at least");
		for (size_t j = 0; j < i; j++)
			if (prefix_holds(&pools->v[i], &pools->v[j].addr) ||
			    prefix_holds(&pools->v[j], &pools->v[i].addr))
				return err_set(err, "pool: two of them overlap");
	}
	c->lease.ttl_cap = c->rules.ttl_cap;
	return true;
}

bool config_key(struct config *c, struct config_error *err)
{
	int fd = open(c->key_file, O_RDONLY | O_CLOEXEC);
	size_t size = sizeof(c->lease.key);
	ssize_t n;

	if (fd >= 0) {
		n = read(fd, c->lease.key, size);
		close(fd);
		return n == (ssize_t)size ||
		       err_set(err, "key-file %s: shorter than %zu bytes", c->key_file, size);
	}
	if (errno != ENOENT)
		return err_set(err, "key-file %s: %s", c->key_file, strerror(errno));
	if (getrandom(c->lease.key, size, 0) != (ssize_t)size)
		return err_set(err, "no random numbers: %s", strerror(errno));
	fd = open(c->key_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, "key-file %s: %s", c->key_file, strerror(errno));
	n = write(fd, c->lease.key, size);
	if (fsync(fd))
		n = -1;
	close(fd);
	return n == (ssize_t)size || err_set(err, "key-file %s: can't be written", c->key_file);
}
