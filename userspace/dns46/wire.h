/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h: DNS messages as bytes. wire_parse() looks at every length, count and
 * compression pointer once; whoever holds a struct wire_msg may rely on them.
 * Relayed answers are copied from the upstream's bytes, never made again.
 */
#ifndef DNS46_WIRE_H
#define DNS46_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_HEADER = 12,
	WIRE_NAME_MAX = 255,
	WIRE_TEXT_MAX = WIRE_NAME_MAX * 4 + 1,
	WIRE_MSG_MAX = 65535,
	WIRE_UDP_MIN = 512,	/* what a client without EDNS takes */
	WIRE_OPT_MIN = 11,
};

/* header flags, as they stand in the second 16 bits */
enum {
	WIRE_QR = 0x8000,
	WIRE_OPCODE = 0x7800,
	WIRE_AA = 0x0400,
	WIRE_TC = 0x0200,
	WIRE_RD = 0x0100,
	WIRE_RA = 0x0080,
	WIRE_AD = 0x0020,
	WIRE_CD = 0x0010,
	WIRE_RCODE = 0x000f,
};

enum {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_BADVERS = 16,
};

enum {
	TYPE_A = 1, TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_PTR = 12, TYPE_MX = 15,
	TYPE_SIG = 24, TYPE_AAAA = 28, TYPE_DNAME = 39, TYPE_OPT = 41, TYPE_RRSIG = 46,
	TYPE_NSEC = 47, TYPE_NSEC3 = 50, TYPE_SVCB = 64, TYPE_HTTPS = 65, TYPE_TSIG = 250, TYPE_IXFR = 251, TYPE_AXFR = 252,
	TYPE_ANY = 255,
};

enum { CLASS_IN = 1 };

enum { OPTION_ECS = 8, OPTION_EDE = 15 };

/* RFC 8914; those that we say */
enum {
	EDE_NONE = -1,
	EDE_OTHER = 0,
	EDE_STALE = 3,
	EDE_NOT_READY = 14,
	EDE_BLOCKED = 15,
	EDE_PROHIBITED = 18,
	EDE_NO_AUTHORITY = 22,
};

enum wire_section { WIRE_ANSWER, WIRE_AUTHORITY, WIRE_ADDITIONAL, WIRE_SECTIONS };

struct wire_msg {
	const uint8_t *buf;
	size_t len;
	uint16_t id, flags;
	uint16_t count[WIRE_SECTIONS];
	uint8_t qname[WIRE_NAME_MAX];	/* as sent, uncompressed */
	uint8_t qname_len;
	uint16_t qtype, qclass;
	size_t rr;			/* where the first record starts */
	bool tsig;			/* TSIG or SIG(0) */
	/* the OPT record, opt == 0: none */
	size_t opt, opt_end;
	uint16_t opt_size, opt_flags, opt_rdlen;
	uint8_t opt_rcode, opt_version;
};

struct wire_rr {
	enum wire_section section;
	size_t off, rdata, end;		/* rdata..end is what RDLENGTH says */
	uint16_t type, class, rdlen;
	uint32_t ttl;
};

static inline uint16_t wire_u16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t wire_u32(const uint8_t *p)
{
	return (uint32_t)wire_u16(p) << 16 | wire_u16(p + 2);
}

static inline void wire_put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

/**
 * wire_parse() - check a message and find its parts
 *
 * Return: 0; -1 where it is malformed: then only id and flags are set, and
 * only where @len holds a header. A message whose QDCOUNT isn't 1 is
 * malformed, but for an answer without a question (QDCOUNT 0).
 */
int wire_parse(struct wire_msg *m, const uint8_t *buf, size_t len);

/* The next record, *@pos starts as 0. False after the last one. */
bool wire_next(const struct wire_msg *m, size_t *pos, struct wire_rr *rr);

/*
 * The uncompressed name at @off, letters as they stand. Returns its length
 * with the root's zero, 0 where it is malformed; *@next is what follows it.
 */
size_t wire_name(const uint8_t *buf, size_t len, size_t off, uint8_t out[WIRE_NAME_MAX],
		 size_t *next);

/* Names, uncompressed: */
void wire_name_lower(uint8_t *name, size_t len);
bool wire_name_equal(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen);
unsigned int wire_name_labels(const uint8_t *name);
/* @name is @suffix or lies below it */
bool wire_name_under(const uint8_t *name, size_t len, const uint8_t *suffix, size_t slen);
/* "example.org", escapes as RFC 1035 5.1; returns the length, 0 if malformed */
size_t wire_name_from_text(const char *text, uint8_t out[WIRE_NAME_MAX]);
/* without the dot at the end, but for the root */
void wire_name_to_text(const uint8_t *name, char out[WIRE_TEXT_MAX]);

/*
 * Whether @m is the answer to that question, asked with that ID (rule 34). An
 * error may come without a question: some say FORMERR and no more.
 */
bool wire_answers(const struct wire_msg *m, uint16_t id, const uint8_t *question, size_t qlen);

/* Where an OPT goes to: what the asking side said of itself. */
struct wire_edns {
	bool present, dnssec_ok;
	uint16_t size;
};

/* Our own payload size, flag-day practice (rule 28). */
#define WIRE_OUR_SIZE 1232

/**
 * wire_query() - the question that we send upstream
 * @flags: of RD, AD, CD those that the client sent
 *
 * Return: its length; @out holds WIRE_HEADER + 255 + 4 + WIRE_OPT_MIN bytes.
 */
size_t wire_query(uint8_t *out, uint16_t id, uint16_t flags, const uint8_t *question,
		  size_t qlen, bool dnssec_ok);

/**
 * wire_relay() - the upstream's answer for a client: its bytes but for ID and
 * OPT. Extended errors of the upstream stay, other options don't.
 *
 * Return: the length, 0 where it can't be (too long).
 */
size_t wire_relay(const struct wire_msg *m, uint16_t id, const struct wire_edns *to,
		  uint8_t *out, size_t size);

/*
 * Adds an OPT to a message that has none: @rcode's upper bits, DO as @to has
 * it, and the extended error @ede with @text unless it is EDE_NONE. Returns the
 * new length; the message stays as it is where @to has no EDNS or room is short.
 */
size_t wire_add_opt(uint8_t *msg, size_t len, size_t size, unsigned int rcode,
		    const struct wire_edns *to, int ede, const char *text);

/*
 * An answer that has nothing but header, @question (@qlen may be 0) and OPT.
 * @flags: of the query.
 */
size_t wire_error(uint8_t *out, size_t size, uint16_t id, uint16_t flags, unsigned int rcode,
		  const uint8_t *question, size_t qlen, const struct wire_edns *to, int ede,
		  const char *text);

/* ldns keeps an OPT apart from the records, and adds it when it writes. */
struct ldns_struct_pkt;
void wire_forget_opt(struct ldns_struct_pkt *pkt);

/* Cuts an answer that is longer than @limit to question and OPT, and sets TC. */
size_t wire_truncate(uint8_t *msg, size_t len, size_t limit);

#endif
