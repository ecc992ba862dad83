# SPDX-License-Identifier: GPL-2.0
"""What happens in time: sessions, expiry, transactions, many at once, the end."""
import errno
import os
import random
import threading
import time

from genl import (C, CREATE, DUMP, NEW, REPLACE, REQUEST, NlError, attr, be16, ip, u8, u16,
                  u32)
from nat46 import (Nat46, begin, commit, fails, flow_net, libc, mapping, new_netns, num, ok,
                   policy, pool, same, send, sh, source, wait, works)

N = int(os.environ.get("N", "65534"))


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


def test_refused():
    """A packet that opens no session leaves no trace in its mapping."""
    n = flow_net()
    n.req("POLICY_ADD", policy("2001:db8:9::/64", "DENY", frm="192.0.2.0/24", proto=17, dport=66),
          NEW)
    n.add_map("198.18.0.1", ["2001:db8:9::1"], expires=1, hold=100)
    n.add_map("198.18.0.2", ["2001:db8:9::2"], expires=1, hold=3)
    send("198.18.0.2")
    n.req("SESSION_FLUSH", attr(C["SESSION_A_ALL"]))

    def refused():
        for i in (1, 2):
            send(f"198.18.0.{i}", 66)

    refused()
    same("refused: both are dropped", (n.drops("policy"), n.count_sessions()), (2, 0))
    same("refused: OPENED", [num(n.get_map(f"198.18.0.{i}")[C["MAP_A_OPENED"]]) for i in (1, 2)],
         [0, 1])
    ok("refused: HOLD is not renewed", wait(8, lambda: refused() or not n.maps()), n.maps())


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


def test_conf_dump_under_change():
    """Of policy entries, another list is committed once the first buffer is filled."""
    for left in (0, 300, 599):
        new_netns()
        n, other = Nat46(), Nat46()
        for i in range(600):
            n.req("POLICY_ADD", policy(f"2001:db8:{i:x}::/48", "DENY"), NEW)
        token = begin(other)
        for i in range(left):
            other.req("POLICY_ADD", policy(f"2001:dba:{i:x}::/48", "DENY"), NEW)
        sent = n.send(C["CMD_POLICY_GET"], b"", REQUEST | DUMP)
        commit(other, token)
        same(f"dump: of 600 entries, now {left}: marked", n.dumped(sent)[1], True)
        same("... a quiet one is not", n.all("POLICY_GET")[1], False)


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

    ev.close()
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


def test_explain():
    new_netns()
    n = Nat46()
    packet = {"src": "192.0.2.1", "dst": "198.18.0.1", "proto": 17, "dport": 53}
    same("explain: nothing is configured: left alone", n.explain(**packet)["PASS"], b"\1")
    for k, words in (("src", "source"), ("dst", "destination"), ("proto", "protocol")):
        fails(f"explain: no {k}", errno.EINVAL, None, words + " is missing", n.explain,
              **{a: v for a, v in packet.items() if a != k})
    fails("explain: icmpv6", errno.EINVAL, C["EXPLAIN_A_PROTO"], "icmp", n.explain, **{**packet, "proto": 58})
    fails("explain: device 0", errno.ERANGE, C["EXPLAIN_A_IIF"], "", n.explain, **packet, iif=0)
    n = flow_net()
    same("explain: not mapped", n.explain(**packet)["DROP"], b"unmapped\0")
    n.add_map("198.18.0.1", ["2001:db8:9::1"], name="x.example")
    a = n.explain(**packet, sport=1234)
    ok("explain: translated", "TRANSLATE" in a and "LOCAL" in a and "DROP" not in a, a)
    same("explain: from, to", (str(ip(a["SRC6"])), str(ip(a["DST6"]))),
         ("2001:db8:1::1", "2001:db8:9::1"))
    port = a["SPORT6"]
    same("explain: made nothing", (n.count_sessions(), num(n.get_map("198.18.0.1")[C["MAP_A_OPENED"]])),
         (0, 0))
    same("explain: a device that is not there", n.explain(**packet, iif=4711)["DROP"],
         b"src-check\0")
    send("198.18.0.1", 53, 1234)
    s = n.sessions()[0]
    same("explain: and so it is", s[C["SESSION_A_SPORT6"]], port)
    ok("explain: the flow has a session", "SESSION" in n.explain(**packet, sport=1234))


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
                          ("SESSION_COUNT", b""), ("RESTORE_BEGIN", b""), ("PARAM_SET", b""),
                          ("PARAM_GET", b""), ("STATS_GET", b"")):
            try:
                u.req(cmd, data, NEW)
                bad.append(cmd)
            except NlError as e:
                if e.errno != errno.EPERM:
                    bad.append(cmd)
        for cmd in ("SESSION_GET", "MAP_GET", "POOL_GET", "SOURCE_GET", "POLICY_GET"):
            try:
                u.all(cmd)
                bad.append(cmd)
            except NlError as e:
                if e.errno != errno.EPERM:
                    bad.append(cmd)
        u.req("INFO_GET")
        os._exit(bool(bad))
    ok("rights: nobody may ask what is loaded, and nothing else",
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


def test_two_netns():
    """A walk through one's sessions passes by the other's."""
    a = flow_net()
    a.add_map("198.18.0.1", ["2001:db8:9::1"])
    for i in range(40):
        send("198.18.0.1", sport=20000 + i)
    b = flow_net()
    b.add_map("198.18.0.1", ["2001:db8:9::1"])
    for i in range(60):
        send("198.18.0.1", sport=20000 + i)
    same("two netns: each counts its own sessions", (a.count_sessions(), b.count_sessions()), (40, 60))
    b.req("SESSION_FLUSH", attr(C["SESSION_A_ALL"]))
    same("two netns: each ends its own", (a.count_sessions(), b.count_sessions()), (40, 0))
    a.req("SESSION_FLUSH", attr(C["SESSION_A_ALL"]))


def test_device_goes():
    """Sessions live on without the device that their route went by."""
    n = flow_net()
    sh("""ip link add d1 up type dummy; ip -6 route add 2001:db8:9::/64 dev d1
          nat46 source add addr 2001:db8:100::1 from 192.0.2.1""")
    n.add_map("198.18.0.1", ["2001:db8:9::1"])
    for i in range(400):
        send("198.18.0.1", sport=20000 + i)
    was = n.count_sessions()
    start = time.monotonic()
    sh("ip link del d1")
    ok("device: it goes at once, whatever went by it", time.monotonic() - start < 5)
    same("device: its sessions stay", (n.count_sessions(), was), (400, 400))


def test_crowded():
    """A first range that has been full is passed by for a moment, not for good."""
    n = flow_net()
    n.req("SOURCE_ADD", source(dev="d0", ports=[(61000, 61015), (62000, 62999)]), CREATE | REPLACE)
    n.add_map("198.18.0.1", ["2001:db8:9::1"])
    client = iter(range(20000, 30000, 2))	# of one parity: eight ports of the first range

    def opens():
        """The port that the next flow is given."""
        sport = next(client)
        send("198.18.0.1", sport=sport)
        s = n.sessions(attr(C["SESSION_A_SPORT4"], be16(sport)))[0]
        return int.from_bytes(s[C["SESSION_A_SPORT6"]], "big")

    def ends(port):
        n.req("SESSION_FLUSH", attr(C["SESSION_A_SPORT6"], be16(port)))

    first = range(61000, 61016, 2)
    same("crowded: the first range first", sorted(opens() for _ in first), list(first))
    ok("crowded: then the second", opens() in range(62000, 63000))
    found = 0
    for _ in range(10):		# two doors of eight are knocked at
        ends(61000)
        found += opens() == 61000
    ok("crowded: for a moment it is passed by", found < 10, found)
    ends(61000)
    time.sleep(2.5)
    same("crowded: then looked at again", opens(), 61000)


def test_storm():
    """Changes of every kind from several sockets, with traffic."""
    n = flow_net()
    stop = time.monotonic() + 6
    errors = []
    fine = {errno.EEXIST, errno.ENOENT, errno.EBUSY, errno.EADDRNOTAVAIL, errno.EPERM}

    def worker(seed):
        r, g = random.Random(seed), Nat46()
        while time.monotonic() < stop:
            addr = f"198.18.0.{r.randrange(20)}"
            try:
                r.choice((
                    lambda: g.add_map(addr, ["2001:db8:9::1", "2001:db8:9::2"], CREATE | REPLACE,
                                      expires=r.randrange(1, 3), hold=1),
                    lambda: g.add_map("198.18.0.0/24", ["2001:db8:8::"], CREATE | REPLACE,
                                      expires=r.randrange(1, 3), hold=1),
                    lambda: g.req("MAP_DEL", mapping("198.18.0.0/24", None)),
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


def test_fuzz():
    """Requests that no program would send: the kernel refuses or obeys, and lives."""
    n = flow_net()
    seed = int(os.environ.get("SEED", str(time.time_ns() % 1000000)))
    r = random.Random(seed)
    print(f"# SEED={seed}")
    words = [ip(a).packed for a in ("198.18.0.1", "198.18.255.255", "0.0.0.0", "2001:db8:9::1",
                                    "2001:db8:1::5", "::", "ff02::1", "64:ff9b::1")]
    words += [u8(v) for v in (0, 1, 2, 8, 16, 32, 128, 255)] + [u16(53), u32(0), u32(1), u32(60)]
    words += [b"", b"d0\0", b"dns46\0", b"*x?*\0", b"no zero", b"x" * 300, u32(0xffffffff)]

    def junk(depth=0):
        kind = r.randrange(0, 20) | r.choice((0, 0, 0, 0x8000, 0x4000))
        if depth < 2 and not r.randrange(4):
            return attr(kind, [junk(depth + 1) for _ in range(r.randrange(10))])
        return attr(kind, r.choice(words))

    good = [("POOL_ADD", pool("198.18.0.0/16")), ("SOURCE_ADD", source(dev="d0")),
            ("MAP_ADD", mapping("198.18.0.1", ["2001:db8:9::1"], expires=1)),
            ("MAP_ADD", mapping("198.18.0.0/24", ["2001:db8:9::"], expires=1)),
            ("SOURCE_ADD", source(prefix="3fff::/96", frm="192.0.2.0/24")),
            ("POLICY_ADD", policy("2001:db8:9::/64", "DENY")), ("RESTORE_BEGIN", b""),
            ("POOL_DEL", pool("198.18.0.0/16")), ("MAP_GET", attr(1, ip("198.18.0.1")))]
    done = refused = 0
    stop = time.monotonic() + 8
    while time.monotonic() < stop:
        cmd, data = r.choice(good)
        if r.randrange(3):
            cmd, data = r.choice([k[4:] for k in C if k.startswith("CMD_")]), b""
        data += b"".join(junk() for _ in range(r.randrange(6)))
        try:
            if r.randrange(5):
                n.req(cmd, data, r.choice((0, NEW, CREATE | REPLACE, REPLACE)))
            else:
                n.all(cmd, data)
            done += 1
        except NlError:
            refused += 1
        if not r.randrange(50):
            send("198.18.0.1")
    ok(f"fuzz: {done} requests obeyed, {refused} refused", done and refused)
