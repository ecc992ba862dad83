/* SPDX-License-Identifier: GPL-2.0 */
/* What open.c, which makes sessions, and life.c share with their table. */
#ifndef _NF_NAT46_SESSION_H
#define _NF_NAT46_SESSION_H

#include "nf_nat46.h"

struct nat46_session *nat46_session_alloc(struct net *net, bool *full);
bool nat46_session_room(const struct net *net);
void nat46_session_free(struct nat46_session *s);
int nat46_session_insert(struct nat46_session *s, struct nat46_session *instead,
			 struct nat46_session **taken);
bool nat46_session_end(struct nat46_session *s);

/* open.c, for whoever opens sessions */
enum nat46_reason nat46_session_new(struct nat46_pkt *p, struct nat46_mapping *map,
				    struct nat46_session **sp);
void nat46_session_undo(struct nat46_session *s);
void nat46_session_finish(const struct nat46_pkt *p, struct nat46_session *s);
bool nat46_client_usable(const struct nat46_conf *conf, __be32 client);
enum nat46_reason nat46_session_client(struct nat46_pkt *p, struct nat46_session *s);
enum nat46_reason nat46_session_path(struct nat46_pkt *p, struct nat46_session *s,
				     const struct nat46_source *src,
				     const struct in6_addr *target);
enum nat46_reason nat46_session_allowed(const struct nat46_pkt *p, struct nat46_session *s);
enum nat46_reason nat46_session_reaches(const struct nat46_pkt *p, struct nat46_session *s);
int nat46_first_state(const struct nat46_pkt *p, u8 proto);

/* take.c */
struct in6_addr nat46_range_addr(const struct nat46_source *src, __be32 client,
				 unsigned int k);
__wsum nat46_session_diff(const struct nat46_session *s);
bool nat46_session_next_port(struct nat46_pkt *p, struct nat46_session *s,
			     const struct nat46_source *src);
int nat46_session_take(struct nat46_pkt *p, struct nat46_session *s,
		       const struct nat46_source *src,
		       struct nat46_session *instead, struct nat46_session **taken);

/* client.c */
void nat46_client_init(void);
enum nat46_reason nat46_client_open(struct nat46_session *s, u32 max);
void nat46_client_ended(const struct nat46_session *s);
u32 nat46_client_sessions(struct net *net, __be32 addr);

/* clash.c */
bool nat46_clashes(const struct nat46_session *s);

/* bib.c */
bool nat46_bib_find(struct nat46_session *s, const struct in6_addr *lo, const struct in6_addr *hi);
int nat46_bib_make(struct nat46_session *s);
void nat46_bib_put(struct nat46_session *s);

/* life.c */
bool nat46_session_expired(const struct nat46_session *s,
			   const struct nat46_params *par);
bool nat46_session_silent(struct nat46_session *s, const struct nat46_params *par);

#endif /* _NF_NAT46_SESSION_H */
