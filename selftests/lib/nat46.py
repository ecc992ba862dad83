# SPDX-License-Identifier: GPL-2.0
"""Requests of the family "nat46", and findings printed as TAP."""
import ctypes
import socket
import subprocess
import sys
import time

from genl import C, NEW, Genl, NlError, attr, be16, ip, parse, u8, u16, u32

failed = 0


def ok(name, good, detail=""):
    global failed
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
    p = subprocess.run(text, shell=True, check=False, capture_output=True, text=True)
    if check and p.returncode:
        raise OSError(p.returncode, f"{text}: {p.stderr.strip()}")
    return p.stdout


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


def source(dev=None, lo=None, hi=None, ports=None, frm=None, more=(), kind=None, prefix=None):
    if prefix:
        lo, plen = prefix.split("/")
        kind = C["SOURCE_PREFIX"]
    out = attr(C["SOURCE_A_TYPE"], u8(kind or C["SOURCE_DEV" if dev else "SOURCE_ADDR"]))
    if dev:
        out += attr(C["SOURCE_A_IFNAME"], dev)
    if lo:
        out += attr(C["SOURCE_A_ADDR_LO"], ip(lo))
    if hi:
        out += attr(C["SOURCE_A_ADDR_HI"], ip(hi))
    if prefix:
        out += attr(C["SOURCE_A_PLEN"], u8(int(plen)))
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


def mapping(addr, targets, name=None, owner=None, expires=None, hold=None, inbound=False,
            fresh=None):
    addr, _, plen = addr.partition("/")
    out = attr(C["MAP_A_ADDR"], ip(addr))
    if plen:
        out += attr(C["MAP_A_PLEN"], u8(int(plen)))
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
    if fresh is not None:
        out += attr(C["MAP_A_FRESH"], u32(fresh))
    if inbound:
        out += attr(C["MAP_A_INBOUND"])
    return out


def mapped(a):
    plen = a[C["MAP_A_PLEN"]][0]
    return str(ip(a[C["MAP_A_ADDR"]])) + (f"/{plen}" if plen != 32 else "")


class Nat46(Genl):
    def req(self, cmd, data=b"", flags=0):
        return self.do(C["CMD_" + cmd], data, flags)

    def all(self, cmd, data=b"", slowly=None):
        return self.dump(C["CMD_" + cmd], data, slowly)

    def add_map(self, addr, targets, flags=NEW, **kw):
        return self.req("MAP_ADD", mapping(addr, targets, **kw), flags)

    def get_map(self, addr):
        return dict(self.req("MAP_GET", mapping(addr, None)))

    def maps(self, data=b""):
        return {mapped(dict(m)): dict(m) for m in self.all("MAP_GET", data)[0]}

    def info(self):
        return {k: num(v) for k, v in self.req("INFO_GET") if len(v) == 4}

    def sessions(self, data=b""):
        return [dict(s) for s in self.all("SESSION_GET", data)[0]]

    def count_sessions(self, data=b""):
        return num(dict(self.req("SESSION_COUNT", data))[C["SESSION_A_COUNT"]])

    def explain(self, **kw):
        """What would become of such a packet: {name of an EXPLAIN_A_: its value}."""
        kinds = {"src": ("SRC4", ip), "dst": ("DST4", ip), "proto": ("PROTO", u8),
                 "sport": ("SPORT4", be16), "dport": ("DPORT", be16), "iif": ("IIF", u32),
                 "mark": ("MARK", u32)}
        said = dict(self.req("EXPLAIN", b"".join(attr(C["EXPLAIN_A_" + kinds[k][0]], kinds[k][1](v))
                                                 for k, v in kw.items())))
        return {name[10:]: said[C[name]] for name in C if name.startswith("EXPLAIN_A_") and C[name] in said}

    def drops(self, reason):
        for kind, data in self.req("STATS_GET"):
            c = dict(parse(data))
            if kind == C["STATS_A_DROP"] and c[C["COUNTER_A_NAME"]] == reason.encode() + b"\0":
                return num(c[C["COUNTER_A_VALUE"]])
        raise KeyError(reason)

    def heard(self, seconds):
        """The messages of our groups, until none comes for so long."""
        self.s.settimeout(seconds)
        out = []
        try:
            while True:
                out += [dict(parse(body[4:])) for _, _, _, body in self.messages()]
        except TimeoutError:
            pass
        self.s.settimeout(None)
        return out

    def misses(self, seconds=0.3):
        """Of group "miss": (address, is it stale?, client, protocol, port)"""
        return [(str(ip(a[C["MISS_A_ADDR"]])), C["MISS_A_STALE"] in a, str(ip(a[C["MISS_A_CLIENT"]])),
                 a[C["MISS_A_PROTO"]][0], int.from_bytes(a[C["MISS_A_DPORT"]], "big"))
                for a in self.heard(seconds)]

    def events(self, seconds=0.5):
        return [(a[C["MAP_A_EVENT"]][0], mapped(a)) for a in self.heard(seconds)]


def begin(n, owner=None):
    data = attr(C["RESTORE_A_OWNER"], owner) if owner else b""
    return dict(n.req("RESTORE_BEGIN", data))[C["RESTORE_A_TOKEN"]]


def commit(n, token, force=False):
    n.req("RESTORE_COMMIT", attr(C["RESTORE_A_TOKEN"], token) +
          (attr(C["RESTORE_A_FORCE"]) if force else b""))


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
