/* SPDX-License-Identifier: GPL-2.0 */
/* tool.h: what the files of the tool share. */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "nat46.h"

enum {
	EXIT_USAGE = 1,		/* its words are wrong */
	EXIT_SYSTEM = 2,	/* the kernel or the system said no */
};

/* ---- main.c ---------------------------------------------------------------- */

extern bool opt_stats;

/* The line of a batch or restore that is being done; errors name it. */
extern const char *where_file;
extern int where_line;

/* One line on stderr, then the end. Never returns. */
void die(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
/* The same, but it goes on. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The module's socket, opened when first asked for, versions compared. */
struct nat46_nl *tool_nl(void);

/* ---- args.c: the words of a command ------------------------------------------ */

struct args {
	char **v;
	int n;
};

bool more(const struct args *a);
/* The next word; a missing one is an error that names what was to come. */
char *need(struct args *a, const char *what);
/* Takes the next word where it is @word. */
bool take(struct args *a, const char *word);
/* Nothing may be left. */
void no_more(const struct args *a);

uint32_t parse_u32(const char *s, const char *what, uint32_t lo, uint32_t hi);
struct in_addr parse_v4(const char *s);
struct in6_addr parse_v6(const char *s);
/* "ADDR" or "ADDR/LEN", host bits zero */
struct in_addr parse_v4_prefix(const char *s, uint8_t *plen);
struct in6_addr parse_v6_prefix(const char *s, uint8_t *plen);
/* "LO-HI" or "PORT" */
uint32_t parse_port_range(const char *s);
uint8_t parse_proto(const char *s);
const char *proto_name(uint8_t proto);
void parse_name(const char *s);
void parse_owner(const char *s);
/* Splits @line in place into words, as ip -batch does; -1: open quote, or too many. */
int split_line(char *line, char **v, int max);

/* ---- print.c: text or JSON from one walk --------------------------------------- */

extern bool print_json, print_pretty;

void p_begin(bool list);	/* the document: a list of objects, or one */
void p_end(void);		/* prints it, where it is JSON */
void p_open(const char *key);	/* an object; NULL in a list */
void p_close(void);
void p_open_list(const char *key);
void p_close_list(void);
/* @fmt NULL: JSON only; @key NULL: text only */
void p_str(const char *key, const char *fmt, const char *value);
void p_num(const char *key, const char *fmt, uint64_t value);
void p_flag(const char *key, const char *fmt);
void p_v4(const char *key, const char *fmt, struct in_addr addr);
void p_v6(const char *key, const char *fmt, const struct in6_addr *addr);
void p_v4_prefix(const char *key, const char *fmt, struct in_addr addr, uint8_t plen);
void p_v6_prefix(const char *key, const char *fmt, const struct in6_addr *addr, uint8_t plen);
void p_text(const char *text);

/* ---- request.c: a change, and who said which word of it --------------------------- */

struct req;
typedef void (*after_fn)(struct req *r);
/* Why it takes "force", or NULL. */
typedef const char *(*doubt_fn)(const struct req *r);

#define REQ_WORDS	32

struct req {
	struct nl_msg *msg;
	int nest;
	struct nlattr *open;
	int words;
	struct {
		unsigned int offset;	/* of the attribute in the message */
		char text[64];
	} word[REQ_WORDS];
	char subject[64];	/* named where the kernel names no attribute */
	int line;
	/* what else belongs to it; undo and what comes after only when it is done by itself */
	struct in_addr addr;
	uint8_t plen;
	struct in6_addr addr6;	/* the first of an addr source */
	struct in6_addr addr6_hi;
	bool dev;		/* a dev source */
	uint32_t ports[NAT46_PORT_RANGES_MAX];	/* a source's: low << 16 | high */
	int n_ports;
	bool force;
	doubt_fn doubt;		/* by itself it is refused for that, a restore tells of it */
	after_fn before, after, undo;
	uint8_t attr_owner;	/* -EPERM: look up who owns addr */
};

void req_init(struct req *r, uint8_t cmd, uint16_t flags, const char *subject);
void req_put(struct req *r, int attr, const void *data, int len, const char *word);
void req_u8(struct req *r, int attr, uint8_t v, const char *word);
void req_u16(struct req *r, int attr, uint16_t v, const char *word);
void req_u32(struct req *r, int attr, uint32_t v, const char *word);
void req_str(struct req *r, int attr, const char *s);
void req_flag(struct req *r, int attr, const char *word);
void req_nest(struct req *r, int attr);
void req_nest_end(struct req *r);
/* Sends it now, with what comes before and after. Dies where it is refused. */
void req_do(struct req *r);
/* Dies with what the kernel said of it. */
void req_refused(struct req *r, int code, const struct nat46_err *err) __attribute__((noreturn));
void req_free(struct req *r);
/* A request of our own, which answers; dies where it fails. */
void ask(struct nl_msg *msg, int max, bool dump, nat46_reply_fn fn, void *arg);
struct nl_msg *ask_msg(uint8_t cmd, bool dump);

/* ---- the objects -------------------------------------------------------------------- */

struct command {
	const char *name;
	void (*build)(struct req *r, struct args *a);	/* a change */
	void (*run)(struct args *a);			/* anything else */
	bool restorable;				/* may stand in a restore */
};

struct object {
	const char *name;
	const struct command *commands;	/* ends with a NULL name; show is the default */
	const char *help;
};

extern const struct object pool_object, source_object, map_object, policy_object,
	session_object, param_object, stats_object;

void run_command(struct args *a);
const struct command *find_command(struct args *a, const struct object **obj);

/* what save prints of each */
void pool_save(void);
void source_save(void);
void policy_save(void);
void param_save(void);
void map_save(const char *owner);

void cmd_save(struct args *a);
void cmd_restore(struct args *a);
void cmd_check(struct args *a);
void cmd_explain(struct args *a);
void cmd_monitor(struct args *a);
void status_page(void);

/* a source, a mapping, as their command lines have them */
struct nlattr;
void source_words(struct nlattr **a);
void map_words(const struct nat46_map *m, bool with_owner);

/* ---- route.c: the device "nat46" and the pools' routes ------------------------------ */

#define PROTO_NAT46	46	/* of what rtnetlink is told, as "ip" shows it */

struct nl_sock *rt_socket(void);
void route_check(struct in_addr addr, uint8_t plen);	/* dies on an overlap */
int route_add(struct in_addr addr, uint8_t plen, char *why, size_t size);
void route_del(struct in_addr addr, uint8_t plen);
void route_reconcile(void);		/* routes are those of the kernel's pools */

/* ---- neigh.c: proxy neighbour entries of addr sources on a link ---------------------- */

/* Entries are those of the kernel's sources. NULL, or the first address of the
 * one that has come: whose range is too long is told.
 */
void neigh_reconcile(const struct in6_addr *named);

/* ---- ports.c: ports that the host uses by itself ---------------------------------------- */

const char *ports_meet(const struct req *r);	/* a source's to be added: how, or NULL */

#endif /* TOOL_H */
