// SPDX-License-Identifier: GPL-2.0
/* build.c: see build.h. */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#include "svcb.h"

static ldns_rdf *name_rdf(const uint8_t *name, size_t len)
{
	ldns_rdf *rdf = NULL;
	size_t pos = 0;

	return ldns_wire2dname(&rdf, name, len, &pos) == LDNS_STATUS_OK ? rdf : NULL;
}

/* The client's question with the case that it used (rule 19), and flags (20, 26). */
static ldns_pkt *begin(const struct synth *s, unsigned int rcode)
{
	size_t nlen = s->qlen - 4;
	ldns_rr *q = ldns_rr_new();
	ldns_pkt *pkt = ldns_pkt_new();
	ldns_rdf *owner = name_rdf(s->question, nlen);

	if (!q || !pkt || !owner) {
		ldns_rr_free(q);
		ldns_pkt_free(pkt);
		ldns_rdf_deep_free(owner);
		return NULL;
	}
	ldns_rr_set_question(q, true);
	ldns_rr_set_owner(q, owner);
	ldns_rr_set_type(q, wire_u16(s->question + nlen));
	ldns_rr_set_class(q, wire_u16(s->question + nlen + 2));
	if (!ldns_pkt_push_rr(pkt, LDNS_SECTION_QUESTION, q)) {
		ldns_rr_free(q);
		ldns_pkt_free(pkt);
		return NULL;
	}
	ldns_pkt_set_id(pkt, s->id);
	ldns_pkt_set_qr(pkt, true);
	ldns_pkt_set_ra(pkt, true);
	ldns_pkt_set_rd(pkt, s->flags & WIRE_RD);
	ldns_pkt_set_cd(pkt, s->flags & WIRE_CD);
	ldns_pkt_set_rcode(pkt, rcode);
	return pkt;
}

static uint8_t *end(ldns_pkt *pkt, bool ok, size_t *len)
{
	uint8_t *out = NULL;

	if (ok && ldns_pkt2wire(&out, pkt, len) != LDNS_STATUS_OK)
		out = NULL;
	ldns_pkt_free(pkt);
	return out;
}

static bool push(ldns_pkt *pkt, ldns_pkt_section section, ldns_rr *rr)
{
	if (rr && ldns_pkt_push_rr(pkt, section, rr))
		return true;
	ldns_rr_free(rr);
	return false;
}

static bool is_signature(int type)	/* rule 27 */
{
	return type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3 ||
	       type == TYPE_SIG || type == TYPE_TSIG;
}

static bool copy_section(ldns_pkt *to, ldns_pkt_section section, const ldns_rr_list *list,
			 bool chain_only)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		int type = ldns_rr_get_type(rr);

		if (chain_only ? type != TYPE_CNAME && type != TYPE_DNAME : is_signature(type))
			continue;
		if (!push(to, section, ldns_rr_clone(rr)))
			return false;
	}
	return true;
}

static bool copy_base(ldns_pkt *pkt, const uint8_t *base, size_t base_len, ldns_rr *ours,
		      enum build_from from)
{
	ldns_pkt *b = NULL;
	bool ok;

	if (base && ldns_wire2pkt(&b, base, base_len) != LDNS_STATUS_OK) {
		ldns_rr_free(ours);
		return false;
	}
	ok = !b || copy_section(pkt, LDNS_SECTION_ANSWER, ldns_pkt_answer(b), true);
	if (ok && ours)
		ok = push(pkt, LDNS_SECTION_ANSWER, ours);
	else
		ldns_rr_free(ours);
	if (ok && b && from == BUILD_ALL)
		ok = copy_section(pkt, LDNS_SECTION_AUTHORITY, ldns_pkt_authority(b), false) &&
		     copy_section(pkt, LDNS_SECTION_ADDITIONAL, ldns_pkt_additional(b), false);
	ldns_pkt_free(b);
	return ok;
}

static ldns_rr *make_rr(ldns_rdf *owner, ldns_rr_type type, uint32_t ttl, ldns_rdf *rdata)
{
	ldns_rr *rr = ldns_rr_new();

	if (!rr || !owner || !rdata || !ldns_rr_push_rdf(rr, rdata)) {
		ldns_rdf_deep_free(owner);
		ldns_rdf_deep_free(rdata);
		ldns_rr_free(rr);
		return NULL;
	}
	ldns_rr_set_owner(rr, owner);
	ldns_rr_set_type(rr, type);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	ldns_rr_set_ttl(rr, ttl);
	return rr;
}

/* A name that ends a chain is written as the chain writes it. */
static ldns_rdf *owner_rdf(const struct synth *s)
{
	size_t nlen = s->qlen - 4;

	if (wire_name_equal(s->owner, s->owner_len, s->question, nlen))
		return name_rdf(s->question, nlen);
	return name_rdf(s->owner, s->owner_len);
}

uint8_t *build_address(const struct synth *s, const uint8_t *base, size_t base_len,
		       enum build_from from, uint32_t addr_be, uint32_t ttl, size_t *len)
{
	ldns_pkt *pkt = begin(s, RCODE_NOERROR);
	ldns_rr *a;

	if (!pkt)
		return NULL;
	a = make_rr(owner_rdf(s), LDNS_RR_TYPE_A, ttl,
		    ldns_rdf_new_frm_data(LDNS_RDF_TYPE_A, 4, &addr_be));
	return end(pkt, a && copy_base(pkt, base, base_len, a, from), len);
}

uint8_t *build_chain(const struct synth *s, const uint8_t *base, size_t base_len, size_t *len)
{
	ldns_pkt *pkt = begin(s, RCODE_NOERROR);

	if (!pkt)
		return NULL;
	return end(pkt, copy_base(pkt, base, base_len, NULL, BUILD_CHAIN), len);
}

/* Priority, target, and what svcb.c has to say of the parameters. */
static bool drop_hint(ldns_rr *rr)
{
	ldns_rdf *old = ldns_rr_rd_count(rr) == 3 ? ldns_rr_rdf(rr, 2) : NULL, *new;
	uint8_t *params = old ? malloc(ldns_rdf_size(old) ?: 1) : NULL;
	size_t n;

	if (!params)
		return false;
	n = svcb_without_hint(ldns_rdf_data(old), ldns_rdf_size(old), params);
	new = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_SVCPARAMS, n, params);
	free(params);
	if (!new)
		return false;
	ldns_rdf_deep_free(ldns_rr_set_rdf(rr, new, 2));
	return true;
}

uint8_t *build_without_hints(const uint8_t *base, size_t base_len, uint32_t which, size_t *len)
{
	ldns_pkt *pkt = NULL;
	ldns_rr_list *answer;
	unsigned int seen = 0;
	bool ok = true;

	if (ldns_wire2pkt(&pkt, base, base_len) != LDNS_STATUS_OK)
		return NULL;
	answer = ldns_pkt_answer(pkt);
	for (size_t i = 0; ok && i < ldns_rr_list_rr_count(answer); i++) {
		ldns_rr *rr = ldns_rr_list_rr(answer, i);
		int type = ldns_rr_get_type(rr);

		if (type != TYPE_HTTPS && type != TYPE_SVCB)
			continue;
		if (seen < 32 && which & 1u << seen)
			ok = drop_hint(rr);
		seen++;
	}
	ldns_pkt_set_ad(pkt, false);
	return end(pkt, ok, len);
}

uint8_t *build_ptr(const struct synth *s, const uint8_t *name, size_t name_len, uint32_t ttl,
		   size_t *len)
{
	ldns_pkt *pkt = begin(s, RCODE_NOERROR);
	ldns_rr *rr;

	if (!pkt)
		return NULL;
	rr = make_rr(name_rdf(s->question, s->qlen - 4), LDNS_RR_TYPE_PTR, ttl,
		     name_rdf(name, name_len));
	return end(pkt, push(pkt, LDNS_SECTION_ANSWER, rr), len);
}

uint8_t *build_no_ptr(const struct synth *s, unsigned int rcode, unsigned int zone_labels,
		      size_t *len)
{
	const uint8_t *zone = s->question;
	char text[WIRE_TEXT_MAX + 80], name[WIRE_TEXT_MAX];
	ldns_pkt *pkt = begin(s, rcode);
	ldns_rr *soa = NULL;
	bool ok;

	if (!pkt)
		return NULL;
	while (wire_name_labels(zone) > zone_labels)
		zone += 1 + *zone;
	wire_name_to_text(zone, name);
	snprintf(text, sizeof(text), "%s. 60 IN SOA localhost. nobody.invalid. 1 3600 1200 604800 60",
		 name);
	ok = ldns_rr_new_frm_str(&soa, text, 60, NULL, NULL) == LDNS_STATUS_OK &&
	     push(pkt, LDNS_SECTION_AUTHORITY, soa);
	return end(pkt, ok, len);
}
