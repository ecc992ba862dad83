/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the objects of the configuration offer to each other and to netlink*.c.
 * The packet path needs none of it.
 *
 * Every change goes the same way: nat46_edit_begin() takes the lock and finds
 * the configuration that the requester changes (the live one, or that of its
 * open restore), the object makes a new immutable array beside the old one,
 * nat46_edit_apply() puts it in place.
 */
#ifndef _NF_NAT46_CONF_H
#define _NF_NAT46_CONF_H

#include "nf_nat46.h"

#define NAT46_POOLS_MAX		64
#define NAT46_SOURCES_MAX	256
#define NAT46_POLICIES_MAX	4096	/* the built-in ones not counted */

struct netlink_ext_ack;

static inline __be32 nat46_mask4(u8 plen)
{
	return plen ? htonl(~0u << (32 - plen)) : 0;
}

/* What an add may do. */
#define NAT46_MAY_CREATE	BIT(0)
#define NAT46_MAY_REPLACE	BIT(1)

enum nat46_removal {
	NAT46_REMOVE_UNUSED,
	NAT46_REMOVE_FORCE,
	NAT46_REMOVE_DRAIN,
};

/* ---- pool.c: pure; the new arrays are not published ----------------------- */

int nat46_pool_check(const struct nat46_pool *p, struct netlink_ext_ack *extack);
struct nat46_pools *nat46_pools_alloc(unsigned int n);
struct nat46_pool *nat46_pools_get(const struct nat46_pools *set, __be32 addr, u8 plen);
struct nat46_pools *nat46_pools_add(const struct nat46_pools *old, const struct nat46_pool *p,
				    u8 may, struct netlink_ext_ack *extack);
struct nat46_pools *nat46_pools_del(const struct nat46_pools *old, const struct nat46_pool *p);
struct nat46_pools *nat46_pools_drain(const struct nat46_pools *old, const struct nat46_pool *p);
const struct nat46_pool *nat46_pools_find(const struct nat46_pools *set, __be32 addr);

/* ---- source.c: pure, but for nat46_sources_resolve() ----------------------- */

int nat46_source_check(struct nat46_source *s, struct netlink_ext_ack *extack);
int nat46_source_resolve(struct net *net, struct nat46_source *s, struct netlink_ext_ack *extack);
struct nat46_sources *nat46_sources_alloc(unsigned int n);
struct nat46_source *nat46_sources_get(const struct nat46_sources *set,
				       const struct nat46_source *s);
struct nat46_sources *nat46_sources_add(const struct nat46_sources *old,
					const struct nat46_source *s, u8 may,
					struct netlink_ext_ack *extack);
struct nat46_sources *nat46_sources_del(const struct nat46_sources *old,
					const struct nat46_source *s);
struct nat46_sources *nat46_sources_drain(const struct nat46_sources *old,
					  const struct nat46_source *s);
struct nat46_sources *nat46_sources_dev(const struct nat46_sources *old,
					const struct net_device *dev, bool gone);
bool nat46_sources_cover(const struct nat46_sources *set, const struct nat46_session *s);

/* ---- policy.c: pure ---------------------------------------------------------- */

int nat46_policy_valid(const struct nat46_policy *p, struct netlink_ext_ack *extack);
struct nat46_policies *nat46_policies_builtin(void);
struct nat46_policies *nat46_policies_add(const struct nat46_policies *old,
					  const struct nat46_policy *p, u8 may,
					  struct netlink_ext_ack *extack);
struct nat46_policies *nat46_policies_del(const struct nat46_policies *old,
					  const struct nat46_policy *p,
					  struct netlink_ext_ack *extack);
bool nat46_policy_never(const struct nat46_conf *conf, const struct in6_addr *target, u8 plen);

/* ---- conf.c ------------------------------------------------------------------ */

struct nat46_edit {
	struct nat46_net *nn;
	struct nat46_conf *conf;	/* as it is now */
	struct nat46_restore *tx;	/* conf is that one's; NULL: the live one */
};

int nat46_edit_begin(struct nat46_edit *e, struct nat46_net *nn, u32 portid,
		     struct netlink_ext_ack *extack);
int nat46_edit_begin_live(struct nat46_edit *e, struct nat46_net *nn, u32 portid,
			  struct netlink_ext_ack *extack);
void nat46_edit_end(struct nat46_edit *e);
int nat46_edit_apply(struct nat46_edit *e, const struct nat46_conf *next);

struct nat46_conf *nat46_conf_new(void);
void nat46_conf_free(struct nat46_conf *conf);	/* never published, no reader left */
void nat46_conf_free_unshared(const struct nat46_conf *conf, const struct nat46_conf *keep);
void nat46_conf_changed(struct nat46_net *nn);
void nat46_conf_publish(struct nat46_net *nn, struct nat46_conf *conf);
/* a conf's arrays that @next does not use are freed when their readers are gone */
void nat46_conf_retire(struct nat46_conf *conf, const struct nat46_conf *next);

/* @head, of what has @size bytes and is not read any more after a grace period */
void nat46_conf_retire_one(struct rcu_head *head, size_t size);

/* ---- change.c: as conf.c's, nn->lock held ---------------------------------------- */

int nat46_conf_pool_add(struct nat46_edit *e, const struct nat46_pool *p, u8 may,
			struct netlink_ext_ack *extack);
int nat46_conf_pool_del(struct nat46_edit *e, const struct nat46_pool *p, enum nat46_removal how,
			struct netlink_ext_ack *extack);
int nat46_conf_source_add(struct nat46_edit *e, const struct nat46_source *s, u8 may,
			  struct netlink_ext_ack *extack);
int nat46_conf_source_del(struct nat46_edit *e, const struct nat46_source *s,
			  enum nat46_removal how, struct netlink_ext_ack *extack);
int nat46_conf_policy_add(struct nat46_edit *e, const struct nat46_policy *p, u8 may,
			  struct netlink_ext_ack *extack);
int nat46_conf_policy_del(struct nat46_edit *e, const struct nat46_policy *p,
			  struct netlink_ext_ack *extack);
int nat46_conf_params_set(struct nat46_edit *e, const struct nat46_params *par);

bool nat46_conf_strands(const struct nat46_session *s, const void *conf);
void nat46_conf_end_denied(struct nat46_net *nn, const struct nat46_conf *conf);

/* ---- gc.c: what time does to the configuration ------------------------------- */

void nat46_gc_work(struct work_struct *work);
/* have the work run in @seconds at the latest; nn->lock held */
void nat46_gc_kick(struct nat46_net *nn, u32 seconds);

/* ---- maps.c ------------------------------------------------------------------ */

/* A place among the mappings: zero is the first. */
struct nat46_map_at {
	unsigned int k;
	unsigned long i;
};

/* The mapping there, or the first behind, and @at its place; NULL: the end. */
struct nat46_mapping *nat46_maps_from(struct nat46_maps *maps, struct nat46_map_at *at);

static inline struct nat46_mapping *nat46_maps_next(struct nat46_maps *maps,
						    struct nat46_map_at *at)
{
	at->i++;
	return nat46_maps_from(maps, at);
}

/* The mapping of just that prefix. */
struct nat46_mapping *nat46_maps_get(const struct nat46_maps *maps, __be32 addr, u8 plen);
int nat46_maps_store(struct nat46_maps *maps, struct nat46_mapping *m);
int nat46_maps_add(struct nat46_net *nn, struct nat46_maps *maps, struct nat46_mapping *m,
		   struct netlink_ext_ack *extack);

struct nat46_maps *nat46_maps_alloc(void);
void nat46_maps_free(struct nat46_maps *maps);	/* no reader left */
u32 nat46_maps_count(const struct nat46_maps *maps, const struct nat46_pool *p);

/* ---- inbounds.c; nn->lock held ------------------------------------------------- */

int nat46_inbounds_next(const struct nat46_maps *maps, const struct nat46_mapping *m,
			const struct nat46_binding *was, const struct nat46_binding *is,
			struct nat46_inbounds **next, struct netlink_ext_ack *extack);
void nat46_inbounds_publish(struct nat46_net *nn, struct nat46_maps *maps,
			    struct nat46_inbounds *next);
void nat46_inbounds_drop(const struct nat46_maps *maps, struct nat46_inbounds *next);

/* ---- map.c ------------------------------------------------------------------- */

/* A mapping as it is asked for; checked, but for the pool and the owner. */
struct nat46_map_spec {
	__be32 addr;
	u8 plen;
	unsigned int n;
	struct in6_addr target[NAT46_TARGETS_MAX];
	const char *name;		/* never NULL, nor is the owner */
	const char *owner;
	bool inbound;
	bool expires;
	u32 seconds;			/* EXPIRES, HOLD, where expires is set */
	u32 hold;
	u32 fresh;			/* 0: always */
};

typedef bool (*nat46_map_match_t)(const struct nat46_mapping *m, const void *arg);
/* Told of each change of a live mapping; may sleep, nn->lock held. */
typedef void (*nat46_map_event_t)(struct nat46_net *nn, const struct nat46_mapping *m,
				  enum nat46_map_event event);

bool nat46_map_name_ok(const char *name);
bool nat46_map_owner_ok(const char *owner);
int nat46_map_target_check(const struct nat46_edit *e, const struct in6_addr *target, u8 plen,
			   struct netlink_ext_ack *extack);
int nat46_map_add(struct nat46_edit *e, const struct nat46_map_spec *spec, u8 may,
		  struct netlink_ext_ack *extack);
int nat46_map_del(struct nat46_edit *e, __be32 addr, u8 plen, const char *owner,
		  struct netlink_ext_ack *extack);
void nat46_map_delete(struct nat46_net *nn, struct nat46_maps *maps, struct nat46_mapping *m,
		      enum nat46_map_event event);
void nat46_maps_flush(struct nat46_net *nn, struct nat46_maps *maps, nat46_map_match_t match,
		      const void *arg);
u32 nat46_map_left(const struct nat46_mapping *m);
void nat46_map_renew(struct nat46_mapping *m, const struct nat46_mapping *as);
bool nat46_map_same(const struct nat46_mapping *a, const struct nat46_mapping *b);
void nat46_map_event(struct nat46_net *nn, const struct nat46_mapping *m,
		     enum nat46_map_event event);
void nat46_map_event_set(nat46_map_event_t fn);

/* ---- restore.c ------------------------------------------------------------------ */

int nat46_restore_begin(struct nat46_net *nn, u32 portid, const char *owner, u32 *token,
			struct netlink_ext_ack *extack);
int nat46_restore_commit(struct nat46_net *nn, u32 portid, u32 token, bool force,
			 struct netlink_ext_ack *extack);
int nat46_restore_abort(struct nat46_net *nn, u32 portid, u32 token,
			struct netlink_ext_ack *extack);
void nat46_restore_gone(struct nat46_net *nn, u32 portid);
/* nn->lock held */
struct nat46_conf *nat46_restore_conf(struct nat46_restore *tx, u32 portid);
void nat46_restore_drop(struct nat46_net *nn);
u32 nat46_restore_left(const struct nat46_restore *tx);

#endif /* _NF_NAT46_CONF_H */
