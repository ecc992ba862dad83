# SPDX-License-Identifier: GPL-2.0
"""Mappings by which the IPv6 side may open sessions."""
import errno

from genl import C, CREATE, NEW, REPLACE, attr, ip
from nat46 import Nat46, begin, commit, fails, mapping, new_netns, ok, pool, same, works

INBOUND = C["MAP_A_INBOUND"]


def shown(n):
    return sorted(a for a, m in n.maps().items() if INBOUND in m)


def test_inbound():
    new_netns()
    n, ev = Nat46(), Nat46("map")
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    both = CREATE | REPLACE

    def add(addr, target, flags=NEW, **kw):
        n.add_map(addr, [target], flags, inbound=True, **kw)

    fails("inbound: two targets", errno.EINVAL, INBOUND, "one target", n.add_map, "198.18.0.1",
          ["2001:db8::1", "2001:db8::2"], inbound=True)
    for owner in ("dns46", "me"):
        fails(f"inbound: of {owner}", errno.EINVAL, INBOUND, "needs owner static", add, "198.18.0.1",
              "2001:db8::1", owner=owner)
    fails("inbound: the flag has no value", errno.ERANGE, INBOUND, "", n.req, "MAP_ADD",
          mapping("198.18.0.1", ["2001:db8::1"]) + attr(INBOUND, b"\1"), NEW)
    works("inbound: an address", add, "198.18.0.1", "2001:db8::1")
    works("inbound: a prefix", add, "198.18.4.0/24", "2001:db8:4::")
    works("inbound: a longer prefix of the same target", add, "198.18.5.0/25", "2001:db8:4::")
    ok("inbound: comes back", INBOUND in n.get_map("198.18.0.1"))
    same("inbound: events", [e for e, _ in ev.events()], [1, 1, 1])
    fails("inbound: the same target", errno.EADDRINUSE, None, "has the target", add,
          "198.18.0.2", "2001:db8::1")
    fails("inbound: the same target prefix", errno.EADDRINUSE, None, "has the target", add,
          "198.18.6.0/24", "2001:db8:4::")
    same("inbound: nothing of these is left", sorted(n.maps()),
         ["198.18.0.1", "198.18.4.0/24", "198.18.5.0/25"])
    works("inbound: the same target without the flag", n.add_map, "198.18.0.2", ["2001:db8::1"])
    fails("inbound: turned on by a replacement", errno.EADDRINUSE, None, "has the target", add,
          "198.18.0.2", "2001:db8::1", both)
    ok("inbound: ... is as it was", INBOUND not in n.get_map("198.18.0.2"))
    ev.events()
    works("inbound: replaced with the same", add, "198.18.0.1", "2001:db8::1", both)
    same("inbound: no event", ev.events(), [])
    works("inbound: replaced without the flag", n.add_map, "198.18.0.1", ["2001:db8::1"], both)
    same("inbound: an event", ev.events(), [(2, "198.18.0.1")])
    ok("inbound: it is off", INBOUND not in n.get_map("198.18.0.1"))
    works("inbound: the target is free", add, "198.18.0.2", "2001:db8::1", both)
    works("inbound: re-pointed", add, "198.18.0.2", "2001:db8::2", both)
    works("inbound: its old target is free", add, "198.18.0.1", "2001:db8::1", both)
    works("inbound: DEL", n.req, "MAP_DEL", mapping("198.18.0.2", None))
    works("inbound: its target is free", add, "198.18.0.3", "2001:db8::2")
    same("inbound: those that are left", shown(n),
         ["198.18.0.1", "198.18.0.3", "198.18.4.0/24", "198.18.5.0/25"])

    r = Nat46()
    token = begin(r)
    r.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    r.add_map("198.18.0.9", ["2001:db8::2"], inbound=True)
    fails("restore: the same target twice", errno.EADDRINUSE, None, "has the target", r.add_map,
          "198.18.0.8", ["2001:db8::2"], inbound=True)
    works("restore: commit", commit, r, token)
    same("restore: what it said", shown(n), ["198.18.0.9"])
    fails("restore: its target is taken", errno.EADDRINUSE, None, "has the target", add,
          "198.18.0.8", "2001:db8::2")
    works("restore: the former ones' are free", add, "198.18.0.8", "2001:db8::1")

    token = begin(r, "me")
    r.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    works("restore of another owner: commit", commit, r, token)
    same("... leaves these", shown(n), ["198.18.0.8", "198.18.0.9"])
    fails("... with their targets", errno.EADDRINUSE, None, "has the target", add, "198.18.0.7",
          "2001:db8::2")
    token = begin(r, "me")
    r.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    r.add_map("198.18.0.7", ["2001:db8::2"], inbound=True)
    fails("restore of another owner: the target of one that stays", errno.EADDRINUSE, None,
          "has the target", commit, r, token)
    same("... changes nothing", shown(n), ["198.18.0.8", "198.18.0.9"])

    works("inbound: the pool goes by force", n.req, "POOL_DEL", pool("198.18.0.0/16", "FORCE"))
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    for i in range(4096):
        add(f"198.18.{i >> 8}.{i & 255}", f"2001:db8::{i:x}:1")
    fails("inbound: the 4097th", errno.ENOSPC, C["MAP_A_ADDR"], "4096", add, "198.18.99.1",
          "2001:db8::9:9:9")
    works("inbound: one less", n.req, "MAP_DEL", mapping("198.18.7.7", None))
    works("inbound: one more", add, "198.18.99.1", "2001:db8::9:9:9")
    works("inbound: of so many, one has a new name", add, "198.18.0.1", "2001:db8::1:1", both,
          name="x.example")
    works("... a new target", add, "198.18.0.1", "2001:db8::9:9:8", both)
    same("... is that", n.get_map("198.18.0.1")[C["MAP_A_TARGETS"]],
         attr(C["TARGETS_A_TARGET"], ip("2001:db8::9:9:8")))
    works("... and its old one is another's", add, "198.18.0.2", "2001:db8::1:1", both)
    n.add_map("198.18.99.2", ["2001:db8::9:9:7"])
    fails("inbound: turned on, the 4097th", errno.ENOSPC, C["MAP_A_ADDR"], "4096", add,
          "198.18.99.2", "2001:db8::9:9:7", both)
    same("inbound: so many are there", len(shown(n)), 4096)
