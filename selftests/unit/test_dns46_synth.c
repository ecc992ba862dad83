// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of the relay, one scenario file a rule: selftests/dns/README tells
 * their words. A file is a test; it fails at the first line that isn't so.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ldns/ldns.h>

#include "dns46/synth.h"

#define fail_at(sc, ...) \
	(print_error("%s:%u: ", (sc)->file, (sc)->line), print_error(__VA_ARGS__), \
	 print_error("\n"), fail())

struct scenario {
	const char *file;
	unsigned int line;
	FILE *in;
	char text[1024], peeked[1024];
	bool has_peeked;
	struct synth_rules rules;
	struct policy policy;
	struct synth synth;
	enum synth_step step;
};

/* ---- lines ---------------------------------------------------------------- */

static bool next_line(struct scenario *sc)
{
	while (sc->has_peeked || fgets(sc->peeked, sizeof(sc->peeked), sc->in)) {
		if (!sc->has_peeked)
			sc->line++;
		sc->has_peeked = false;
		sc->peeked[strcspn(sc->peeked, "\n")] = 0;
		if (!sc->peeked[strspn(sc->peeked, " \t")] || sc->peeked[0] == '#')
			continue;
		strcpy(sc->text, sc->peeked);
		return true;
	}
	return false;
}

/* The next line of a block, which is indented. */
static bool next_record(struct scenario *sc)
{
	if (!next_line(sc))
		return false;
	if (sc->text[0] == '\t' || sc->text[0] == ' ')
		return true;
	sc->has_peeked = true;
	return false;
}

static int rcode_of(struct scenario *sc, const char *word)
{
	static const struct { const char *name; int v; } codes[] = {
		{ "noerror", 0 }, { "formerr", 1 }, { "servfail", 2 }, { "nxdomain", 3 },
		{ "notimp", 4 }, { "refused", 5 }, { "badvers", 16 },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (word && !strcmp(word, codes[i].name))
			return codes[i].v;
	fail_at(sc, "%s: no response code", word ? word : "(nothing)");
	return -1;
}

static uint16_t type_of(struct scenario *sc, const char *word)
{
	uint16_t t = word ? ldns_get_rr_type_by_name(word) : 0;

	if (!t)
		fail_at(sc, "%s: no type", word ? word : "(nothing)");
	return t;
}

/* ---- the words ------------------------------------------------------------ */

static void do_conf(struct scenario *sc)
{
	const char *key = strtok(NULL, " \t"), *value = strtok(NULL, " \t");
	struct suffixes *list = NULL;
	struct prefix p;

	if (!key || !value)
		fail_at(sc, "conf KEY VALUE");
	if (!strcmp(key, "deny-suffix"))
		list = &sc->rules.deny;
	else if (!strcmp(key, "synthesise-suffix"))
		list = &sc->rules.only;
	if (list) {
		list->v = reallocarray(list->v, list->n + 1, sizeof(*list->v));
		list->v[list->n].len = wire_name_from_text(value, list->v[list->n].name);
		assert_true(list->v[list->n++].len);
	} else if (!strcmp(key, "ttl-cap")) {
		sc->rules.ttl_cap = atoi(value);
	} else if (!strcmp(key, "synthesise-on-error")) {
		sc->rules.on_error = !strcmp(value, "yes");
	} else if (!strcmp(key, "suppress-aaaa")) {
		sc->rules.suppress_aaaa = !strcmp(value, "yes");
	} else if (!strcmp(key, "break-dnssec")) {
		sc->rules.break_dnssec = !strcmp(value, "yes");
	} else if (!strcmp(key, "exclude")) {
		assert_true(prefix_from_text(&p, value, AF_INET6));
		prefixes_add(&sc->rules.exclude, &p);
	} else if (!strcmp(key, "pool")) {
		assert_true(prefix_from_text(&p, value, AF_INET));
		prefixes_add(&sc->rules.pools, &p);
	} else if (!strcmp(key, "allow") || !strcmp(key, "deny")) {
		struct policy_entry e = { .deny = key[0] == 'd' };

		assert_true(prefix_from_text(&e.prefix, value, AF_INET6));
		policy_add(&sc->policy, &e);
		policy_sort(&sc->policy);
	} else {
		fail_at(sc, "conf %s: not known", key);
	}
}

static void begin(struct scenario *sc, const uint8_t *msg, size_t len)
{
	/* A copy of its very size, for the sanitizer. */
	uint8_t *exact = malloc(len ? len : 1);

	synth_free(&sc->synth);
	memcpy(exact, msg, len);
	sc->step = synth_begin(&sc->synth, &sc->rules, &sc->policy, exact, len);
	free(exact);
}

static void do_query(struct scenario *sc)
{
	char *name = strtok(NULL, " \t"), *type = strtok(NULL, " \t"), *word;
	uint16_t flags = WIRE_RD, class = 1, size = 1232;
	bool edns = false, dnssec = false;
	uint8_t msg[600] = { 0 };
	uint8_t version = 0;
	size_t len;

	len = name ? wire_name_from_text(name, msg + WIRE_HEADER) : 0;
	if (!len)
		fail_at(sc, "query NAME TYPE ...");
	while ((word = strtok(NULL, " \t"))) {
		if (!strcmp(word, "cd"))
			flags |= WIRE_CD;
		else if (!strcmp(word, "ad"))
			flags |= WIRE_AD;
		else if (!strcmp(word, "nord"))
			flags &= ~WIRE_RD;
		else if (!strcmp(word, "do"))
			edns = dnssec = true;
		else if (!strcmp(word, "edns"))
			edns = true;
		else if (!strcmp(word, "edns1"))
			edns = version = 1;
		else if (!strcmp(word, "chaos"))
			class = 3;
		else if (!strcmp(word, "notify"))
			flags |= 4 << 11;
		else
			fail_at(sc, "query: %s", word);
	}
	wire_put16(msg, 4711);
	wire_put16(msg + 2, flags);
	msg[5] = 1;
	len += WIRE_HEADER;
	wire_put16(msg + len, type_of(sc, type));
	wire_put16(msg + len + 2, class);
	len += 4;
	if (edns) {
		uint8_t *o = msg + len;

		o[2] = TYPE_OPT;
		wire_put16(o + 3, size);
		o[6] = version;
		o[7] = dnssec ? 0x80 : 0;
		msg[11] = 1;
		len += WIRE_OPT_MIN;
	}
	begin(sc, msg, len);
}

static size_t from_hex(struct scenario *sc, uint8_t *out, size_t size)
{
	unsigned int v;
	size_t n = 0;
	char *word;

	while ((word = strtok(NULL, " \t")))
		for (; *word; word += 2, n++) {
			if (n == size || sscanf(word, "%2x", &v) != 1 || !word[1])
				fail_at(sc, "raw: %s", word);
			out[n] = v;
		}
	return n;
}

static void do_raw(struct scenario *sc)
{
	uint8_t msg[512];
	size_t n = from_hex(sc, msg, sizeof(msg));

	begin(sc, msg, n);
}

static ldns_pkt_section section_of(struct scenario *sc, const char *word)
{
	if (!strcmp(word, "answer"))
		return LDNS_SECTION_ANSWER;
	if (!strcmp(word, "authority"))
		return LDNS_SECTION_AUTHORITY;
	if (!strcmp(word, "additional"))
		return LDNS_SECTION_ADDITIONAL;
	fail_at(sc, "%s: no section", word);
	return 0;
}

static ldns_rr *record(struct scenario *sc, ldns_pkt_section *section)
{
	char *word = strtok(sc->text, " \t"), *rest = strtok(NULL, "");
	ldns_rr *rr;

	*section = section_of(sc, word);
	if (!rest || ldns_rr_new_frm_str(&rr, rest, 300, NULL, NULL) != LDNS_STATUS_OK)
		fail_at(sc, "%s: no record", rest ? rest : word);
	return rr;
}

static void answer_with(struct scenario *sc, ldns_pkt *pkt)
{
	struct wire_msg m;
	uint8_t *msg;
	size_t len;

	assert_int_equal(ldns_pkt2wire(&msg, pkt, &len), LDNS_STATUS_OK);
	if (wire_parse(&m, msg, len))
		fail_at(sc, "the upstream's answer doesn't parse");
	sc->step = synth_answer(&sc->synth, &m);
	free(msg);
}

/* upstream TYPE RCODE|timeout [ad] [aa], then records */
static void do_upstream(struct scenario *sc)
{
	char *type = strtok(NULL, " \t"), *rcode = strtok(NULL, " \t"), *word;
	struct synth *s = &sc->synth;
	ldns_pkt_section section;
	ldns_rdf *name = NULL;
	size_t pos = 0;
	ldns_pkt *pkt;

	if (sc->step != SYNTH_ASK || s->ask_type != type_of(sc, type))
		fail_at(sc, "it does not ask for %s (step %d)", type, sc->step);
	if (!strcmp(rcode, "timeout")) {
		sc->step = synth_answer(s, NULL);
		return;
	}
	ldns_wire2dname(&name, s->question, s->qlen - 4, &pos);
	pkt = ldns_pkt_query_new(name, s->ask_type, LDNS_RR_CLASS_IN, LDNS_QR | LDNS_RD | LDNS_RA);
	ldns_pkt_set_rcode(pkt, rcode_of(sc, rcode));
	while ((word = strtok(NULL, " \t"))) {
		ldns_pkt_set_ad(pkt, ldns_pkt_ad(pkt) || !strcmp(word, "ad"));
		ldns_pkt_set_aa(pkt, ldns_pkt_aa(pkt) || !strcmp(word, "aa"));
	}
	while (next_record(sc)) {
		ldns_rr *rr = record(sc, &section);

		ldns_pkt_push_rr(pkt, section, rr);
	}
	answer_with(sc, pkt);
	ldns_pkt_free(pkt);
}

static void check_owner(struct scenario *sc, const char *want)
{
	char got[WIRE_TEXT_MAX];

	wire_name_to_text(sc->synth.owner, got);
	if (strcmp(want, got))
		fail_at(sc, "the owner is %s", got);
}

static void check_targets(struct scenario *sc, char *list)
{
	unsigned int n = 0;
	char *save, *word;

	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save), n++) {
		struct in6_addr a;

		assert_int_equal(inet_pton(AF_INET6, word, &a), 1);
		if (n >= sc->synth.n_targets || memcmp(&a, &sc->synth.target[n], sizeof(a)))
			fail_at(sc, "target %s: not there, or not in order", word);
	}
	if (n != sc->synth.n_targets)
		fail_at(sc, "%u targets", sc->synth.n_targets);
}

/* lease OWNER TARGET,... RESULT; live OWNER RESULT */
static void do_lease(struct scenario *sc, enum synth_step step)
{
	char *owner = strtok(NULL, " \t");
	char *targets = step == SYNTH_LEASE ? strtok(NULL, " \t") : NULL;
	char *result = strtok(NULL, " \t");
	enum synth_lease how = LEASE_OK;
	struct in_addr addr = { 0 };

	if (sc->step != step)
		fail_at(sc, "it wants no lease (step %d)", sc->step);
	check_owner(sc, owner);
	if (targets)
		check_targets(sc, targets);
	if (!strcmp(result, "none"))
		how = LEASE_NONE;
	else if (!strcmp(result, "exhausted"))
		how = LEASE_EXHAUSTED;
	else if (!strcmp(result, "quota"))
		how = LEASE_QUOTA;
	else if (!strcmp(result, "no-kernel"))
		how = LEASE_NO_KERNEL;
	else if (inet_pton(AF_INET, result, &addr) != 1)
		fail_at(sc, "%s: no address", result);
	sc->step = synth_leased(&sc->synth, how, addr.s_addr);
}

/* ptr ADDR NAME|none */
static void do_ptr(struct scenario *sc)
{
	char *addr = strtok(NULL, " \t"), *name = strtok(NULL, " \t");
	uint8_t wire[WIRE_NAME_MAX];
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, addr, &a), 1);
	if (sc->step != SYNTH_PTR || a.s_addr != sc->synth.ptr_addr)
		fail_at(sc, "it doesn't ask for the name of %s (step %d)", addr, sc->step);
	if (!strcmp(name, "none"))
		sc->step = synth_named(&sc->synth, NULL, 0, 0);
	else
		sc->step = synth_named(&sc->synth, wire, wire_name_from_text(name, wire), 60);
}

/* ---- what came out ---------------------------------------------------------- */

static ldns_rr_list *section(const ldns_pkt *pkt, int which)
{
	return which == 0 ? ldns_pkt_answer(pkt) :
	       which == 1 ? ldns_pkt_authority(pkt) : ldns_pkt_additional(pkt);
}

static void check_records(struct scenario *sc, const ldns_pkt *pkt)
{
	static const ldns_pkt_section sections[] = {
		LDNS_SECTION_ANSWER, LDNS_SECTION_AUTHORITY, LDNS_SECTION_ADDITIONAL,
	};
	size_t at[3] = { 0 };
	ldns_pkt_section want;

	while (next_record(sc)) {
		ldns_rr *rr = record(sc, &want), *got;
		int i = want == sections[0] ? 0 : want == sections[1] ? 1 : 2;
		char *a = ldns_rr2str(rr), *b;

		got = ldns_rr_list_rr(section(pkt, i), at[i]++);
		b = got ? ldns_rr2str(got) : strdup("nothing");
		if (strcmp(a, b))
			fail_at(sc, "wanted %sgot %s", a, b);
		free(a);
		free(b);
		ldns_rr_free(rr);
	}
	for (int i = 0; i < 3; i++)
		if (ldns_rr_list_rr_count(section(pkt, i)) != at[i])
			fail_at(sc, "%zu records in section %d, not %zu",
				ldns_rr_list_rr_count(section(pkt, i)), i, at[i]);
}

static int ede_of(const struct wire_msg *m)
{
	return m->opt && m->opt_rdlen >= 6 && wire_u16(m->buf + m->opt + WIRE_OPT_MIN) == 15 ?
	       wire_u16(m->buf + m->opt + WIRE_OPT_MIN + 4) : -1;
}

/* name=value or a flag that must be as it stands */
static void check_word(struct scenario *sc, const struct wire_msg *m, const char *word)
{
	static const struct { const char *name; uint16_t bit; } flags[] = {
		{ "aa", WIRE_AA }, { "tc", WIRE_TC }, { "rd", WIRE_RD }, { "ra", WIRE_RA },
		{ "ad", WIRE_AD }, { "cd", WIRE_CD },
	};
	bool want = word[0] != '!';
	const char *name = want ? word : word + 1;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!strcmp(name, flags[i].name)) {
			if (!!(m->flags & flags[i].bit) != want)
				fail_at(sc, "flags are %04x", m->flags);
			return;
		}
	if (!strcmp(name, "opt")) {
		if (!!m->opt != want)
			fail_at(sc, "OPT at %zu", m->opt);
	} else if (!strncmp(name, "ede=", 4)) {
		if (ede_of(m) != atoi(name + 4))
			fail_at(sc, "the extended error is %d", ede_of(m));
	} else if (!strncmp(name, "outcome=", 8)) {
		if (strcmp(synth_outcome_names[sc->synth.outcome], name + 8))
			fail_at(sc, "the outcome is %s", synth_outcome_names[sc->synth.outcome]);
	} else if (!strncmp(name, "qname=", 6)) {
		char text[WIRE_TEXT_MAX];

		wire_name_to_text(m->qname, text);
		if (strcmp(text, name + 6))
			fail_at(sc, "the question is %s", text);
	} else {
		fail_at(sc, "expect: %s", word);
	}
}

static void do_expect(struct scenario *sc)
{
	char *word = strtok(NULL, " \t");
	struct synth *s = &sc->synth;
	struct wire_msg m;
	ldns_pkt *pkt;

	if (sc->step != SYNTH_DONE)
		fail_at(sc, "it isn't done (step %d)", sc->step);
	if (!strcmp(word, "nothing")) {
		if (s->out)
			fail_at(sc, "there is an answer");
		return;
	}
	if (!s->out || wire_parse(&m, s->out, s->out_len))
		fail_at(sc, "no answer, or a malformed one");
	if (m.id != 4711 || !(m.flags & WIRE_QR))
		fail_at(sc, "ID %u, flags %04x", m.id, m.flags);
	if ((m.flags & WIRE_RCODE) + (m.opt_rcode << 4) != rcode_of(sc, word))
		fail_at(sc, "the code is %d", m.flags & WIRE_RCODE);
	while ((word = strtok(NULL, " \t")))
		check_word(sc, &m, word);
	assert_int_equal(ldns_wire2pkt(&pkt, s->out, s->out_len), LDNS_STATUS_OK);
	check_records(sc, pkt);
	ldns_pkt_free(pkt);
}

static void run(void **state)
{
	static const struct { const char *name, *addr; } always[] = { { "pool", "198.18.0.0/16" } };
	struct scenario sc = { .file = *state, .rules.ttl_cap = 3600 };
	bool expected = false;
	struct prefix p;

	sc.in = fopen(sc.file, "r");
	assert_non_null(sc.in);
	policy_builtin(&sc.policy);
	prefix_from_text(&p, always[0].addr, AF_INET);
	prefixes_add(&sc.rules.pools, &p);
	while (next_line(&sc)) {
		char *word = strtok(sc.text, " \t");

		if (!strcmp(word, "conf"))
			do_conf(&sc);
		else if (!strcmp(word, "query"))
			do_query(&sc);
		else if (!strcmp(word, "raw"))
			do_raw(&sc);
		else if (!strcmp(word, "upstream"))
			do_upstream(&sc);
		else if (!strcmp(word, "lease"))
			do_lease(&sc, SYNTH_LEASE);
		else if (!strcmp(word, "live"))
			do_lease(&sc, SYNTH_LIVE);
		else if (!strcmp(word, "ptr"))
			do_ptr(&sc);
		else if (!strcmp(word, "expect")) {
			do_expect(&sc);
			expected = true;
		} else
			fail_at(&sc, "%s: not known", word);
	}
	assert_true(expected);
	fclose(sc.in);
	synth_free(&sc.synth);
	policy_free(&sc.policy);
	prefixes_free(&sc.rules.exclude);
	prefixes_free(&sc.rules.pools);
	free(sc.rules.deny.v);
	free(sc.rules.only.v);
}

static int is_scenario(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && !strcmp(dot, ".scn");
}

int main(void)
{
	const char *dir = getenv("NAT46_SCN") ?: "../selftests/dns";
	struct CMUnitTest *tests;
	struct dirent **names;
	int n;

	n = scandir(dir, &names, is_scenario, alphasort);
	if (n <= 0) {
		fprintf(stderr, "%s: no scenarios\n", dir);
		return 1;
	}
	tests = calloc(n, sizeof(*tests));
	for (int i = 0; i < n; i++) {
		char *path;

		if (asprintf(&path, "%s/%s", dir, names[i]->d_name) < 0)
			return 1;
		tests[i].name = names[i]->d_name;
		tests[i].test_func = run;
		tests[i].initial_state = path;
	}
	return _cmocka_run_group_tests("dns46_synth", tests, n, NULL, NULL);
}
