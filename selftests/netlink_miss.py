# SPDX-License-Identifier: GPL-2.0
"""The group "miss": who is asked about addresses without a mapping, when, and what
becomes of the packets; and mappings that are not fresh any more."""
import errno
import os
import socket
import time

from genl import C, CREATE, NEW, REPLACE, attr, ip, u8
from nat46 import Nat46, fails, flow_net, new_netns, num, ok, same, sh, works

GOOD = ["2001:db8:9::7"]


def knock(addr, client="192.0.2.1"):
    """A datagram to @addr; what the socket is told."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((client, 0))
    try:
        s.sendto(b"x", (addr, 53))
    except OSError as e:
        return e.errno
    finally:
        s.close()
    return 0


def new_second():
    """Events are counted by the kernel's seconds: begin with one."""
    def second():
        return int(float(open("/proc/uptime", encoding="ascii").read().split()[0]))
    was = second()
    while second() == was:
        time.sleep(0.01)
    time.sleep(0.05)


def unknown(n, addr):
    return n.req("MISS_UNKNOWN", attr(C["MISS_A_ADDR"], ip(addr)))


def stale(n, addr):
    return n.req("MISS_STALE", attr(C["MISS_A_ADDR"], ip(addr)))


def seen(n):
    """What MISS_GET says: {address: (client, protocol, port, is it refused?)}"""
    out = {}
    for m in n.all("MISS_GET")[0]:
        a = dict(m)
        if num(a[C["MISS_A_AGE"]]) > 60:
            raise ValueError("age")
        out[str(ip(a[C["MISS_A_ADDR"]]))] = (str(ip(a[C["MISS_A_CLIENT"]])), a[C["MISS_A_PROTO"]][0],
                                             int.from_bytes(a[C["MISS_A_DPORT"]], "big"), C["MISS_A_UNKNOWN"] in a)
    return out


def joins():
    """May a process without rights listen?"""
    r, w = os.pipe()
    if not os.fork():
        os.setgid(65534)
        os.setuid(65534)
        try:
            Nat46("miss")
            os.write(w, b"yes")
        except PermissionError:
            os.write(w, b"no")
        os._exit(0)
    os.wait()
    return os.read(r, 9)


def test_miss():
    n = flow_net()
    for cmd in ("MISS_UNKNOWN", "MISS_STALE"):
        fails(f"rule 54: {cmd} without an address", errno.EINVAL, None, "missing", n.req, cmd)
    same("what was asked for: nothing yet", seen(n), {})
    same("rule 54: nobody listens: refused", knock("198.18.1.1"), errno.EHOSTUNREACH)
    same("rule 54: ... counted as ever", (n.drops("unmapped"), n.drops("unmapped-asked")), (1, 0))
    if not os.uname().release.startswith("5."):	# which knows no such groups
        same("rule 54: not everybody may listen", joins(), b"no")

    ev = Nat46("miss")
    new_second()
    same("rule 54: somebody listens: no error", knock("198.18.1.1"), 0)
    same("rule 54: told", ev.misses(), [("198.18.1.1", False, "192.0.2.1", 17, 53)])
    same("rule 54: counted by its own name", (n.drops("unmapped"), n.drops("unmapped-asked")), (1, 1))
    for i in range(20):
        knock("198.18.1.1")
    same("rule 54: once a second", ev.misses(), [])
    same("rule 54: ... but dropped all the same", n.drops("unmapped-asked"), 21)
    new_second()
    knock("198.18.1.1")
    same("rule 54: and again in the next", len(ev.misses()), 1)

    works("rule 54: the listener knows nothing of it", unknown, n, "198.18.1.1")
    new_second()
    same("rule 54: ... refused", knock("198.18.1.1"), errno.EHOSTUNREACH)
    same("rule 54: ... and not asked again", ev.misses(), [])
    same("rule 54: another address is", (knock("198.18.1.2"), len(ev.misses())), (0, 1))
    was = ("192.0.2.1", 17, 53)
    same("what was asked for, and whether it is refused", seen(n),
         {"198.18.1.1": (*was, True), "198.18.1.2": (*was, False)})
    works("rule 54: mapped", n.add_map, "198.18.1.2", GOOD)
    same("what has a mapping is none of them", seen(n), {"198.18.1.1": (*was, True)})
    same("rule 54: the next packet passes", (knock("198.18.1.2"), n.count_sessions()), (0, 1))
    n.add_map("198.18.1.1", GOOD)
    n.req("MAP_FLUSH", attr(C["MAP_A_ALL"]))
    new_second()
    same("rule 54: what was unknown and mapped since is asked again",
         (knock("198.18.1.1"), len(ev.misses())), (0, 1))
    unknown(n, "198.18.1.1")
    n.add_map("198.18.1.0/24", ["2001:db8:9::"])
    n.req("MAP_FLUSH", attr(C["MAP_A_ALL"]))
    new_second()
    same("rule 54: by a prefix likewise", (knock("198.18.1.1"), len(ev.misses())), (0, 1))
    unknown(n, "198.18.1.9")
    time.sleep(9)
    new_second()
    new_second()
    same("rule 54: unknown is said for 10 seconds", (knock("198.18.1.9"), len(ev.misses())), (0, 1))

    # limits
    sh("ip addr add 192.0.2.2/24 dev d0; ip addr add 192.0.2.3/24 dev d0")
    new_second()
    start, before = time.monotonic(), n.drops("unmapped")
    for i in range(1000):
        knock(f"198.18.{2 + i // 250}.{i % 250}", "192.0.2.2")
    most = 64 + 16 * (2 + int(time.monotonic() - start))
    got = len(ev.misses())
    ok("rule 54: a client that scans raises few events", 64 <= got <= most, f"{got}, {most}")
    same("rule 54: ... and is refused", n.drops("unmapped") - before, 1000 - got)
    same("rule 54: another client is not", (knock("198.18.9.9", "192.0.2.3"), len(ev.misses())),
         (0, 1))
    # of more than four that share a place the oldest is forgotten
    ok("what was told of is remembered", got <= len(seen(n)) <= got + 4, f"{len(seen(n))}, {got}")
    time.sleep(1)
    ok("rule 54: it may ask again a second later",
       not knock("198.18.9.10", "192.0.2.2") and len(ev.misses()) == 1)

    # settings
    new_second()
    n.req("PARAM_SET", attr(C["PARAM_A_UNMAPPED"], u8(C["UNMAPPED_DROP"])))
    knock("198.18.8.1")
    same("rule 54: unmapped drop: told", len(ev.misses()), 1)
    n.req("PARAM_SET", attr(C["PARAM_A_UNMAPPED"], u8(C["UNMAPPED_PASS"])))
    before = n.drops("unmapped-asked")
    knock("198.18.8.2")
    same("rule 54: unmapped pass: nobody is asked, nothing dropped",
         (ev.misses(), n.drops("unmapped-asked")), ([], before))
    n.req("PARAM_SET", attr(C["PARAM_A_UNMAPPED"], u8(C["UNMAPPED_REJECT"])))
    ev.close()
    same("rule 54: with the listener gone: refused", knock("198.18.8.3"), errno.EHOSTUNREACH)

    # listeners of other network namespaces are none
    net = os.open("/proc/self/ns/net", os.O_RDONLY)
    new_netns()
    elsewhere = Nat46("miss")
    setns(net)
    same("rule 54: a listener elsewhere is none here", knock("198.18.8.4"), errno.EHOSTUNREACH)
    same("rule 54: ... and hears nothing", elsewhere.misses(), [])
    same("rule 54: ... however often", [knock("198.18.8.4") for _ in range(3)],
         [errno.EHOSTUNREACH] * 3)


def setns(fd):
    from nat46 import libc
    if libc.setns(fd, 0):
        raise OSError("setns")


def test_fresh():
    n = flow_net()
    ev = Nat46("miss")
    A = C["MAP_A_FRESH"]
    fails("rule 59: without expires", errno.EINVAL, A, "expires", n.add_map, "198.18.0.1", GOOD,
          fresh=3)
    fails("rule 59: 0", errno.ERANGE, A, "", n.add_map, "198.18.0.1", GOOD, expires=9, fresh=0)
    works("rule 59: of 2 seconds", n.add_map, "198.18.0.1", GOOD, expires=900, fresh=2)
    same("rule 59: shown", num(n.get_map("198.18.0.1")[A]), 2)
    n.add_map("198.18.0.2", GOOD, expires=900)
    ok("rule 59: not shown where there is none", A not in n.get_map("198.18.0.2"))
    knock("198.18.0.1")
    same("rule 59: a session of a fresh one: nothing", ev.misses(), [])
    time.sleep(2.1)
    knock("198.18.0.1")
    knock("198.18.0.2")
    same("rule 59: a session later: told once", ev.misses(),
         [("198.18.0.1", True, "192.0.2.1", 17, 53)])
    for _ in range(5):
        knock("198.18.0.1")
    same("rule 59: and not again at once", ev.misses(), [])
    same("rule 59: all these sessions opened", n.count_sessions(), 8)
    time.sleep(2.1)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"x", ("198.18.0.1", 53))
    same("rule 59: but in the next two seconds", len(ev.misses()), 1)
    time.sleep(2.1)
    s.sendto(b"x", ("198.18.0.1", 53))
    same("rule 59: a packet of a session that is there says nothing", ev.misses(), [])
    s.close()
    n.add_map("198.18.0.1", GOOD, CREATE | REPLACE, expires=900, fresh=60)
    knock("198.18.0.1")
    same("rule 59: replaced, it is fresh again", ev.misses(), [])
    works("refresh", stale, n, "198.18.0.1")
    same("refresh: told at once", ev.misses(), [("198.18.0.1", True, "0.0.0.0", 0, 0)])
    fails("refresh: no mapping", errno.ENOENT, C["MISS_A_ADDR"], "no such", stale, n, "198.18.0.9")
    ev.close()
    fails("refresh: nobody listens", errno.ESRCH, None, "dns46", stale, n, "198.18.0.1")
