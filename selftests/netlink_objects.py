# SPDX-License-Identifier: GPL-2.0
"""One object after the other: what may be set, and how a request is refused."""
import errno
import time

from genl import C, CREATE, NEW, REPLACE, NlError, attr, ip, parse, u8, u32
from nat46 import (Nat46, begin, commit, fails, mapping, new_netns, num, ok, policy, pool, same,
                   sh, source, wait, works)


def test_unset():
    new_netns()
    n = Nat46()
    info = n.info()
    same("info: API", info[C["INFO_A_API"]], 3)
    same("info: nothing is set", [info[C["INFO_A_" + k]] for k in
                                  ("POOLS", "SOURCES", "MAPPINGS", "POLICIES", "SESSIONS")],
         [0] * 5)
    ok("info: the machine's numbers", info[C["INFO_A_SESSIONS_MAX"]] and
       info[C["INFO_A_BUCKETS"]] and C["INFO_A_SESSIONS_ALL"] in info, info)
    stats = [dict(parse(v)) for _, v in n.req("STATS_GET")]
    ok("stats: zeros, all with a name",
       len(stats) > 20 and not any(num(s[C["COUNTER_A_VALUE"]]) for s in stats) and
       all(len(s[C["COUNTER_A_NAME"]]) > 1 for s in stats), stats)
    for cmd in ("POOL_GET", "SOURCE_GET", "MAP_GET", "POLICY_GET", "SESSION_GET"):
        same(f"{cmd} of nothing", n.all(cmd), ([], False))
    par = dict(n.req("PARAM_GET"))
    same("settings are the defaults", par,
         dict(n.req("PARAM_GET", attr(C["PARAM_A_DEFAULTS"]))))
    same("... all of them", [num(par[C["PARAM_A_" + k]]) for k in
                             ("TIMEOUT_TCP_EST", "TIMEOUT_TCP_TRANS", "TIMEOUT_UDP",
                              "TIMEOUT_ICMP", "MAX_SESSIONS", "UNMAPPED", "SRC_CHECK",
                              "LOCAL_OUT", "HOOK_MARK", "HOOK_MASK", "POLICY_DEFAULT",
                              "UDP_ZERO_CSUM", "TOS", "TIMEOUT_OTHER", "MAX_PER_CLIENT",
                              "TCP_MIDSTREAM", "MSS_CLAMP", "UDP_REFRESH_INBOUND",
                              "ICMP_SOURCE", "MTU_MIN", "FLOW_LABEL", "TIMEOUT_TCP_SYN",
                              "PORT_MAPPING", "HAIRPIN", "FILTER_HOOKS", "FILTER_HOOKS4")],
         [7440, 240, 300, 60, 0, 0, 0, 1, 0, 0, 1, 0, 256, 600, 0, 0, 1, 0, 0, 1280, 0, 240, 0, 0,
          0, 0])
    fails("an unknown attribute", errno.EINVAL, None, "", n.req, "INFO_GET", attr(9, u32(0)))
    fails("a request that an ADD does not take", errno.EINVAL, C["POOL_A_FORCE"], "",
          n.req, "POOL_ADD", pool("198.18.0.0/16", "FORCE"), NEW)
    fails("MAP_GET of nothing", errno.ENOENT, C["MAP_A_ADDR"], "no such mapping", n.get_map,
          "198.18.0.1")


def test_pool():
    new_netns()
    n = Nat46()
    a, p = C["POOL_A_ADDR"], C["POOL_A_PLEN"]

    def add(text, flags=NEW):
        n.req("POOL_ADD", pool(text), flags)

    fails("pool: no flags", errno.EINVAL, None, "neither create", add, "198.18.0.0/16", 0)
    for text in ("0.0.0.0/8", "127.0.0.0/8", "127.3.0.0/16", "169.254.0.0/24", "169.0.0.0/8",
                 "224.0.0.0/8", "240.0.0.0/8", "255.255.255.255/32"):
        fails(f"pool: {text}", errno.EINVAL, a, "unicast", add, text)
    fails("pool: host bits", errno.EINVAL, a, "beyond its length", add, "198.18.0.1/16")
    fails("pool: /7", errno.ERANGE, p, "", add, "10.0.0.0/7")
    fails("pool: /33", errno.ERANGE, p, "", add, "10.0.0.0/33")
    fails("pool: no length", errno.EINVAL, None, "length", n.req, "POOL_ADD",
          attr(a, ip("198.18.0.0")), NEW)
    fails("pool: REPLACE alone of nothing", errno.ENOENT, a, "no such pool", add,
          "198.18.0.0/16", REPLACE)
    works("pool: add", add, "198.18.0.0/16")
    fails("pool: again", errno.EEXIST, a, "exists", add, "198.18.0.0/16")
    works("pool: CREATE|REPLACE", add, "198.18.0.0/16", CREATE | REPLACE)
    for text in ("198.18.4.0/24", "198.16.0.0/12", "198.18.0.0/17", "198.18.255.255/32"):
        fails(f"pool: overlap {text}", errno.EEXIST, a, "overlaps", add, text,
              CREATE | REPLACE)
    for text in ("198.19.0.0/16", "198.17.0.0/16", "10.9.9.9/32", "100.64.0.0/10"):
        works(f"pool: {text}", add, text)
    got = [str(ip(dict(m)[a])) for m in n.all("POOL_GET")[0]]
    same("pool: sorted", got, ["10.9.9.9", "100.64.0.0", "198.17.0.0", "198.18.0.0",
                               "198.19.0.0"])
    for i in range(59):
        add(f"10.1.{i}.0/24")
    fails("pool: the 65th", errno.ENOSPC, a, "64 pools", add, "10.2.0.0/16")
    fails("pool: del of none", errno.ENOENT, a, "no such pool", n.req, "POOL_DEL",
          pool("198.18.0.0/17"))
    fails("pool: force and drain", errno.EINVAL, C["POOL_A_DRAIN"], "exclude", n.req,
          "POOL_DEL", pool("198.18.0.0/16", "FORCE", "DRAIN"))
    n.add_map("198.18.0.9", ["2001:db8::9"])
    same("pool: counts its mappings",
         [num(dict(m)[C["POOL_A_MAPPINGS"]]) for m in n.all("POOL_GET")[0]
          if dict(m)[a] == ip("198.18.0.0").packed], [1])
    fails("pool: del while mappings use it", errno.EBUSY, a, "mappings use", n.req,
          "POOL_DEL", pool("198.18.0.0/16"))
    works("pool: del by force", n.req, "POOL_DEL", pool("198.18.0.0/16", "FORCE"))
    same("pool: ... and its mappings", n.maps(), {})
    for m in n.all("POOL_GET")[0]:
        m = dict(m)
        n.req("POOL_DEL", pool(f"{ip(m[a])}/{m[p][0]}"))
    same("pool: none left", n.all("POOL_GET"), ([], False))


def test_source():
    new_netns()
    n = Nat46()
    sh("ip link add d0 type dummy; ip link add d1 type dummy")
    lo, name = C["SOURCE_A_ADDR_LO"], C["SOURCE_A_IFNAME"]

    def add(flags=NEW, **kw):
        n.req("SOURCE_ADD", source(**kw), flags)

    def show():
        return [dict(m) for m in n.all("SOURCE_GET")[0]]

    def ports(m):
        return [(num(v) >> 16, num(v) & 0xffff) for _, v in parse(m[C["SOURCE_A_PORTS"]])]

    fails("source: no such device", errno.ENODEV, name, "no such device", add, dev="eth9")
    fails("source: type 9", errno.EOPNOTSUPP, None, "", add, lo="2001:db8::", kind=9)
    for text in ("::", "::1", "fe80::1", "ff02::1", "::ffff:1.2.3.4"):
        fails(f"source: {text}", errno.EINVAL, None, "unicast", add, lo=text)
    fails("source: hi < lo", errno.EINVAL, None, "ends before", add, lo="2001:db8::2",
          hi="2001:db8::1")
    fails("source: over a /64", errno.EINVAL, None, "/64", add, lo="2001:db8::1",
          hi="2001:db8:0:1::")
    fails("source: a device has no address", errno.EINVAL, lo, "does not take", add,
          dev="d0", lo="2001:db8::1", kind=C["SOURCE_DEV"])
    for bad in ([(0, 5)], [(5, 4)]):
        fails(f"source: ports {bad}", errno.EINVAL, None, "LOW-HIGH", add, dev="d0", ports=bad)
    fails("source: ports overlap", errno.EINVAL, None, "overlap", add, dev="d0",
          ports=[(1, 9), (9, 12)])
    fails("source: no range", errno.EINVAL, C["SOURCE_A_PORTS"], "no range", add, dev="d0",
          ports=[])
    fails("source: 9 ranges", errno.EINVAL, None, "more than 8", add, dev="d0",
          ports=[(i, i) for i in range(1, 10)])
    fails("source: from 10.0.0.1/8", errno.EINVAL, None, "beyond", add, dev="d0",
          frm="10.0.0.1/8")
    fails("source: from /33", errno.ERANGE, C["SOURCE_A_FROM_PLEN"], "", add, dev="d0",
          frm="10.0.0.0/33")

    works("source: dev", add, dev="d0")
    same("source: a device's ports", ports(show()[0]), [(61000, 65535), (10000, 29999)])
    fails("source: again", errno.EEXIST, name, "exists", add, dev="d0")
    fails("source: another for the same clients", errno.EEXIST, lo, "same clients", add,
          lo="2001:db8::1")
    fails("source: REPLACE of none", errno.ENOENT, name, "no such source", add, REPLACE,
          dev="d1", frm="10.0.0.0/8")
    works("source: other ports", add, CREATE | REPLACE, dev="d0", ports=[(7, 8), (5, 6)])
    same("source: ... in that order", ports(show()[0]), [(7, 8), (5, 6)])
    works("source: addr for some", add, lo="2001:db8::1", hi="2001:db8::ff", frm="10.0.0.0/8")
    works("source: addr for fewer", add, lo="2001:db8::80", hi="2001:db8::180",
          frm="10.1.0.0/16")
    same("source: longest from first",
         [m.get(C["SOURCE_A_FROM_PLEN"], b"\0")[0] for m in show()], [16, 8, 0])
    same("source: an address's ports", ports(show()[0]), [(1024, 65535)])
    fails("source: del of none", errno.ENOENT, lo, "no such source", n.req, "SOURCE_DEL",
          source(lo="2001:db8::1"))
    works("source: del", n.req, "SOURCE_DEL",
          source(lo="2001:db8::1", hi="2001:db8::ff", frm="10.0.0.0/8"))

    sh("ip link set d0 name e0")
    same("source: follows a rename", show()[-1][name], b"e0\0")
    index = num(show()[-1][C["SOURCE_A_IFINDEX"]])
    sh("ip link del e0")
    same("source: the device went", num(show()[-1][C["SOURCE_A_IFINDEX"]]), 0)
    sh("ip link add e0 type dummy")
    ok("source: another of its name came",
       num(show()[-1][C["SOURCE_A_IFINDEX"]]) not in (0, index), show())
    works("source: drain", n.req, "SOURCE_DEL", source(dev="e0", more=["DRAIN"]))
    ok("source: an empty one drains at once", wait(5, lambda: len(show()) == 1), show())
    for i in range(255):
        add(lo=f"2001:db8::{i + 1:x}", frm=f"10.2.{i}.0/24")
    fails("source: the 257th", errno.ENOSPC, lo, "256", add, lo="2001:db8::9",
          frm="10.3.0.0/24")


def test_source_prefix():
    new_netns()
    n = Nat46()
    sh("ip link add d0 type dummy")
    lo, plen = C["SOURCE_A_ADDR_LO"], C["SOURCE_A_PLEN"]

    def add(prefix=None, flags=NEW, **kw):
        n.req("SOURCE_ADD", source(prefix=prefix, **kw), flags)

    def remove(prefix, frm=None, **kw):
        n.req("SOURCE_DEL", source(prefix=prefix, frm=frm, **kw))

    def show():
        return [dict(m) for m in n.all("SOURCE_GET")[0]]

    for bits in range(129):
        if bits in (32, 40, 48, 56, 64, 96):
            works(f"prefix: /{bits}", add, f"2001:db8::/{bits}")
            same("... shown", [(m[lo], m[plen][0]) for m in show()],
                 [(ip("2001:db8::").packed, bits)])
            works("... removed", remove, f"2001:db8::/{bits}")
        else:
            fails(f"prefix: /{bits}", errno.EINVAL, plen, "none of 32, 40", add,
                  f"2001:db8::/{bits}")
    fails("prefix: /129", errno.ERANGE, plen, "", add, "2001:db8::/129")
    fails("prefix: no length", errno.EINVAL, None, "length is missing", add, lo="2001:db8::",
          kind=C["SOURCE_PREFIX"])
    fails("prefix: bits behind the length", errno.EINVAL, lo, "beyond its length", add,
          "2001:db8:0:0:1::/64")
    fails("prefix: bits 64 to 71", errno.EINVAL, lo, "bits 64 to 71", add,
          "2001:db8::100:0:0:0/96")
    works("prefix: bit 72", add, "2001:db8:0:0:80::/96")
    works("... removed", remove, "2001:db8:0:0:80::/96")
    for text in ("fe80::/64", "ff05::/32", "::/96", "::ffff:0:0/96", "::/32"):
        fails(f"prefix: {text}", errno.EINVAL, lo, "come from", add, text)
    for bits in (32, 40, 48, 56, 64):
        fails(f"prefix: 64:ff9b::/{bits}", errno.EINVAL, lo, "well-known", add,
              f"64:ff9b::/{bits}")
    works("prefix: the well-known one", add, "64:ff9b::/96", frm="10.1.0.0/16")
    works("prefix: 64:ff9b:1::/48, of local use", add, "64:ff9b:1::/48", frm="10.2.0.0/16")
    fails("prefix: takes no ports", errno.EINVAL, C["SOURCE_A_PORTS"], "does not take", add,
          "2001:db8::/96", ports=[(1, 2)])
    fails("prefix: takes no last address", errno.EINVAL, C["SOURCE_A_ADDR_HI"],
          "does not take", add, "2001:db8::/96", hi="2001:db8::1")

    works("prefix: for some", add, "2001:db8:46::/96", frm="10.0.0.0/8")
    ok("prefix: no ports are shown", all(C["SOURCE_A_PORTS"] not in m for m in show()))
    fails("prefix: again", errno.EEXIST, lo, "exists", add, "2001:db8:46::/96",
          frm="10.0.0.0/8")
    works("prefix: replaced by itself", add, "2001:db8:46::/96", CREATE | REPLACE,
          frm="10.0.0.0/8")
    works("prefix: the same for others", add, "2001:db8:46::/96", frm="172.16.0.0/12")
    for text in ("2001:db8:46::/64", "2001:db8::/32"):
        fails(f"prefix: {text} overlaps it", errno.EEXIST, lo, "overlap", add, text,
              frm="10.3.0.0/16")
    fails("addr: inside the prefix", errno.EEXIST, lo, "overlap", add, lo="2001:db8:46::1",
          frm="10.3.0.0/16")
    works("addr: beside it", add, lo="2001:db8:47::1", frm="10.3.0.0/16")
    fails("prefix: around that", errno.EEXIST, lo, "overlap", add, "2001:db8:47::/64",
          frm="10.4.0.0/16")
    fails("prefix: del with another from", errno.ENOENT, lo, "no such source", remove,
          "2001:db8:46::/96")
    fails("prefix: del of another length", errno.ENOENT, lo, "no such source", remove,
          "2001:db8:46::/64", "10.0.0.0/8")
    works("prefix: del", remove, "2001:db8:46::/96", "10.0.0.0/8")


def test_policy():
    new_netns()
    n = Nat46()
    a = C["POLICY_A_ADDR"]

    def add(text, action="DENY", flags=NEW, **kw):
        n.req("POLICY_ADD", policy(text, action, **kw), flags)

    def show():
        return [dict(m) for m in n.all("POLICY_GET")[0]]

    def text(m):
        return f"{ip(m[a])}/{m[C['POLICY_A_PLEN']][0]}"

    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    same("policy: built in", {text(m) for m in show() if C["POLICY_A_BUILTIN"] in m},
         {"::/96", "::1/128", "::ffff:0:0/96", "::ffff:0.0.0.0/96", "64:ff9b::/96",
          "64:ff9b:1::/48", "2002::/16", "fe80::/10", "ff00::/8", "fd00:ec2::/32"} -
         {"::ffff:0:0/96" if "::ffff:0.0.0.0/96" in map(text, show()) else "::ffff:0.0.0.0/96"})
    fails("policy: host bits", errno.EINVAL, a, "beyond", add, "2001:db8::1/64")
    fails("policy: /129", errno.ERANGE, C["POLICY_A_PLEN"], "", add, "2001:db8::/129")
    fails("policy: port without protocol", errno.EINVAL, None, "protocol", add, "::/0", dport=1)
    fails("policy: port of icmp", errno.EINVAL, None, "protocol", add, "::/0", proto=58,
          dport=1)
    fails("policy: port 0", errno.ERANGE, C["POLICY_A_DPORT"], "", add, "::/0", proto=6,
          dport=0)
    fails("policy: protocol 1", errno.EINVAL, C["POLICY_A_PROTO"], "icmpv6", add, "::/0",
          proto=1)
    fails("policy: no action", errno.EINVAL, None, "action", n.req, "POLICY_ADD",
          policy("::/0"), NEW)

    targets = 0

    def may(target):
        nonlocal targets
        targets += 1
        try:
            n.add_map(f"198.18.1.{targets}", [target])
        except NlError as e:
            return e.errno
        return 0

    for t in ("64:ff9b::1.2.3.4", "64:ff9b:1::1", "2002::1", "fe80::1", "::ffff:1.2.3.4", "::1",
              "::2", "fd00:ec2::254"):
        same(f"policy: {t} is denied", may(t), errno.EPERM)
    works("policy: allow the same prefix", add, "2002::/16", "ALLOW")
    same("policy: ... opens it", may("2002::1"), 0)
    works("policy: allow all", add, "::/0", "ALLOW")
    same("policy: ... opens no built-in one", may("fe80::1"), errno.EPERM)
    works("policy: deny", add, "2001:db8::/32")
    same("policy: ... denies", may("2001:db8::1"), errno.EPERM)
    works("policy: allow one port of it to some", add, "2001:db8::/32", "ALLOW",
          frm="10.0.0.0/8", proto=6, dport=443)
    same("policy: ... then it may be mapped", may("2001:db8::1"), 0)
    works("policy: deny a longer prefix", add, "2001:db8::/48")
    same("policy: ... wins", may("2001:db8::2"), errno.EPERM)
    fails("policy: again", errno.EEXIST, a, "exists", add, "2001:db8::/48")
    fails("policy: again, other action", errno.EEXIST, a, "exists", add, "2001:db8::/48",
          "ALLOW")
    works("policy: replace", add, "2001:db8::/48", "ALLOW", CREATE | REPLACE)
    same("policy: ... allows", may("2001:db8::2"), 0)
    works("policy: icmpv6", add, "2001:db8::/48", "DENY", proto=58)
    ok("policy: icmpv6 comes back", any(m.get(C["POLICY_A_PROTO"]) == b"\x3a" for m in show()))
    same("policy: precedence", [(text(m), C["POLICY_A_FROM"] in m, C["POLICY_A_PROTO"] in m)
                                for m in show() if ip(m[a]) == ip("2001:db8::")],
         [("2001:db8::/48", False, True), ("2001:db8::/48", False, False),
          ("2001:db8::/32", True, True), ("2001:db8::/32", False, False)])
    fails("policy: del with the other action", errno.ENOENT, a, "", n.req, "POLICY_DEL",
          policy("2001:db8::/48", "DENY"))
    works("policy: del", n.req, "POLICY_DEL", policy("2001:db8::/48"))
    fails("policy: del a built-in one", errno.ENOENT, a, "", n.req, "POLICY_DEL",
          policy("fe80::/10"))
    n.req("PARAM_SET", attr(C["PARAM_A_POLICY_DEFAULT"], u8(C["POLICY_DENY"])))
    n.req("POLICY_DEL", policy("::/0"))
    same("policy: default deny", may("2a00::1"), errno.EPERM)

    have = n.info()[C["INFO_A_POLICIES"]]
    start = time.monotonic()
    for i in range(4096 - have):
        add(f"2001:db9:{i:x}::/48")
    print(f"# {4096 - have} live policy entries in {time.monotonic() - start:.2f} s")
    fails("policy: the 4097th", errno.ENOSPC, a, "4096", add, "2001:dba::/48")
    same("policy: dump of all", len(show()), 4096 + 9)


def test_map():
    new_netns()
    n, ev = Nat46(), Nat46("map")
    A = {k[6:]: v for k, v in C.items() if k.startswith("MAP_A_")}
    good = ["2001:db8::1"]
    fails("map: no pool", errno.EADDRNOTAVAIL, A["ADDR"], "no pool", n.add_map, "198.18.0.1",
          good)
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    sh("ip link add d0 up type dummy; ip -6 addr add 2001:db8:5::5/64 dev d0 nodad")

    fails("map: no flags", errno.EINVAL, None, "neither", n.add_map, "198.18.0.1", good, 0)
    fails("map: no targets", errno.EINVAL, None, "targets", n.add_map, "198.18.0.1", None)
    fails("map: empty targets", errno.EINVAL, A["TARGETS"], "no target", n.add_map,
          "198.18.0.1", [])
    fails("map: 9 targets", errno.EINVAL, None, "more than 8", n.add_map, "198.18.0.1",
          [f"2001:db8::{i}" for i in range(1, 10)])
    fails("map: a target twice", errno.EINVAL, None, "twice", n.add_map, "198.18.0.1",
          good + ["2001:db8::2"] + good)
    for t in ("::", "ff02::1"):
        fails(f"map: to {t}", errno.EINVAL, None, "unicast", n.add_map, "198.18.0.1", [t])
    fails("map: to this host", errno.EPERM, None, "this host", n.add_map, "198.18.0.1",
          ["2001:db8:5::5"])
    for name in ("a b", "a\"b", "a'b", "a\\b", "a\tb", "ä", "a\x7f"):
        fails(f"map: name {name!r}", errno.EINVAL, A["NAME"], "printable", n.add_map,
              "198.18.0.1", good, name=name)
    fails("map: name of 256", errno.EINVAL, A["NAME"], "", n.add_map, "198.18.0.1", good,
          name="x" * 256)
    for owner in ("", "Static", "a.b", "a b"):
        fails(f"map: owner {owner!r}", errno.EINVAL, A["OWNER"], "word", n.add_map,
              "198.18.0.1", good, owner=owner)
    fails("map: owner of 16", errno.EINVAL, A["OWNER"], "", n.add_map, "198.18.0.1", good,
          owner="x" * 16)
    fails("map: hold alone", errno.EINVAL, A["HOLD"], "expires", n.add_map, "198.18.0.1", good,
          hold=3)
    fails("map: expires 0", errno.ERANGE, A["EXPIRES"], "", n.add_map, "198.18.0.1", good,
          expires=0)

    eight = [f"2001:db8::{i}" for i in range(1, 9)]
    works("map: the fullest", n.add_map, "198.18.0.1", eight, name="n" * 255, owner="o" * 15,
          expires=4000000000, hold=4000000000)
    m = n.get_map("198.18.0.1")
    same("map: ... comes back", (m[A["NAME"]], m[A["OWNER"]],
                                 [str(ip(t)) for _, t in parse(m[A["TARGETS"]])]),
         (b"n" * 255 + b"\0", b"o" * 15 + b"\0", eight))
    ok("map: ... EXPIRES counts", 3999999000 < num(m[A["EXPIRES"]]) <= 4000000000)
    ok("map: unused has no IDLE", A["IDLE"] not in m)
    works("map: static", n.add_map, "198.18.0.2", good, name="svc.example")
    m = n.get_map("198.18.0.2")
    ok("map: static has neither EXPIRES nor HOLD",
       A["EXPIRES"] not in m and A["HOLD"] not in m and m[A["OWNER"]] == b"static\0")
    fails("map: again", errno.EEXIST, A["ADDR"], "has a mapping", n.add_map, "198.18.0.2", good)
    fails("map: of another owner", errno.EPERM, A["ADDR"], "owner static", n.add_map,
          "198.18.0.2", good, CREATE | REPLACE, owner="dns46")
    fails("map: replace none", errno.ENOENT, A["ADDR"], "no such", n.add_map, "198.18.0.3",
          good, REPLACE)
    same("map: events of all that", ev.events(), [(1, "198.18.0.1"), (1, "198.18.0.2")])
    works("map: replace", n.add_map, "198.18.0.2", ["2001:db8::7"], CREATE | REPLACE)
    works("map: replace with the same", n.add_map, "198.18.0.2", ["2001:db8::7"], REPLACE)
    same("map: one CHANGE", ev.events(), [(2, "198.18.0.2")])

    works("map: of dns46", n.add_map, "198.18.0.3", good, owner="dns46", name="a.example",
          expires=60)
    same("map: dump by owner", set(n.maps(attr(A["OWNER"], "dns46"))), {"198.18.0.3"})
    n.add_map("198.18.0.4", good, name="b.svc.example")
    for pattern, want in (("*", 4), ("*.example", 2), ("?.example", 1), ("n*n", 1), ("n*m", 0),
                          ("*svc*", 1), ("b.svc.example", 1), ("b.svc.exampl", 0),
                          ("*.*.*", 1), ("", 4)):
        got = n.maps(attr(A["NAME"], pattern))
        same(f"map: names {pattern!r}", len(got), want)
    fails("map: dump takes no address", errno.EINVAL, None, "", n.all, "MAP_GET",
          attr(A["ADDR"], ip("198.18.0.3")))
    fails("map: del of another owner", errno.EPERM, A["ADDR"], "owner dns46", n.req, "MAP_DEL",
          mapping("198.18.0.3", None, owner="static"))
    works("map: del", n.req, "MAP_DEL", mapping("198.18.0.3", None, owner="dns46"))
    fails("map: del again", errno.ENOENT, A["ADDR"], "no such", n.req, "MAP_DEL",
          mapping("198.18.0.3", None))
    fails("map: flush of nothing", errno.EINVAL, None, "one of", n.req, "MAP_FLUSH")
    fails("map: flush of two", errno.EINVAL, None, "one of", n.req, "MAP_FLUSH",
          attr(A["ALL"]) + attr(A["EXPIRED"]))
    works("map: flush by owner", n.req, "MAP_FLUSH", attr(A["OWNER"], "static"))
    same("map: ... leaves the others", set(n.maps()), {"198.18.0.1"})
    works("map: flush all", n.req, "MAP_FLUSH", attr(A["ALL"]))
    ev.events()

    n.add_map("198.18.0.9", good, owner="dns46", expires=1, hold=5)
    n.add_map("198.18.0.10", good, owner="dns46", expires=3000)
    ok("map: expires", wait(5, lambda: "198.18.0.9" not in n.maps()))
    same("map: ... alone", set(n.maps()), {"198.18.0.10"})
    same("map: ... and is told", ev.events()[-1], (4, "198.18.0.9"))
    n.add_map("198.18.0.10", good, REPLACE, owner="dns46", expires=1)
    ok("map: a shorter time counts", wait(5, lambda: not n.maps()))


def test_map_prefix():
    new_netns()
    n, ev = Nat46(), Nat46("map")
    A = {k[6:]: v for k, v in C.items() if k.startswith("MAP_A_")}
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    n.req("POOL_ADD", pool("10.0.0.0/8"), NEW)
    good = ["2001:db8:9::"]

    for plen in range(8, 33):
        works(f"prefix: 10.0.0.0/{plen}", n.add_map, f"10.0.0.0/{plen}", good)
        same("... comes back", n.get_map(f"10.0.0.0/{plen}")[A["PLEN"]], u8(plen))
    same("prefix: the pool counts them all",
         [num(dict(m)[C["POOL_A_MAPPINGS"]]) for m in n.all("POOL_GET")[0]], [25, 0])
    same("prefix: and so does info", n.info()[C["INFO_A_MAPPINGS"]], 25)
    same("prefix: a dump, the longest first", list(n.maps()),
         ["10.0.0.0"] + [f"10.0.0.0/{k}" for k in range(31, 7, -1)])
    for addr, plen in (("10.0.0.0", 32), ("10.0.0.1", 31), ("10.0.0.2", 30), ("10.0.1.0", 23),
                       ("10.128.0.0", 8), ("10.1.0.0", 15), ("10.255.255.255", 8)):
        same(f"prefix: GET of {addr} alone", n.get_map(addr)[A["PLEN"]], u8(plen))
    fails("prefix: GET of another length", errno.ENOENT, A["ADDR"], "no such", n.get_map,
          "10.0.2.0/24")
    for plen in (0, 7, 33, 255):
        fails(f"prefix: /{plen}", errno.ERANGE, A["PLEN"], "", n.add_map, f"0.0.0.0/{plen}", good)
    same("prefix: events", ev.events(), [(1, f"10.0.0.0/{k}") for k in range(8, 32)] +
         [(1, "10.0.0.0")])
    works("prefix: DEL without a length is of the address", n.req, "MAP_DEL",
          mapping("10.0.0.0", None))
    same("... the prefixes stay", len(n.maps()), 24)
    fails("... it is gone", errno.ENOENT, A["ADDR"], "no such", n.req, "MAP_DEL",
          mapping("10.0.0.0", None))
    works("prefix: DEL", n.req, "MAP_DEL", mapping("10.0.0.0/24", None))
    same("prefix: event", ev.events(), [(3, "10.0.0.0"), (3, "10.0.0.0/24")])
    same("... the next one serves", n.get_map("10.0.0.64")[A["PLEN"]], u8(25))
    same("... and another behind it", n.get_map("10.0.0.128")[A["PLEN"]], u8(23))
    works("prefix: the pool goes by force", n.req, "POOL_DEL", pool("10.0.0.0/8", "FORCE"))
    same("... with them", n.maps(), {})
    ev.events()

    fails("prefix: host bits", errno.EINVAL, A["ADDR"], "beyond its length", n.add_map,
          "198.18.4.1/24", good)
    fails("prefix: of the target", errno.EINVAL, None, "beyond the length", n.add_map,
          "198.18.4.0/24", ["2001:db8::1"])
    works("prefix: the target's last bit", n.add_map, "198.18.4.0/24", ["2001:db8::100"])
    fails("prefix: around its pool", errno.EADDRNOTAVAIL, A["ADDR"], "lie in a pool", n.add_map,
          "198.18.0.0/15", good)
    fails("prefix: no pool", errno.EADDRNOTAVAIL, A["ADDR"], "lie in", n.add_map,
          "198.20.0.0/24", good)
    fails("prefix: again", errno.EEXIST, A["ADDR"], "has a mapping", n.add_map, "198.18.4.0/24",
          good)
    fails("prefix: of another owner", errno.EPERM, A["ADDR"], "owner static", n.add_map,
          "198.18.4.0/24", good, CREATE | REPLACE, owner="dns46")
    works("prefix: an address in it, of another owner", n.add_map, "198.18.4.9", good,
          owner="dns46")
    works("prefix: replace", n.add_map, "198.18.4.0/24", ["2001:db8:9::", "2001:db8:a::"],
          CREATE | REPLACE)
    same("prefix: events of these", ev.events(),
         [(1, "198.18.4.0/24"), (1, "198.18.4.9"), (2, "198.18.4.0/24")])
    fails("prefix: nine targets", errno.EINVAL, None, "more than 8", n.add_map, "198.18.5.0/24",
          [f"2001:db8:{i:x}::" for i in range(9)])

    for target, words in (("::", "unicast"), ("ff02::", "unicast"), ("fe80::", "denied"),
                          ("64:ff9b::", "denied"), ("::ffff:1.2.3.0", "denied"),
                          ("2002::", "denied")):
        fails(f"prefix: target {target}", errno.EINVAL if words == "unicast" else errno.EPERM,
              None, words, n.add_map, "198.18.6.0/24", [target])
    n.req("POLICY_ADD", policy("2001:db8:66::/48", "DENY"), NEW)
    n.req("POLICY_ADD", policy("2001:db8:67::1/128", "DENY"), NEW)
    fails("prefix: inside a denied one", errno.EPERM, None, "denied", n.add_map,
          "198.18.6.0/24", ["2001:db8:66::"])
    works("prefix: one address of it denied", n.add_map, "198.18.7.0/24", ["2001:db8:67::"])
    n.req("POLICY_ADD", policy("2001:db8:66::1:0/112", "ALLOW"), NEW)
    fails("prefix: beside what is allowed", errno.EPERM, None, "denied", n.add_map,
          "198.18.6.0/24", ["2001:db8:66::"])
    works("prefix: inside what is allowed", n.add_map, "198.18.6.0/24", ["2001:db8:66::1:100"])
    n.req("POLICY_ADD", policy("2001:db8:66::2/128", "ALLOW"), NEW)
    works("prefix: with an address that is allowed", n.add_map, "198.18.8.0/24",
          ["2001:db8:66::"])

    works("prefix: flush by owner", n.req, "MAP_FLUSH", attr(A["OWNER"], "static"))
    same("... leaves the lease", set(n.maps()), {"198.18.4.9"})
    ev.events()
    n.add_map("198.18.9.0/24", good, expires=1)
    n.add_map("198.18.9.0/25", good, expires=3000)
    ok("prefix: expires", wait(5, lambda: "198.18.9.0/24" not in n.maps()))
    same("... alone", set(n.maps()), {"198.18.4.9", "198.18.9.0/25"})
    same("... and is told", ev.events()[-1], (4, "198.18.9.0/24"))

    n.add_map("198.18.16.0/20", good, owner="me")
    token = begin(n)
    n.req("POOL_ADD", pool("198.18.16.0/24"), NEW)
    n.req("POOL_ADD", pool("198.18.4.0/22"), NEW)
    fails("prefix: a restore with less of its pool", errno.EADDRNOTAVAIL, None, "no pool",
          commit, n, token)
    token = begin(n)
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    n.add_map("198.18.9.0/24", good)
    ev.events()
    works("prefix: a restore", commit, n, token)
    same("... keeps other owners'", set(n.maps()),
         {"198.18.4.9", "198.18.9.0/24", "198.18.16.0/20"})
    same("... and tells", ev.events(), [(3, "198.18.9.0/25"), (1, "198.18.9.0/24")])
    token = begin(n)
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    n.add_map("198.18.9.0/24", good)
    works("prefix: the same again", commit, n, token)
    same("... tells nothing", ev.events(), [])

    start = time.monotonic()
    for i in range(4096):
        n.add_map(f"198.18.{128 + i // 128}.{i % 128 * 2}/31", [f"2001:db8:b::{2 * i:x}"])
    print(f"# 4096 prefixes: {time.monotonic() - start:.2f} s to add")
    same("prefix: 4096 more", n.info()[C["INFO_A_MAPPINGS"]], 4099)
    got = list(n.maps())
    same("... all in a dump, once", (len(got), len(set(got))), (4099, 4099))
    same("... each serves its own", [
        str(ip(parse(n.get_map(f"198.18.{128 + i // 128}.{i % 128 * 2 + 1}")
                     [A["TARGETS"]])[0][1])) for i in (0, 77, 4095)],
         [str(ip(f"2001:db8:b::{2 * i:x}")) for i in (0, 77, 4095)])
    works("prefix: flush all", n.req, "MAP_FLUSH", attr(A["ALL"]))
    same("... none left", (n.maps(), n.info()[C["INFO_A_MAPPINGS"]]), ({}, 0))


def test_param():
    new_netns()
    n = Nat46()
    P = {k[8:]: v for k, v in C.items() if k.startswith("PARAM_A_")}

    def get():
        return {k: num(v) for k, v in n.req("PARAM_GET")}

    default = get()
    n.req("PARAM_SET", attr(P["TIMEOUT_UDP"], u32(17)) + attr(P["UNMAPPED"], u8(2)))
    same("param: set two", (get()[P["TIMEOUT_UDP"]], get()[P["UNMAPPED"]]), (17, 2))
    for key, value in (("TIMEOUT_UDP", u32(0)), ("TIMEOUT_TCP_EST", u32(2678401)),
                       ("UNMAPPED", u8(3)), ("SRC_CHECK", u8(3)), ("LOCAL_OUT", u8(2)),
                       ("POLICY_DEFAULT", u8(0)), ("POLICY_DEFAULT", u8(3)),
                       ("MAX_SESSIONS", u32(0x80000000)), ("HOOK_MARK", u32(1)),
                       ("UDP_ZERO_CSUM", u8(3)), ("TOS", u32(257)), ("TIMEOUT_OTHER", u32(0)),
                       ("MAX_PER_CLIENT", u32(0x80000000)), ("TCP_MIDSTREAM", u8(3)),
                       ("MSS_CLAMP", u32(2)), ("MSS_CLAMP", u32(535)),
                       ("MSS_CLAMP", u32(65536)), ("UDP_REFRESH_INBOUND", u8(2)),
                       ("ICMP_SOURCE", ip("127.0.0.1").packed), ("MTU_MIN", u32(1279)),
                       ("MTU_MIN", u32(65536)), ("FLOW_LABEL", u8(2)), ("PORT_MAPPING", u8(2)),
                       ("HAIRPIN", u8(2)), ("FILTER_HOOKS", u8(3)), ("FILTER_HOOKS4", u8(2))):
        was = get()
        fails(f"param: {key} {value.hex()}", errno.EINVAL, P[key], "", n.req, "PARAM_SET",
              attr(P["TIMEOUT_ICMP"], u32(99)) + attr(P[key], value))
        same("... changes nothing", get(), was)
    works("param: mark and mask", n.req, "PARAM_SET",
          attr(P["HOOK_MARK"], u32(0x46)) + attr(P["HOOK_MASK"], u32(0xff)))
    fails("param: a mask that loses the mark", errno.EINVAL, None, "mask", n.req, "PARAM_SET",
          attr(P["HOOK_MASK"], u32(1)))
    fails("param: reset of none", errno.EINVAL, P["RESET"], "no such", n.req, "PARAM_SET",
          attr(P["RESET"], u32(99)))
    n.req("PARAM_SET", b"".join(attr(P["RESET"], u32(k)) for k in default))
    same("param: reset all", get(), default)
