// SPDX-License-Identifier: GPL-2.0
/* main.c: the command line of dns46(8). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay.h"
#include "version.h"

#define CONF "/etc/nat46/dns46.conf"

/* Options that stand for keys, kept for the next reading of the file. */
static struct { const char *key; char *value; } overrides[64];
static unsigned int n_overrides;
static const char *conf_path = CONF;
static bool conf_given;

static void usage(FILE *to)
{
	fputs("usage: dns46 [-c FILE] [-f] [-t] [--listen ADDRESS[@PORT]]... [--upstream ADDRESS[@PORT]]...\n"
	      "             [--pool PREFIX]... [--store PATH] [-h] [-V]\n"
	      "  -c, --config FILE   the configuration (" CONF ")\n"
	      "  -f, --foreground    stay in the foreground (dns46 always does)\n"
	      "  -t, --test          check the configuration, and end\n"
	      "See dns46(8), dns46.conf(5).\n", to);
}

static struct config *read_config(struct config_error *err)
{
	struct config *c = config_new();

	if (!c)
		return NULL;
	for (unsigned int i = 0; i < n_overrides; i++) {
		char *value = strdup(overrides[i].value);
		bool ok = value && config_set(c, overrides[i].key, value, err);

		free(value);
		if (!ok)
			goto fail;
		c->set_listen |= !strcmp(overrides[i].key, "listen");
		c->set_upstream |= !strcmp(overrides[i].key, "upstream");
		c->set_pool |= !strcmp(overrides[i].key, "pool");
		c->set_store |= !strcmp(overrides[i].key, "store");
	}
	/* Without a file the options may be enough. */
	if ((conf_given || !access(conf_path, F_OK)) && !config_read(c, conf_path, err))
		goto fail;
	if (config_finish(c, err))
		return c;
fail:
	config_free(c);
	return NULL;
}

static void override(const char *key, char *value)
{
	if (n_overrides == sizeof(overrides) / sizeof(*overrides)) {
		fprintf(stderr, "dns46: --%s: too many options\n", key);
		exit(2);
	}
	overrides[n_overrides].key = key;
	overrides[n_overrides++].value = value;
}

enum { O_LISTEN = 256, O_UPSTREAM, O_POOL, O_STORE };

static bool parse(int argc, char **argv, bool *test)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "test", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "listen", required_argument, NULL, O_LISTEN },
		{ "upstream", required_argument, NULL, O_UPSTREAM },
		{ "pool", required_argument, NULL, O_POOL },
		{ "store", required_argument, NULL, O_STORE },
		{ 0 },
	};
	char *file;
	int o;

	while ((o = getopt_long(argc, argv, "c:fthV", options, NULL)) >= 0)
		switch (o) {
		case 'c':
			conf_path = optarg;
			conf_given = true;
			break;
		case 'f':
			break;
		case 't':
			*test = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		case 'V':
			puts("dns46 " DNS46_VERSION);
			exit(0);
		case O_LISTEN:
			override("listen", optarg);
			break;
		case O_UPSTREAM:
			override("upstream", optarg);
			break;
		case O_POOL:
			override("pool", optarg);
			break;
		case O_STORE:
			if (asprintf(&file, "file %s", optarg) < 0)
				exit(1);
			override("store", file);
			break;
		default:
			return false;
		}
	if (optind < argc)
		fprintf(stderr, "dns46: %s: not expected here\n", argv[optind]);
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct config_error err = { "no memory" };
	bool test = false;
	struct config *c;
	struct relay *r;
	int ret;

	if (!parse(argc, argv, &test)) {
		usage(stderr);
		return 2;
	}
	c = read_config(&err);
	if (!c) {
		fprintf(stderr, "dns46: %s\n", err.text);
		return 1;
	}
	if (test) {
		config_free(c);
		return 0;
	}
	r = relay_new(c, &err);
	if (!r) {
		fprintf(stderr, "dns46: %s\n", err.text);
		return 1;
	}
	ret = relay_run(r, read_config);
	relay_free(r);
	return ret;
}
