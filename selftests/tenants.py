#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Who may configure what, and what a hostile user can do to the others.

tenants.py TEST...: each in a process of its own, as root of a guest in which the
module is loaded. N: network namespaces (default 200).
"""
import errno
import os
import resource
import signal
import socket
import struct
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import nat46
from genl import C, CREATE, DUMP, NEW, REPLACE, REQUEST, NlError, attr, ip, u32
from nat46 import (Nat46, begin, commit, fails, mapping, new_netns, num, ok, policy, pool, same, sh,
                   wait)
from tenant import Gap, Rtnl, child, flows, net_here, nobody, unshare, user_ns, write

N = int(os.environ.get("N", "200"))
PARAMETERS = "/sys/module/nf_nat46/parameters/"
NEWNET, NEWUSER = 0x40000000, 0x10000000


def parameter(name):
    with open(PARAMETERS + name, encoding="ascii") as f:
        return f.read().strip()


def total(n):
    """Sessions of the machine, by a socket of the initial user namespace."""
    return n.info()[C["INFO_A_SESSIONS_ALL"]]


COMMANDS = [name for name in C if name.startswith("CMD_") and
            not name.endswith(("_UNSPEC", "_NTF", "CMD_INFO_GET"))]


def refused(n):
    """The commands that are not EPERM for whoever we are, on that socket."""
    bad = []
    for name in COMMANDS:
        said = set()
        for flags in (0, CREATE, DUMP):
            try:
                if flags == DUMP:
                    n.dump(C[name])
                else:
                    n.do(C[name], b"", flags)
                said.add(0)
            except NlError as e:
                said.add(e.errno)
        if errno.EPERM not in said or said - {errno.EPERM, errno.EOPNOTSUPP}:
            bad.append((name, sorted(said)))
    return bad


def joins(group):
    """May we listen to that group?"""
    try:
        Nat46(group).close()
        return True
    except PermissionError:
        return False


# ---- userns=0, and what is so whatever userns is -------------------------------------

def as_nobody(n):
    nobody()
    return refused(n), refused(Nat46()), joins("map")


def in_user_ns(n):
    """The initial network namespace, seen from a user namespace."""
    nobody()
    user_ns(0)
    return refused(n), refused(Nat46()), joins("map")


def in_own(n):
    """n is a socket of the initial network namespace, the other of our own."""
    nobody()
    user_ns()
    return refused(n), refused(Nat46())


def strangers_child():
    """A user namespace in ours has nothing to say about what is ours."""
    n = net_here()
    pid = os.fork()
    if not pid:
        unshare(NEWUSER)
        os._exit(bool(refused(n)) + 2 * bool(refused(Nat46())))
    return os.waitpid(pid, 0)[1]


def test_rights():
    n = Nat46()
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    same("the initial network namespace, a user: each command is EPERM", child(as_nobody, n),
         ([], [], False))
    same("... in a user namespace of his", child(in_user_ns, n), ([], [], False))
    theirs, own = child(in_own, n)
    same("... in his own network namespace, by a socket that root opened", theirs, [])
    if parameter("userns") == "N":
        same("... his own: each command is EPERM as well", own, [])
    else:
        ok("... his own: he may", own, own)
    same("nobody has changed anything", len(n.all("POOL_GET")[0]), 1)
    n.req("POOL_DEL", pool("198.18.0.0/16"))
    ok("INFO_GET is everybody's", child(anybody_asks))
    same("there were enough commands to try", len(COMMANDS) > 20, True)


def anybody_asks():
    nobody()
    info = Nat46().info()
    return C["INFO_A_API"] in info


# ---- userns=1 ---------------------------------------------------------------------------

def configures():
    nobody()
    user_ns()
    n = net_here()
    n.req("PARAM_SET", attr(C["PARAM_A_TIMEOUT_UDP"], u32(33)))
    token = begin(n)
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    n.req("SOURCE_ADD", nat46.source(dev="d0"), NEW)
    n.add_map("198.18.0.1", ["2001:db8:9::1"], name="mine.example")
    commit(n, token)
    flows(5)
    seen = n.info()
    return (len(n.sessions()), sorted(n.maps()), seen.get(C["INFO_A_SESSIONS_ALL"]),
            seen[C["INFO_A_SESSIONS_MAX"]], joins("map"))


def test_userns():
    n = Nat46()
    most = n.info()[C["INFO_A_SESSIONS_MAX"]]
    same("a user configures his own network namespace, and has sessions", child(configures),
         (5, ["198.18.0.1"], None, most // 2, True))
    same("... nobody else's", (len(n.all("POOL_GET")[0]), n.maps()), (0, {}))
    same("a user namespace in his has no say in it", child(nested), 0)
    with open(PARAMETERS + "userns", encoding="ascii") as f:
        same("the parameter is not to be written", (f.read().strip(),
             os.stat(PARAMETERS + "userns").st_mode & 0o222), ("Y", 0))


def nested():
    nobody()
    user_ns()
    return strangers_child()


def many(report, go_on):
    """N network namespaces of one user, three flows in each; all stay."""
    packet = {"src": "192.0.2.1", "dst": "198.18.0.1", "proto": 17, "sport": 9999, "dport": 53}
    told = []
    nobody()
    user_ns(0)
    made = dropped = 0
    keep = []
    start = time.monotonic()
    for _ in range(N):
        unshare(NEWNET)
        n = net_here()
        told.append(n.explain(**packet).get("DROP"))
        flows(3)
        made += len(n.sessions())
        for kind, value in n.req("STATS_GET"):
            c = dict(nat46.parse(value))
            if kind == C["STATS_A_DROP"] and c[C["COUNTER_A_NAME"]] == b"max-sessions\0":
                dropped += num(c[C["COUNTER_A_VALUE"]])
        n.close()
        keep.append(os.open("/proc/self/ns/net", os.O_RDONLY))
    took = time.monotonic() - start
    os.write(report, repr((made, dropped, told[0], told[-1], took)).encode())
    os.read(go_on, 1)


def test_many():
    resource.setrlimit(resource.RLIMIT_NOFILE, (N + 500, N + 500))
    new_netns()
    n = net_here()
    ok("those before have gone", wait(60, lambda: not total(n)), total(n))
    most = n.info()[C["INFO_A_SESSIONS_MAX"]]
    same("max_sessions is what the test was loaded with", most, 2 * N)
    r, w = os.pipe()
    go, end = os.pipe()
    gap = Gap()
    gap.start()
    pid = os.fork()
    if not pid:
        os.close(end)
        many(w, go)
        os._exit(0)
    os.close(w)
    os.close(go)
    text = os.read(r, 4096).decode() or "(0, 0, 0, 0, 0)"
    made, dropped, first, last, took = eval(text)		# noqa: our child's repr
    print(f"# {N} network namespaces with three flows each in {took:.1f} s: "
          f"{made} sessions, {dropped} refused")
    same("all of them together have half of the machine's sessions", made, N)
    same("... each flow beyond is refused as max-sessions", dropped, 2 * N)
    same("... of which explain tells, once they have it", (first, last), (None, b"max-sessions\0"))
    same("... the machine's count is theirs", total(n), N)
    own = min(100, N // 2)
    flows(own)
    same("the machine's own has room all the same", len(n.sessions()), own)
    os.close(end)
    os.waitpid(pid, 0)
    start = time.monotonic()
    ok("when the user goes, all that is his goes", wait(120, lambda: total(n) == own), total(n))
    print(f"# {N} gone {time.monotonic() - start:.1f} s after their user; "
          f"the longest that a process had to wait: {gap.stop():.2f} s")
    same("... and nobody else's", len(n.sessions()), own)


def short_life(k):
    nobody()
    user_ns()
    n = net_here(maps=20)
    begin(n)
    for i in range(20):
        flows(1, 20000 + i, f"198.18.0.{i + 1}")
    for k in range(k % 3):
        n.req("POLICY_ADD", policy(f"2001:db8:66:{k}::/64", "DENY"), NEW)
    return len(n.sessions())


def test_churn():
    """Made and gone in a loop, with sessions, while others have traffic."""
    new_netns()
    n = net_here()
    write(PARAMETERS + "max_sessions", "1000000")	# who is gone may not have left yet
    pid = os.fork()
    if not pid:
        while True:
            flows(50)
    bad = sum(child(short_life, k) != 20 for k in range(N))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    same(f"{N} short-lived tenants had their sessions", bad, 0)
    ok("all of these are gone", wait(60, lambda: total(n) == len(n.sessions())), total(n))
    same("ours are not", len(n.sessions()), 50)


# ---- memory ----------------------------------------------------------------------------

GROUP = "/sys/fs/cgroup/tenant"


def group_bytes():
    """What the group is charged for: the kernel's memory. memory.current runs ahead
    of that by up to 64 pages a CPU; this is brought up to date every two seconds."""
    time.sleep(2.5)
    with open(GROUP + "/memory.stat", encoding="ascii") as f:
        return int(dict(line.split() for line in f)["kernel"])


def fill(n, count, first=0):
    for i in range(first, first + count):
        n.add_map(f"198.18.{(i >> 8) + 1}.{i & 255}", ["2001:db8:9::1"], name=f"{i:x}." + "n" * 200)


def charged():
    write(GROUP + "/cgroup.procs", str(os.getpid()))
    nobody()
    user_ns()
    n = net_here()
    was = group_bytes()
    fill(n, 5000)
    maps = group_bytes() - was
    was = group_bytes()
    for i in range(2000):
        n.req("POLICY_ADD", policy(f"2001:db8:{i:x}::/48", "DENY"), NEW)
    return maps, group_bytes() - was


def glutton():
    write(GROUP + "/cgroup.procs", str(os.getpid()))
    nobody()
    user_ns()
    n = net_here()
    try:
        fill(n, 20000)			# 8 MiB
    except NlError as e:
        return e.errno
    return 0


def test_memory():
    write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")
    os.mkdir(GROUP)
    maps, policies = child(charged) or (0, 0)
    print(f"# charged: 5000 mappings {maps >> 10} KiB, 2000 policies {policies >> 10} KiB")
    ok("mappings are charged to who makes them", maps > 5000 * (256 + 128), maps)
    # one array, an entry of 28 bytes each; what is charged by bytes moves in whole pages
    ok("so are policies", policies > 2000 * 28 - 2 * 4096, policies)
    was = int(sh("awk '/MemAvailable/ {print $2}' /proc/meminfo"))
    write(GROUP + "/memory.max", str(4 << 20))
    said = child(glutton)
    ok("who wants more than his group has is refused, or ended", said in (errno.ENOMEM, None), said)
    left = lambda: int(sh("awk '/MemAvailable/ {print $2}' /proc/meminfo")) > was - 16384
    ok("... and the machine has its memory", wait(20, left))
    os.rmdir(GROUP)


# ---- what a hostile user may try ---------------------------------------------------------

def mappings_until_refused(want):
    nobody()
    user_ns()
    n = net_here(maps=0)
    for i in range(want):
        n.add_map(f"198.18.1.{i}", ["2001:db8:9::1"])
    try:
        n.add_map("198.18.2.1", ["2001:db8:9::1"])
    except NlError as e:
        # a restore is no way around it
        token = begin(n)
        n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
        try:
            n.add_map("198.18.2.1", ["2001:db8:9::1"])
        except NlError:
            return e.errno, e.msg
    return 0, ""


def test_limits():
    new_netns()
    n = net_here()
    was = parameter("userns_max_mappings")
    write(PARAMETERS + "userns_max_mappings", "100")
    want = (errno.ENOSPC, "user namespaces have as many mappings as they may")
    for k in range(3):		# those of the one before leave a little later than he
        ok(f"mappings of user namespaces are bounded, {k}",
           wait(30, lambda: child(mappings_until_refused, 100) == want), want)
    for i in range(150):
        n.add_map(f"198.18.1.{i}", ["2001:db8:9::1"])
    same("... the machine's own are not", len(n.maps()), 151)
    write(PARAMETERS + "userns_max_mappings", was)
    write(PARAMETERS + "userns_max_sessions", "7")
    wait(30, lambda: not total(n))
    same("their sessions have a bound of their own", child(bounded, 20), (7, 7))
    write(PARAMETERS + "userns_max_sessions", "0")
    for what, num_, call in (("policies", errno.ENOSPC, child(too_many, "policies")),
                             ("pools", errno.ENOSPC, child(too_many, "pools")),
                             ("sources", errno.ENOSPC, child(too_many, "sources"))):
        same(f"{what} are bounded", call, num_)
    said = child(names)
    ok("a name too long is refused, and an owner",
       len(said) == 2 and set(said) <= {errno.ERANGE, errno.EINVAL}, said)


def bounded(count):
    nobody()
    user_ns()
    n = net_here()
    flows(count)
    return len(n.sessions()), n.info()[C["INFO_A_SESSIONS_MAX"]]


def too_many(what):
    nobody()
    user_ns()
    n = net_here()
    try:
        for i in range(10000):
            if what == "policies":
                n.req("POLICY_ADD", policy(f"2001:db8:{i:x}::/48", "DENY"), NEW)
            elif what == "pools":
                n.req("POOL_ADD", pool(f"100.{64 + i // 256}.{i % 256}.0/24"), NEW)
            else:
                n.req("SOURCE_ADD", nat46.source(dev="d0", frm=f"10.{i // 256}.{i % 256}.0/24"), NEW)
    except NlError as e:
        return e.errno
    return 0


def names():
    nobody()
    user_ns()
    n = net_here()
    said = []
    for kw in ({"name": "n" * 256}, {"owner": "o" * 16}):
        try:
            n.add_map("198.18.0.9", ["2001:db8:9::1"], **kw)
            said.append(0)
        except NlError as e:
            said.append(e.errno)
    return said


def slow_dump(count, seconds):
    """A filter that takes long for each name, and fits none."""
    nobody()
    user_ns()
    n = net_here(maps=0)
    for i in range(count):
        n.add_map(f"198.18.{(i >> 8) + 1}.{i & 255}", ["2001:db8:9::1"], name="a" * 250 + f"{i:x}")
    end, dumps = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        n.maps(attr(C["MAP_A_NAME"], "*" + "a" * 120 + "b"))
        dumps += 1
    return dumps


def holds_lock(seconds):
    """Large changes, and devices that go down while they are made."""
    nobody()
    user_ns()
    n = net_here(maps=0)
    pid = os.fork()
    if not pid:
        r = Rtnl()
        index = socket.if_nametoindex("d0")
        while True:
            for flags in (0, 1):
                r.do(16, struct.pack("=BxHiII", 0, 0, index, flags, 1), 0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        fill(n, 3000)
        n.req("MAP_FLUSH", attr(C["MAP_A_ALL"]))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def never_commits():
    nobody()
    user_ns()
    n = net_here()
    begin(n)
    pid = os.fork()
    if not pid:
        m = Nat46()
        try:
            begin(m)
            os._exit(1)
        except NlError as e:
            os._exit(e.errno)
    busy = os.waitpid(pid, 0)[1] >> 8
    n.close()		# as if it had been killed
    m = Nat46()
    begin(m)
    return busy


def batch():
    """Thousands of requests in one message."""
    nobody()
    user_ns()
    n = net_here(maps=0)
    parts = []	# joined at once: a guest takes a minute for what is copied 3000 times
    for i in range(3000):
        n.seq += 1
        data = mapping(f"198.18.{(i >> 8) + 1}.{i & 255}", ["2001:db8:9::1"], name="x" * 200)
        part = nat46_message(n, "MAP_ADD", data)
        parts.append(part + b"\0" * (-len(part) % 4))
    raw = b"".join(parts)
    n.s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    at, sent = 0, 0
    try:
        n.s.send(raw)
        sent = 3000
    except OSError as e:
        if e.errno != errno.EMSGSIZE:
            raise
        size = 100 * (len(raw) // 3000)
        for at in range(0, len(raw), size):
            n.s.send(raw[at:at + size])
        sent = 3000
    m = Nat46()
    return sent, len(m.maps())


def nat46_message(n, cmd, data):
    return struct.pack("=IHHIIBBH", 20 + len(data), n.family, REQUEST | NEW, n.seq, 0, C["CMD_" + cmd],
                       1, 0) + data


def test_hostile():
    new_netns()
    n = net_here()
    idle = Gap()
    idle.start()
    time.sleep(1)
    limit = 0.5 + 10 * idle.stop()	# a busy machine waits for itself
    for name, fn, args in (("a filter that takes long", slow_dump, (4000, 4)),
                           ("large changes while devices go down", holds_lock, (4,))):
        gap = Gap()
        gap.start()
        pid = os.fork()
        if not pid:
            os._exit(not fn(*args))
        r = Rtnl()
        worst = 0.0
        lo = 1
        while not os.waitpid(pid, os.WNOHANG)[0]:
            start = time.monotonic()
            r.up(lo)				# needs RTNL
            n.add_map("198.18.0.2", ["2001:db8:9::2"], REPLACE | CREATE)
            worst = max(worst, time.monotonic() - start)
            time.sleep(0.02)
        most = gap.stop()
        print(f"# {name}: the longest wait of a process {most:.3f} s, of a request elsewhere {worst:.3f} s")
        ok(f"{name}: nobody else waits for long", max(most, worst) < limit,
           (most, worst, limit))
    same("a restore that is never committed: one at a time, and gone with its socket",
         child(never_commits), errno.EBUSY)
    same("3000 requests in one message", child(batch), (3000, 3000))


def main():
    worst = 0
    for name in sys.argv[1:]:
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            nat46.failed = 0
            try:
                globals()["test_" + name]()
            except BaseException:	# a test that dies has failed
                ok(f"{name} ran to its end", False, traceback.format_exc())
            sys.stdout.flush()
            os._exit(nat46.failed > 0)
        if os.waitpid(pid, 0)[1]:
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main())
