#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The contract of include/uapi/linux/nf_nat46.h, request by request.

Runs as root in a guest; $NAT46_KO is the module. $N is how many mappings the
large restore has.
"""
import ctypes
import errno
import os
import socket
import subprocess
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from genl import C, CREATE, NEW, REPLACE, Genl, NlError, attr, be16, ip, parse, u8, u16, u32

N = int(os.environ.get("N", "65534"))
count = failed = 0


def ok(name, good, detail=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'' if good else 'not '}ok - {name}", flush=True)
    if not good:
        for line in str(detail).splitlines():
            print("#   " + line, flush=True)


def same(name, got, wanted):
    ok(name, got == wanted, f"wanted: {wanted}\ngot:    {got}")


def fails(what, num, at, words, call, *args, **kw):
    """The call is refused, with that errno, attribute, and words of the message."""
    try:
        call(*args, **kw)
    except NlError as e:
        ok(what, e.errno == num and (at is None or e.attr == at) and words in e.msg, e)
        return
    ok(what, False, "not refused")


def works(what, call, *args, **kw):
    try:
        out = call(*args, **kw)
    except NlError as e:
        ok(what, False, e)
        return None
    ok(what, True)
    return out


def sh(text, check=True):
    return subprocess.run(text, shell=True, check=check, capture_output=True, text=True).stdout


libc = ctypes.CDLL(None, use_errno=True)


def new_netns():
    if libc.unshare(0x40000000):
        raise OSError(ctypes.get_errno(), "unshare")
    sh("ip link set lo up")


def wait(seconds, probe):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if probe():
            return True
        time.sleep(0.05)
    return bool(probe())


# ---- requests ---------------------------------------------------------------

def num(data):
    return int.from_bytes(data, sys.byteorder)


def pool(prefix, *more):
    addr, plen = prefix.split("/")
    flags = b"".join(attr(C["POOL_A_" + m]) for m in more)
    return attr(C["POOL_A_ADDR"], ip(addr)) + attr(C["POOL_A_PLEN"], u8(int(plen))) + flags


def from_(kind, prefix):
    if not prefix:
        return b""
    addr, plen = prefix.split("/")
    return (attr(C[kind + "_A_FROM"], ip(addr)) +
            attr(C[kind + "_A_FROM_PLEN"], u8(int(plen))))


def source(dev=None, lo=None, hi=None, ports=None, frm=None, more=(), kind=None):
    out = attr(C["SOURCE_A_TYPE"], u8(kind or C["SOURCE_DEV" if dev else "SOURCE_ADDR"]))
    if dev:
        out += attr(C["SOURCE_A_IFNAME"], dev)
    if lo:
        out += attr(C["SOURCE_A_ADDR_LO"], ip(lo))
    if hi:
        out += attr(C["SOURCE_A_ADDR_HI"], ip(hi))
    if ports is not None:
        out += attr(C["SOURCE_A_PORTS"],
                    [attr(C["PORTS_A_RANGE"], u32(a << 16 | b)) for a, b in ports])
    return out + from_("SOURCE", frm) + b"".join(attr(C["SOURCE_A_" + m]) for m in more)


def policy(prefix, action=None, frm=None, proto=None, dport=None):
    addr, plen = prefix.split("/")
    out = attr(C["POLICY_A_ADDR"], ip(addr)) + attr(C["POLICY_A_PLEN"], u8(int(plen)))
    if action:
        out += attr(C["POLICY_A_ACTION"], u8(C["POLICY_" + action]))
    if proto:
        out += attr(C["POLICY_A_PROTO"], u8(proto))
    if dport is not None:
        out += attr(C["POLICY_A_DPORT"], u16(dport))
    return out + from_("POLICY", frm)


def mapping(addr, targets, name=None, owner=None, expires=None, hold=None):
    out = attr(C["MAP_A_ADDR"], ip(addr))
    if targets is not None:
        out += attr(C["MAP_A_TARGETS"],
                    [attr(C["TARGETS_A_TARGET"], ip(t)) for t in targets])
    if name is not None:
        out += attr(C["MAP_A_NAME"], name)
    if owner is not None:
        out += attr(C["MAP_A_OWNER"], owner)
    if expires is not None:
        out += attr(C["MAP_A_EXPIRES"], u32(expires))
    if hold is not None:
        out += attr(C["MAP_A_HOLD"], u32(hold))
    return out


class Nat46(Genl):
    def req(self, cmd, data=b"", flags=0):
        return self.do(C["CMD_" + cmd], data, flags)

    def all(self, cmd, data=b"", slowly=None):
        return self.dump(C["CMD_" + cmd], data, slowly)

    def add_map(self, addr, targets, flags=NEW, **kw):
        return self.req("MAP_ADD", mapping(addr, targets, **kw), flags)

    def get_map(self, addr):
        return dict(self.req("MAP_GET", attr(C["MAP_A_ADDR"], ip(addr))))

    def maps(self, data=b""):
        return {str(ip(dict(m)[C["MAP_A_ADDR"]])): dict(m) for m in self.all("MAP_GET", data)[0]}

    def info(self):
        return {k: num(v) for k, v in self.req("INFO_GET") if len(v) == 4}

    def sessions(self, data=b""):
        return [dict(s) for s in self.all("SESSION_GET", data)[0]]

    def count_sessions(self, data=b""):
        return num(dict(self.req("SESSION_COUNT", data))[C["SESSION_A_COUNT"]])

    def events(self, seconds=0.5):
        self.s.settimeout(seconds)
        out = []
        try:
            while True:
                for _, _, _, body in self.messages():
                    a = dict(parse(body[4:]))
                    out.append((a[C["MAP_A_EVENT"]][0], str(ip(a[C["MAP_A_ADDR"]]))))
        except TimeoutError:
            pass
        self.s.settimeout(None)
        return out


# ---- tests ---------------------------------------------------------------------

def test_unset():
    new_netns()
    n = Nat46()
    info = n.info()
    same("info: API", info[C["INFO_A_API"]], 1)
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
                              "LOCAL_OUT", "HOOK_MARK", "HOOK_MASK", "POLICY_DEFAULT")],
         [7440, 240, 300, 60, 0, 0, 0, 1, 0, 0, 1])
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
    fails("source: prefix is not supported", errno.EOPNOTSUPP, None, "", add,
          lo="2001:db8::", kind=C["SOURCE_PREFIX"])
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
    fails("map: a prefix", errno.EINVAL, A["PLEN"], "one address", n.req, "MAP_ADD",
          mapping("198.18.0.0", good) + attr(A["PLEN"], u8(24)), NEW)

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
                       ("MAX_SESSIONS", u32(0x80000000)), ("HOOK_MARK", u32(1))):
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


def flow_net():
    """A netns whose own sockets open sessions to a target that never answers."""
    new_netns()
    sh("""ip link add d0 up type dummy; ip addr add 192.0.2.1/24 dev d0
          ip -6 addr add 2001:db8:1::1/64 dev d0 nodad
          ip -6 route add default dev d0
          ip link add nat46 up mtu 1500 type dummy; ip route add 198.18.0.0/15 dev nat46""")
    n = Nat46()
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    n.req("SOURCE_ADD", source(dev="d0"), NEW)
    return n


def send(addr, port=53, sport=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", sport))
    try:
        s.sendto(b"x", (addr, port))
    except OSError:
        pass
    s.close()


def test_sessions():
    n = flow_net()
    S = {k[10:]: v for k, v in C.items() if k.startswith("SESSION_A_")}
    for i in range(1, 6):
        n.add_map(f"198.18.0.{i}", [f"2001:db8:9::{i}"], name=f"n{i}.example")
        for port in (53, 123):
            send(f"198.18.0.{i}", port)
    all_ = n.sessions()
    same("session: ten", len(all_), 10)
    if not all_:
        return
    s = [s for s in all_ if s[S["DST4"]] == ip("198.18.0.3").packed and
         s[S["DPORT"]] == be16(53)][0]
    same("session: as made", (s[S["PROTO"]], str(ip(s[S["SRC4"]])), str(ip(s[S["SRC6"]])),
                              str(ip(s[S["DST6"]])), s[S["STATE"]], s[S["NAME"]]),
         (b"\x11", "192.0.2.1", "2001:db8:1::1", "2001:db8:9::3", b"\0", b"n3.example\0"))
    ok("session: times", num(s[S["IDLE"]]) <= 2 and 297 <= num(s[S["EXPIRES"]]) <= 300, s)
    ok("session: local ones have no IIF", S["IIF"] not in s)
    for name, want, data in (
            ("nothing", 10, b""), ("all", 10, attr(S["ALL"])),
            ("udp", 10, attr(S["PROTO"], u8(17))), ("tcp", 0, attr(S["PROTO"], u8(6))),
            ("dport", 5, attr(S["DPORT"], be16(53))),
            ("from", 10, attr(S["SRC4"], ip("192.0.2.9")) + attr(S["SRC4_PLEN"], u8(24))),
            ("from one", 0, attr(S["SRC4"], ip("192.0.2.9"))),
            ("to", 4, attr(S["DST4"], ip("198.18.0.2")) + attr(S["DST4_PLEN"], u8(31))),
            ("target", 2, attr(S["DST6"], ip("2001:db8:9::3"))),
            ("targets", 10, attr(S["DST6"], ip("2001:db8:9::77")) + attr(S["DST6_PLEN"], u8(64))),
            ("source", 10, attr(S["SRC6"], ip("2001:db8:1::1"))),
            ("sport", 1, attr(S["SPORT4"], s[S["SPORT4"]]) + attr(S["SPORT6"], s[S["SPORT6"]]) +
             attr(S["DPORT"], be16(53)) + attr(S["DST4"], ip("198.18.0.3"))),
            ("state", 10, attr(S["STATE"], u8(0))), ("state 2", 0, attr(S["STATE"], u8(2))),
            ("name", 2, attr(S["NAME"], "n4.*")), ("name none", 0, attr(S["NAME"], "")),
            ("two", 1, attr(S["NAME"], "n?.example") + attr(S["DPORT"], be16(123)) +
             attr(S["DST4"], ip("198.18.0.1")))):
        same(f"session: filter {name}", (n.count_sessions(data), len(n.sessions(data))),
             (want, want))
    fails("session: length without address", errno.EINVAL, S["SRC4_PLEN"], "without", n.req,
          "SESSION_COUNT", attr(S["SRC4_PLEN"], u8(3)))
    fails("session: protocol 58", errno.EINVAL, S["PROTO"], "icmp", n.req, "SESSION_COUNT",
          attr(S["PROTO"], u8(58)))
    fails("session: flush of nothing", errno.EINVAL, None, "filter", n.req, "SESSION_FLUSH")
    fails("session: all and more", errno.EINVAL, None, "all", n.req, "SESSION_FLUSH",
          attr(S["ALL"]) + attr(S["PROTO"], u8(17)))
    same("session: flush",
         num(dict(n.req("SESSION_FLUSH", attr(S["DPORT"], be16(123))))[S["COUNT"]]), 5)
    same("session: ... five left", n.info()[C["INFO_A_SESSIONS"]], 5)

    m = n.get_map("198.18.0.1")
    same("session: its mapping counts", (num(m[C["MAP_A_SESSIONS"]]), num(m[C["MAP_A_OPENED"]])),
         (1, 2))
    ok("session: ... IDLE", num(m[C["MAP_A_IDLE"]]) <= 2, m)
    n.req("MAP_DEL", mapping("198.18.0.1", None))
    n.add_map("198.18.0.2", ["2001:db8:9::99"], REPLACE)
    same("session: live on without their mapping", n.count_sessions(), 5)

    n.req("POLICY_ADD", policy("2001:db8:9::3/128", "DENY", proto=6), NEW)
    same("policy: denies tcp, not these", n.count_sessions(), 5)
    n.req("POLICY_ADD", policy("2001:db8:9::3/128", "DENY", frm="192.0.2.0/24", proto=17,
                               dport=53), NEW)
    same("policy: ends what it denies", n.count_sessions(), 4)

    fails("pool: del while sessions use it", errno.EBUSY, None, "", n.req, "POOL_DEL",
          pool("198.18.0.0/16"))
    n.req("MAP_FLUSH", attr(C["MAP_A_ALL"]))
    fails("pool: ... without mappings", errno.EBUSY, None, "sessions", n.req, "POOL_DEL",
          pool("198.18.0.0/16"))
    fails("source: del while sessions use it", errno.EBUSY, None, "sessions", n.req,
          "SOURCE_DEL", source(dev="d0"))
    fails("source: ports that sessions use", errno.EBUSY, None, "sessions", n.req,
          "SOURCE_ADD", source(dev="d0", ports=[(1, 2)]), CREATE | REPLACE)
    n.add_map("198.18.0.7", ["2001:db8:9::7"])
    n.req("POOL_DEL", pool("198.18.0.0/16", "DRAIN"))
    same("drain: mappings go, sessions stay", (n.maps(), n.count_sessions()), ({}, 4))
    fails("drain: no mapping any more", errno.EBUSY, None, "draining", n.add_map, "198.18.0.7",
          ["2001:db8:9::7"])
    ok("drain: is shown", C["POOL_A_DRAIN"] in dict(n.all("POOL_GET")[0][0]))
    time.sleep(1.5)
    same("drain: waits", len(n.all("POOL_GET")[0]), 1)
    n.req("SESSION_FLUSH", attr(S["ALL"]))
    ok("drain: then goes", wait(5, lambda: not n.all("POOL_GET")[0]))

    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    n.add_map("198.18.0.7", ["2001:db8:9::7"])
    send("198.18.0.7")
    n.req("SOURCE_DEL", source(dev="d0", more=["DRAIN"]))
    send("198.18.0.7", 54)
    same("drain: a source opens no more", n.count_sessions(), 1)
    works("drain: another source may take over", n.req, "SOURCE_ADD",
          source(lo="2001:db8:1::77"), NEW)
    send("198.18.0.7", 54)
    same("drain: ... and does", sorted(str(ip(s[S["SRC6"]])) for s in n.sessions()),
         ["2001:db8:1::1", "2001:db8:1::77"])
    n.req("SESSION_FLUSH", attr(S["SRC6"], ip("2001:db8:1::1")))
    ok("drain: the source goes", wait(5, lambda: len(n.all("SOURCE_GET")[0]) == 1))
    same("drain: ... not the other's session", n.count_sessions(), 1)
    n.req("SOURCE_DEL", source(lo="2001:db8:1::77", more=["FORCE"]))
    same("force: a source's sessions end", n.count_sessions(), 0)
    n.req("SOURCE_ADD", source(dev="d0"), NEW)
    send("198.18.0.7")
    n.req("POOL_DEL", pool("198.18.0.0/16", "FORCE"))
    same("force: a pool's sessions end", (n.count_sessions(), n.maps()), (0, {}))


def test_hold():
    n = flow_net()
    n.req("PARAM_SET", attr(C["PARAM_A_TIMEOUT_UDP"], u32(2)))
    n.add_map("198.18.0.1", ["2001:db8:9::1"], expires=1, hold=4)
    send("198.18.0.1")
    start = time.monotonic()
    same("hold: a session", n.count_sessions(), 1)
    time.sleep(1.5)
    same("hold: EXPIRES is over", num(n.get_map("198.18.0.1")[C["MAP_A_EXPIRES"]]), 0)
    n.req("SESSION_FLUSH", attr(C["SESSION_A_ALL"]))
    ok("hold: kept after its last session", "198.18.0.1" in n.maps())
    ok("hold: then it goes", wait(10, lambda: not n.maps()))
    took = time.monotonic() - start
    ok("hold: not before HOLD", took >= 3, took)
    n.add_map("198.18.0.1", ["2001:db8:9::1"], expires=1, hold=1)
    send("198.18.0.1")
    time.sleep(2)
    n.add_map("198.18.0.2", ["2001:db8:9::1"], expires=1000)
    n.req("SESSION_FLUSH", attr(C["SESSION_A_ALL"]))
    n.req("MAP_FLUSH", attr(C["MAP_A_EXPIRED"]))
    same("flush expired", set(n.maps()), {"198.18.0.2"})


def test_dump_under_change():
    new_netns()
    n, other = Nat46(), Nat46()
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    for i in range(4000):
        n.add_map(f"198.18.{i >> 8}.{i & 255}", ["2001:db8::1"], name=f"h{i}.example")
    stop = threading.Event()
    done = 0

    def churn():
        nonlocal done
        while not stop.is_set():
            for i in range(200, 240):
                other.add_map(f"198.18.{i}.1", ["2001:db8::2"])
            for i in range(200, 240):
                other.req("MAP_DEL", mapping(f"198.18.{i}.1", None))
            done += 1

    t = threading.Thread(target=churn)
    t.start()
    lost = twice = intr = 0
    for _ in range(20):
        out, cut = n.all("MAP_GET", slowly=lambda: time.sleep(0.0005))
        addrs = [dict(m)[C["MAP_A_ADDR"]] for m in out]
        twice += len(addrs) - len(set(addrs))
        lost += 4000 - sum(1 for a in set(addrs) if a[2] < 200)
        intr += cut
    stop.set()
    t.join()
    print(f"# {done} rounds of changes, {intr} of 20 dumps were marked as interrupted")
    ok("dump: changes happened, and were marked", done and intr)
    same("dump: none lost, none twice", (lost, twice), (0, 0))
    same("dump: a quiet one is not marked", n.all("MAP_GET")[1], False)


def begin(n, owner=None):
    data = attr(C["RESTORE_A_OWNER"], owner) if owner else b""
    return dict(n.req("RESTORE_BEGIN", data))[C["RESTORE_A_TOKEN"]]


def commit(n, token, force=False):
    n.req("RESTORE_COMMIT", attr(C["RESTORE_A_TOKEN"], token) +
          (attr(C["RESTORE_A_FORCE"]) if force else b""))


def test_restore():
    n = flow_net()
    a, b, ev = Nat46(), Nat46(), Nat46("map")
    t = C["RESTORE_A_TOKEN"]
    n.add_map("198.18.0.1", ["2001:db8:9::1"], name="keep")
    n.add_map("198.18.0.2", ["2001:db8:9::2"], name="change")
    n.add_map("198.18.0.3", ["2001:db8:9::3"], name="drop")
    n.add_map("198.18.0.4", ["2001:db8:9::4"], name="leased", owner="dns46", expires=1000)
    send("198.18.0.1")
    n.req("PARAM_SET", attr(C["PARAM_A_TIMEOUT_UDP"], u32(77)))
    ev.events()

    fails("restore: commit without begin", errno.ENOENT, None, "no such restore", commit, a,
          u32(1))
    fails("restore: bad owner", errno.EINVAL, None, "word", begin, a, "A")
    token = begin(a)
    fails("restore: one at a time", errno.EBUSY, None, "another", begin, b)
    fails("restore: not another's socket", errno.ENOENT, None, "no such", commit, b, token)
    fails("restore: no deletions", errno.EBUSY, None, "only additions", a.req, "MAP_DEL",
          mapping("198.18.0.1", None))
    a.req("PARAM_SET", attr(C["PARAM_A_TIMEOUT_ICMP"], u32(33)))
    a.req("POOL_ADD", pool("198.18.0.0/17"), NEW)
    a.req("POOL_ADD", pool("198.19.0.0/16"), NEW)
    a.req("SOURCE_ADD", source(dev="d0"), NEW)
    a.req("POLICY_ADD", policy("2001:db8:66::/48", "DENY"), NEW)
    fails("restore: checks as ever", errno.EPERM, None, "policy", a.add_map, "198.19.0.9",
          ["2001:db8:66::1"])
    fails("restore: its own pools count", errno.EADDRNOTAVAIL, None, "no pool", a.add_map,
          "198.18.128.9", ["2001:db8::1"])
    a.add_map("198.18.0.1", ["2001:db8:9::1"], name="keep")
    a.add_map("198.18.0.2", ["2001:db8:9::22"], name="change")
    a.add_map("198.19.0.1", ["2001:db8:9::5"], name="new")
    a.add_map("198.19.0.2", ["2001:db8:9::6"], name="new-lease",
              owner="dns46", expires=1000)
    same("restore: GET shows the live one", (set(a.maps()), len(a.all("POOL_GET")[0])),
         ({"198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.4"}, 1))
    same("restore: no events before", ev.events(0.2), [])
    works("restore: commit", commit, a, token)
    same("restore: mappings", {k: v[C["MAP_A_NAME"]][:-1].decode() for k, v in n.maps().items()},
         {"198.18.0.1": "keep", "198.18.0.2": "change", "198.18.0.4": "leased",
          "198.19.0.1": "new", "198.19.0.2": "new-lease"})
    same("restore: pools", len(n.all("POOL_GET")[0]), 2)
    par = dict(n.req("PARAM_GET"))
    same("restore: settings", (num(par[C["PARAM_A_TIMEOUT_UDP"]]),
                               num(par[C["PARAM_A_TIMEOUT_ICMP"]])), (300, 33))
    m = n.get_map("198.18.0.1")
    same("restore: what stays keeps its numbers",
         (num(m[C["MAP_A_SESSIONS"]]), num(m[C["MAP_A_OPENED"]])), (1, 1))
    same("restore: its session lives", n.count_sessions(), 1)
    same("restore: events", sorted(ev.events()),
         [(1, "198.19.0.1"), (1, "198.19.0.2"), (2, "198.18.0.2"), (3, "198.18.0.3")])
    fails("restore: once", errno.ENOENT, None, "no such", commit, a, token)

    token = begin(a)
    fails("restore: wrong token", errno.ENOENT, None, "no such", commit, a, u32(1))
    a.req("RESTORE_ABORT", attr(t, token))
    same("restore: abort leaves all", len(n.maps()), 5)

    token = begin(a)
    fails("restore: a lease would have no pool", errno.EADDRNOTAVAIL, None, "no pool", commit, a,
          token)
    same("restore: ... nothing changed", (len(n.maps()), len(n.all("POOL_GET")[0])), (5, 2))

    token = begin(a)
    a.req("POOL_ADD", pool("198.18.0.0/15"), NEW)
    a.add_map("198.18.0.4", ["2001:db8:9::4"])
    fails("restore: over another's lease", errno.EPERM, None, "another owner", commit, a, token)

    token = begin(a)
    a.req("POOL_ADD", pool("198.18.0.0/15"), NEW)
    fails("restore: without the source of a session", errno.EBUSY, None, "sessions", commit, a,
          token)
    same("restore: ... it lives", n.count_sessions(), 1)
    token = begin(a)
    a.req("POOL_ADD", pool("198.18.0.0/15"), NEW)
    works("restore: ... by force", commit, a, token, True)
    same("restore: ... ends it", (n.count_sessions(), set(n.maps())),
         (0, {"198.18.0.4", "198.19.0.2"}))

    token = begin(a, "dns46")
    a.req("POOL_ADD", pool("198.18.0.0/15"), NEW)
    works("restore: of dns46's", commit, a, token)
    same("restore: ... none left", n.maps(), {})

    begin(b)
    b.req("POOL_ADD", pool("198.18.0.0/15"), NEW)
    b.close()
    works("restore: a closed socket aborts", begin, a)
    a.close()

    big = Nat46()
    token = begin(big)
    big.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    start = time.monotonic()
    for i in range(1, N + 1):
        big.add_map(f"198.18.{i >> 8}.{i & 255}", [f"2001:db8:a::{i:x}"], name=f"host{i}.example")
    built = time.monotonic()
    commit(big, token)
    done = time.monotonic()
    same(f"restore: {N} mappings", n.info()[C["INFO_A_MAPPINGS"]], N)
    print(f"# {N} mappings: {built - start:.2f} s to build, {(done - built) * 1e3:.1f} ms commit")
    start = time.monotonic()
    same("... dump", len(n.maps()), N)
    print(f"# dump: {time.monotonic() - start:.2f} s")
    token = begin(big)
    big.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    for i in range(1, N + 1):
        big.add_map(f"198.18.{i >> 8}.{i & 255}", [f"2001:db8:a::{i:x}"], name=f"host{i}.example")
    start = time.monotonic()
    commit(big, token)
    print(f"# the same again: {(time.monotonic() - start) * 1e3:.1f} ms commit")
    start = time.monotonic()
    n.req("MAP_FLUSH", attr(C["MAP_A_ALL"]))
    print(f"# flush: {(time.monotonic() - start) * 1e3:.1f} ms")
    same("... all gone", n.info()[C["INFO_A_MAPPINGS"]], 0)


def test_rights():
    new_netns()
    n = Nat46()
    pid = os.fork()
    if not pid:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        u = Nat46()
        bad = []
        for cmd, data in (("POOL_ADD", pool("198.18.0.0/16")), ("MAP_FLUSH", b""),
                          ("SESSION_COUNT", b""), ("RESTORE_BEGIN", b""), ("PARAM_SET", b"")):
            try:
                u.req(cmd, data, NEW)
                bad.append(cmd)
            except NlError as e:
                if e.errno != errno.EPERM:
                    bad.append(cmd)
        try:
            u.all("SESSION_GET")
            bad.append("SESSION_GET")
        except NlError:
            pass
        u.req("INFO_GET"), u.req("STATS_GET"), u.all("MAP_GET")
        os._exit(bool(bad))
    ok("rights: nobody may read, but no sessions, and change nothing",
       os.waitpid(pid, 0)[1] == 0)
    same("rights: nothing changed", n.info()[C["INFO_A_POOLS"]], 0)

    pid = os.fork()
    if not pid:
        if libc.unshare(0x10000000 | 0x40000000):
            os._exit(2)
        u = Nat46()
        try:
            u.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
            code = 0
        except NlError as e:
            code = e.errno
        os._exit(100 + (code == errno.EPERM) + 2 * (C["INFO_A_SESSIONS_ALL"] in u.info()))
    want = 100 + (open("/sys/module/nf_nat46/parameters/userns").read().strip() == "N")
    same("rights: the owner of a user namespace", os.waitpid(pid, 0)[1] >> 8, want)


def test_netns_goes():
    for i in range(20):
        pid = os.fork()
        if not pid:
            n = flow_net()
            for k in range(50):
                n.add_map(f"198.18.0.{k}", ["2001:db8:9::1"], expires=1, hold=1, owner="dns46")
                send(f"198.18.0.{k}")
            n.req("POLICY_ADD", policy("2001:db8:9::/48", "DENY", proto=6), NEW)
            begin(n)
            n.req("POOL_ADD", pool("198.18.0.0/24"), NEW)
            n.add_map("198.18.0.1", ["2001:db8:9::1"])
            os._exit(0)
        os.waitpid(pid, 0)
    new_netns()
    n = Nat46()
    ok("netns: their sessions end with them",
       wait(30, lambda: n.info()[C["INFO_A_SESSIONS_ALL"]] == 0), n.info())


def test_storm():
    """Changes of every kind from several sockets, with traffic."""
    n = flow_net()
    stop = time.monotonic() + 6
    errors = []
    fine = {errno.EEXIST, errno.ENOENT, errno.EBUSY, errno.EADDRNOTAVAIL, errno.EPERM}

    def worker(seed):
        import random
        r, g = random.Random(seed), Nat46()
        while time.monotonic() < stop:
            addr = f"198.18.0.{r.randrange(20)}"
            try:
                r.choice((
                    lambda: g.add_map(addr, ["2001:db8:9::1", "2001:db8:9::2"], CREATE | REPLACE,
                                      expires=r.randrange(1, 3), hold=1),
                    lambda: g.req("MAP_DEL", mapping(addr, None)),
                    lambda: g.req("POLICY_ADD", policy("2001:db8:9::1/128", "DENY"), NEW),
                    lambda: g.req("POLICY_DEL", policy("2001:db8:9::1/128")),
                    lambda: g.req("POOL_ADD", pool("198.18.0.0/16"), CREATE | REPLACE),
                    lambda: g.req("POOL_DEL", pool("198.18.0.0/16", "FORCE")),
                    lambda: g.req("SOURCE_ADD", source(dev="d0"), CREATE | REPLACE),
                    lambda: g.req("SOURCE_DEL", source(dev="d0", more=["FORCE"])),
                    lambda: g.req("SOURCE_DEL", source(dev="d0", more=["DRAIN"])),
                    lambda: (g.all("MAP_GET"), g.all("SESSION_GET"), g.all("SOURCE_GET")),
                    lambda: commit(g, begin(g), True),
                ))()
            except NlError as e:
                if e.errno not in fine:
                    errors.append(str(e))

    def traffic():
        while time.monotonic() < stop:
            for k in range(20):
                send(f"198.18.0.{k}")

    ts = [threading.Thread(target=worker, args=(i,)) for i in range(3)]
    ts += [threading.Thread(target=traffic)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    same("storm: no strange error", errors, [])
    for s in n.all("SOURCE_GET")[0]:
        n.req("SOURCE_DEL", source(dev="d0", more=["FORCE"]))
    for p in n.all("POOL_GET")[0]:
        n.req("POOL_DEL", pool("198.18.0.0/16", "FORCE"))
    ok("storm: all its sessions end", wait(10, lambda: n.count_sessions() == 0))
    same("storm: all its mappings too", n.maps(), {})


def main():
    ko = os.environ.get("NAT46_KO", "nf_nat46.ko")
    before = len(sh("dmesg", check=False).splitlines())
    if "nf_nat46" not in open("/proc/modules").read():
        sh(f"insmod {ko}")
    names = sys.argv[1:] or ["unset", "pool", "source", "policy", "map", "param", "sessions",
                             "hold", "dump_under_change", "restore", "rights", "netns_goes",
                             "storm"]
    worst = 0
    for name in names:
        sys.stdout.flush()
        pid = os.fork()		# a network namespace of its own, which ends with it
        if not pid:
            global failed
            failed = 0
            try:
                globals()["test_" + name]()
            except BaseException as e:	# noqa: a test that dies has failed
                ok(f"{name} ran to its end", False, traceback.format_exc())
            sys.stdout.flush()
            os._exit(failed > 0)
        if os.waitpid(pid, 0)[1]:
            print(f"# {name} FAILED")
            worst = 1
    for i in range(50):		# namespaces go a little later than their last process
        if subprocess.run(["rmmod", "nf_nat46"], capture_output=True).returncode == 0:
            break
        time.sleep(0.1)
    ok("the module goes", "nf_nat46" not in open("/proc/modules").read())
    log = sh("dmesg", check=False)
    bad = [s for s in log.splitlines()[before:] if any(w in s for w in
           ("BUG:", "WARNING:", "Oops", "suspicious RCU", "unreferenced object", "refcount_t:"))]
    ok("the kernel's log is clean", not bad, "\n".join(bad[:20]))
    return worst or failed > 0


if __name__ == "__main__":
    sys.exit(main())
