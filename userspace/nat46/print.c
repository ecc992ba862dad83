// SPDX-License-Identifier: GPL-2.0
/* print.c: one walk over the objects prints them as text, or builds JSON. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "tool.h"

bool print_json, print_pretty;

/* Where values go: the document, and what is open in it. */
static json_t *stack[8];
static int depth;

static void add(const char *key, json_t *v)
{
	json_t *to = stack[depth - 1];

	if (!v || (json_is_array(to) ? json_array_append_new(to, v) :
				       json_object_set_new(to, key, v)))
		die(EXIT_SYSTEM, "out of memory");
}

void p_begin(bool list)
{
	if (print_json) {
		depth = 1;
		stack[0] = list ? json_array() : json_object();
	}
}

void p_end(void)
{
	if (!print_json)
		return;
	json_dumpf(stack[0], stdout, print_pretty ? JSON_INDENT(4) : JSON_COMPACT);
	putchar('\n');
	json_decref(stack[0]);
	depth = 0;
}

static void push(const char *key, json_t *v)
{
	add(key, v);
	stack[depth++] = v;
}

void p_open(const char *key)
{
	if (print_json)
		push(key, json_object());
}

void p_close(void)
{
	if (print_json)
		depth--;
}

void p_open_list(const char *key)
{
	if (print_json)
		push(key, json_array());
}

void p_close_list(void)
{
	p_close();
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

void p_str(const char *key, const char *fmt, const char *value)
{
	if (!print_json && fmt)
		printf(fmt, value);
	else if (print_json && key)
		add(key, json_string(value));
}

void p_num(const char *key, const char *fmt, uint64_t value)
{
	if (!print_json && fmt)
		printf(fmt, (unsigned long long)value);
	else if (print_json && key)
		add(key, json_integer(value));
}

#pragma GCC diagnostic pop

void p_flag(const char *key, const char *fmt)
{
	if (print_json)
		add(key, json_true());
	else
		fputs(fmt, stdout);
}

void p_text(const char *text)
{
	if (!print_json)
		fputs(text, stdout);
}

void p_v4(const char *key, const char *fmt, struct in_addr addr)
{
	char buf[INET_ADDRSTRLEN];

	p_str(key, fmt, inet_ntop(AF_INET, &addr, buf, sizeof(buf)));
}

void p_v6(const char *key, const char *fmt, const struct in6_addr *addr)
{
	char buf[INET6_ADDRSTRLEN];

	p_str(key, fmt, inet_ntop(AF_INET6, addr, buf, sizeof(buf)));
}

void p_v4_prefix(const char *key, const char *fmt, struct in_addr addr, uint8_t plen)
{
	char buf[INET_ADDRSTRLEN], all[INET_ADDRSTRLEN + 4];

	snprintf(all, sizeof(all), "%s/%u", inet_ntop(AF_INET, &addr, buf, sizeof(buf)), plen);
	p_str(key, fmt, all);
}

void p_v6_prefix(const char *key, const char *fmt, const struct in6_addr *addr, uint8_t plen)
{
	char buf[INET6_ADDRSTRLEN], all[INET6_ADDRSTRLEN + 5];

	snprintf(all, sizeof(all), "%s/%u", inet_ntop(AF_INET6, addr, buf, sizeof(buf)), plen);
	p_str(key, fmt, all);
}
