// SPDX-License-Identifier: GPL-2.0
/* wire.c: see wire.h. Nothing here trusts a byte that came from outside. */
#include "wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

size_t wire_name(const uint8_t *buf, size_t len, size_t off, uint8_t out[WIRE_NAME_MAX],
		 size_t *next)
{
	size_t limit = off, n = 0;	/* a pointer must lead before @limit, to what ends there */
	unsigned int jumps = 0;

	for (;;) {
		uint8_t c;

		if (off >= len)
			return 0;
		c = buf[off];
		if ((c & 0xc0) == 0xc0) {
			size_t to;

			if (off + 1 >= len)
				return 0;
			to = (c & 0x3f) << 8 | buf[off + 1];
			/*
			 * Only backwards, so that loops can't be, and to a name
			 * that is whole before this one, so that it is the same
			 * in a message whose end was changed; and not more often
			 * than a name may have labels.
			 */
			if (to >= limit || to < WIRE_HEADER || jumps > 127)
				return 0;
			if (!jumps++ && next)
				*next = off + 2;
			len = limit;
			limit = to;
			off = to;
			continue;
		}
		if (c & 0xc0 || off + 1 + c > len || n + 1 + c > WIRE_NAME_MAX)
			return 0;
		memcpy(out + n, buf + off, 1 + c);
		n += 1 + c;
		off += 1 + c;
		if (!c)
			break;
	}
	if (!jumps && next)
		*next = off;
	return n;
}

/* Names in the data of the types that may be compressed (RFC 3597 section 4). */
static bool rdata_ok(const uint8_t *buf, const struct wire_rr *rr)
{
	uint8_t name[WIRE_NAME_MAX];
	size_t off = rr->rdata, tail = 0;

	switch (rr->type) {
	case TYPE_A:
		return rr->class != CLASS_IN || rr->rdlen == 4;
	case TYPE_AAAA:
		return rr->rdlen == 16;
	case TYPE_MX:
		off += 2;
		break;
	case TYPE_SOA:
		if (!wire_name(buf, rr->end, off, name, &off))
			return false;
		tail = 20;
		break;
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_PTR:
	case TYPE_DNAME:
		break;
	default:
		return true;
	}
	return wire_name(buf, rr->end, off, name, &off) && off + tail == rr->end;
}

static bool read_rr(const struct wire_msg *m, size_t off, struct wire_rr *rr)
{
	uint8_t name[WIRE_NAME_MAX];
	size_t p;

	rr->off = off;
	if (!wire_name(m->buf, m->len, off, name, &p) || m->len - p < 10)
		return false;
	rr->type = wire_u16(m->buf + p);
	rr->class = wire_u16(m->buf + p + 2);
	rr->ttl = wire_u32(m->buf + p + 4);
	rr->rdlen = wire_u16(m->buf + p + 8);
	rr->rdata = p + 10;
	rr->end = rr->rdata + rr->rdlen;
	if (rr->ttl > INT32_MAX)	/* RFC 2181 section 8 */
		rr->ttl = 0;
	return rr->end <= m->len;
}

static bool note_opt(struct wire_msg *m, const struct wire_rr *rr)
{
	size_t p = rr->rdata;

	if (m->opt || rr->section != WIRE_ADDITIONAL || m->buf[rr->off])
		return false;
	while (p < rr->end) {
		if (rr->end - p < 4)
			return false;
		p += 4 + wire_u16(m->buf + p + 2);
	}
	if (p != rr->end)
		return false;
	m->opt = rr->off;
	m->opt_end = rr->end;
	m->opt_size = rr->class;
	m->opt_rcode = m->buf[rr->off + 5];
	m->opt_version = m->buf[rr->off + 6];
	m->opt_flags = wire_u16(m->buf + rr->off + 7);
	m->opt_rdlen = rr->rdlen;
	return true;
}

static bool parse_question(struct wire_msg *m)
{
	size_t p = WIRE_HEADER;
	uint16_t n = wire_u16(m->buf + 4);

	m->rr = p;
	if (!n)
		return m->flags & WIRE_QR;
	if (n != 1)
		return false;
	/* The first name has nothing before it to point to. */
	m->qname_len = wire_name(m->buf, m->len, p, m->qname, &p);
	if (!m->qname_len || m->len - p < 4)
		return false;
	m->qtype = wire_u16(m->buf + p);
	m->qclass = wire_u16(m->buf + p + 2);
	m->rr = p + 4;
	return true;
}

int wire_parse(struct wire_msg *m, const uint8_t *buf, size_t len)
{
	struct wire_rr rr;
	size_t off;

	memset(m, 0, sizeof(*m));
	m->buf = buf;
	m->len = len;
	if (len < WIRE_HEADER || len > WIRE_MSG_MAX)
		return -1;
	m->id = wire_u16(buf);
	m->flags = wire_u16(buf + 2);
	if (!parse_question(m))
		return -1;
	off = m->rr;
	for (int s = 0; s < WIRE_SECTIONS; s++) {
		m->count[s] = wire_u16(buf + 6 + 2 * s);
		for (unsigned int i = 0; i < m->count[s]; i++) {
			rr.section = s;
			if (!read_rr(m, off, &rr) || !rdata_ok(buf, &rr))
				return -1;
			if (rr.type == TYPE_OPT && !note_opt(m, &rr))
				return -1;
			if (rr.type == TYPE_TSIG || (rr.type == TYPE_SIG && !rr.ttl))
				m->tsig = true;
			off = rr.end;
		}
	}
	return off == len ? 0 : -1;
}

bool wire_next(const struct wire_msg *m, size_t *pos, struct wire_rr *rr)
{
	size_t off = *pos ? *pos & 0xffffff : m->rr;
	size_t done = *pos >> 24;	/* records already seen */
	size_t n = 0;

	for (int s = 0; s < WIRE_SECTIONS; s++) {
		n += m->count[s];
		if (done < n) {
			rr->section = s;
			if (!read_rr(m, off, rr))
				return false;
			*pos = (done + 1) << 24 | rr->end;
			return true;
		}
	}
	return false;
}

/* ---- names --------------------------------------------------------------- */

void wire_name_lower(uint8_t *name, size_t len)
{
	/* Lengths are below 64 and so no letters. */
	for (size_t i = 0; i < len; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] |= 0x20;
}

bool wire_name_equal(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	if (alen != blen)
		return false;
	for (size_t i = 0; i < alen; i++) {
		uint8_t x = a[i], y = b[i];

		if (x >= 'A' && x <= 'Z')
			x |= 0x20;
		if (y >= 'A' && y <= 'Z')
			y |= 0x20;
		if (x != y)
			return false;
	}
	return true;
}

unsigned int wire_name_labels(const uint8_t *name)
{
	unsigned int n = 0;

	for (; *name; name += 1 + *name)
		n++;
	return n;
}

bool wire_name_under(const uint8_t *name, size_t len, const uint8_t *suffix, size_t slen)
{
	while (len > slen) {
		len -= 1 + *name;
		name += 1 + *name;
	}
	return wire_name_equal(name, len, suffix, slen);
}

/* One character of a label, escaped or not; NULL where it is none. */
static const char *text_char(const char *p, uint8_t *c)
{
	if (*p != '\\') {
		*c = *p;
		return p + 1;
	}
	p++;
	if (isdigit((unsigned char)p[0])) {
		unsigned int v;

		if (!isdigit((unsigned char)p[1]) || !isdigit((unsigned char)p[2]))
			return NULL;
		v = (p[0] - '0') * 100 + (p[1] - '0') * 10 + p[2] - '0';
		*c = v;
		return v > 255 ? NULL : p + 3;
	}
	*c = *p;
	return *p ? p + 1 : NULL;
}

size_t wire_name_from_text(const char *p, uint8_t out[WIRE_NAME_MAX])
{
	size_t at = 0, n = 1;	/* the label's length byte, what is written */

	if (!strcmp(p, ".")) {
		out[0] = 0;
		return 1;
	}
	while (*p) {
		if (*p == '.') {
			if (n == at + 1)
				return 0;
			out[at] = n - at - 1;
			at = n++;
			p++;
			continue;
		}
		if (n >= WIRE_NAME_MAX || n - at > 63)
			return 0;
		p = text_char(p, &out[n++]);
		if (!p)
			return 0;
	}
	if (n > at + 1) {
		out[at] = n - at - 1;
		at = n++;
	}
	if (n > WIRE_NAME_MAX || n == 1)
		return 0;
	out[at] = 0;
	return n;
}

void wire_name_to_text(const uint8_t *name, char out[WIRE_TEXT_MAX])
{
	char *o = out;

	if (!*name)
		*o++ = '.';
	while (*name) {
		if (o != out)
			*o++ = '.';
		for (int i = 1; i <= *name; i++) {
			uint8_t c = name[i];

			if (c <= ' ' || c > '~')
				o += sprintf(o, "\\%03u", c);
			else if (strchr(".\\\"();@$", c))
				o += sprintf(o, "\\%c", c);
			else
				*o++ = c;
		}
		name += 1 + *name;
	}
	*o = 0;
}

bool wire_answers(const struct wire_msg *m, uint16_t id, const uint8_t *question, size_t qlen)
{
	if (m->id != id || !(m->flags & WIRE_QR) || m->flags & WIRE_OPCODE)
		return false;
	if (!m->qname_len)
		return m->flags & WIRE_RCODE;
	return wire_name_equal(m->qname, m->qname_len, question, qlen - 4) &&
	       m->qtype == wire_u16(question + qlen - 4) &&
	       m->qclass == wire_u16(question + qlen - 2);
}

/* ---- making messages ----------------------------------------------------- */

static void put_header(uint8_t *out, uint16_t id, uint16_t flags, uint16_t qdcount)
{
	memset(out, 0, WIRE_HEADER);
	wire_put16(out, id);
	wire_put16(out + 2, flags);
	wire_put16(out + 4, qdcount);
}

static size_t put_opt(uint8_t *p, uint8_t rcode, bool dnssec_ok, uint16_t rdlen)
{
	memset(p, 0, WIRE_OPT_MIN);
	wire_put16(p + 1, TYPE_OPT);
	wire_put16(p + 3, WIRE_OUR_SIZE);
	p[5] = rcode;
	p[7] = dnssec_ok ? 0x80 : 0;
	wire_put16(p + 9, rdlen);
	return WIRE_OPT_MIN;
}

size_t wire_query(uint8_t *out, uint16_t id, uint16_t flags, const uint8_t *question,
		  size_t qlen, bool dnssec_ok)
{
	put_header(out, id, flags & (WIRE_RD | WIRE_AD | WIRE_CD), 1);
	wire_put16(out + 10, 1);
	memcpy(out + WIRE_HEADER, question, qlen);
	return WIRE_HEADER + qlen + put_opt(out + WIRE_HEADER + qlen, 0, dnssec_ok, 0);
}

/* The upstream's EDE options, which mean the same to the client. */
static size_t copy_ede(const struct wire_msg *m, uint8_t *out)
{
	const uint8_t *p = m->buf + m->opt + WIRE_OPT_MIN, *end = m->buf + m->opt_end;
	size_t n = 0;

	while (m->opt && p < end) {
		size_t len = 4 + wire_u16(p + 2);

		if (wire_u16(p) == 15) {
			memcpy(out + n, p, len);
			n += len;
		}
		p += len;
	}
	return n;
}

void wire_forget_opt(struct ldns_struct_pkt *pkt)
{
	ldns_rdf_deep_free(ldns_pkt_edns_data(pkt));
	ldns_pkt_set_edns_data(pkt, NULL);
	ldns_pkt_set_edns_udp_size(pkt, 0);
	ldns_pkt_set_edns_extended_rcode(pkt, 0);
	ldns_pkt_set_edns_version(pkt, 0);
	ldns_pkt_set_edns_z(pkt, 0);
	pkt->_edns_present = 0;
}

/*
 * An OPT in the midst of the records can't be cut out, since later names may
 * be pointed to: the message is made again.
 */
static size_t without_opt(const struct wire_msg *m, uint8_t *out, size_t size)
{
	uint8_t *made = NULL;
	ldns_pkt *pkt;
	size_t n = 0;

	if (ldns_wire2pkt(&pkt, m->buf, m->len) != LDNS_STATUS_OK)
		return 0;
	wire_forget_opt(pkt);
	if (ldns_pkt2wire(&made, pkt, &n) == LDNS_STATUS_OK && n <= size)
		memcpy(out, made, n);
	else
		n = 0;
	free(made);
	ldns_pkt_free(pkt);
	return n;
}

size_t wire_relay(const struct wire_msg *m, uint16_t id, const struct wire_edns *to,
		  uint8_t *out, size_t size)
{
	size_t len = m->len, ede;

	if (m->opt && m->opt_end != m->len) {
		len = without_opt(m, out, size);
		if (!len)
			return 0;
	} else {
		if (m->opt)
			len = m->opt;
		if (len > size)
			return 0;
		memcpy(out, m->buf, len);
		wire_put16(out + 10, m->count[WIRE_ADDITIONAL] - !!m->opt);
	}
	wire_put16(out, id);
	if (!to->present || len + WIRE_OPT_MIN + m->opt_rdlen > size)
		return len;
	ede = copy_ede(m, out + len + WIRE_OPT_MIN);
	put_opt(out + len, m->opt_rcode, to->dnssec_ok, ede);
	wire_put16(out + 10, wire_u16(out + 10) + 1);
	return len + WIRE_OPT_MIN + ede;
}

size_t wire_add_opt(uint8_t *msg, size_t len, size_t size, unsigned int rcode,
		    const struct wire_edns *to, int ede, const char *text)
{
	size_t tlen = text ? strlen(text) : 0, rdlen = ede == EDE_NONE ? 0 : 6 + tlen;
	uint8_t *p = msg + len;

	if (!to->present || len + WIRE_OPT_MIN + rdlen > size)
		return len;
	p += put_opt(p, rcode >> 4, to->dnssec_ok, rdlen);
	if (rdlen) {
		wire_put16(p, 15);
		wire_put16(p + 2, 2 + tlen);
		wire_put16(p + 4, ede);
		if (tlen)
			memcpy(p + 6, text, tlen);
	}
	wire_put16(msg + 10, wire_u16(msg + 10) + 1);
	return len + WIRE_OPT_MIN + rdlen;
}

size_t wire_error(uint8_t *out, size_t size, uint16_t id, uint16_t flags, unsigned int rcode,
		  const uint8_t *question, size_t qlen, const struct wire_edns *to, int ede,
		  const char *text)
{
	put_header(out, id,
		   WIRE_QR | WIRE_RA | (flags & (WIRE_OPCODE | WIRE_RD | WIRE_CD)) | (rcode & 15),
		   !!qlen);
	memcpy(out + WIRE_HEADER, question, qlen);
	return wire_add_opt(out, WIRE_HEADER + qlen, size, rcode, to, ede, text);
}

size_t wire_truncate(uint8_t *msg, size_t len, size_t limit)
{
	struct wire_msg m;
	size_t n;

	if (len <= limit || wire_parse(&m, msg, len) < 0)
		return len;
	n = m.rr;
	if (m.opt && n + WIRE_OPT_MIN <= limit) {
		/* The options go too: they may be what doesn't fit. */
		memmove(msg + n, msg + m.opt, WIRE_OPT_MIN);
		wire_put16(msg + n + 9, 0);
		n += WIRE_OPT_MIN;
	}
	memset(msg + 6, 0, 6);
	wire_put16(msg + 10, n != m.rr);
	wire_put16(msg + 2, m.flags | WIRE_TC);
	return n;
}
