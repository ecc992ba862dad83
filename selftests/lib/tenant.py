# SPDX-License-Identifier: GPL-2.0
"""A tenant: a user namespace of an ordinary user, and network namespaces that
it makes and sets up itself, by rtnetlink, so quickly that a thousand are no matter."""
import ctypes
import os
import socket
import struct
import threading

from genl import attr, ip, u32
from nat46 import NEW, Nat46, libc, mapping, pool, source

NEWUSER, NEWNET = 0x10000000, 0x40000000
NEWLINK, NEWADDR, NEWROUTE = 16, 20, 24


def unshare(flags):
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def nobody():
    """Gives up root, but for what any user may do."""
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    libc.prctl(4, 1, 0, 0, 0)		# PR_SET_DUMPABLE, or /proc/self is root's


def user_ns(flags=NEWNET):
    """An ordinary user's own user namespace, in which he is root."""
    uid, gid = os.getuid(), os.getgid()
    unshare(NEWUSER | flags)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"0 {uid} 1")
    write("/proc/self/gid_map", f"0 {gid} 1")


class Rtnl:
    def __init__(self):
        self.s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)

    def do(self, kind, body, flags=0x600):	# CREATE | EXCL
        self.s.send(struct.pack("=IHHII", 16 + len(body), kind, 5 | flags, 1, 0) + body)
        data = self.s.recv(65536)
        num = struct.unpack_from("i", data, 16)[0]
        if num:
            raise OSError(-num, f"rtnetlink request {kind}")

    def dummy(self, name):
        self.do(NEWLINK, struct.pack("=BxHiII", 0, 0, 0, 1, 1) +	# up
                attr(3, name) + attr(4, u32(1500)) + attr(18, [attr(1, b"dummy")]))
        return socket.if_nametoindex(name)

    def up(self, index):
        self.do(NEWLINK, struct.pack("=BxHiII", 0, 0, index, 1, 1), 0)

    def addr(self, prefix, index):
        a, plen = prefix.split("/")
        a = ip(a)
        self.do(NEWADDR, struct.pack("=BBBBI", 2 if a.version == 4 else 10, int(plen), 2, 0, index) +
                attr(1, a) + attr(2, a))

    def route(self, prefix, index):
        a, plen = prefix.split("/")
        a = ip(a)
        self.do(NEWROUTE, struct.pack("=BBBBBBBBI", 2 if a.version == 4 else 10, int(plen), 0, 0,
                                      254, 4, 253 if a.version == 4 else 0, 1, 0) +
                attr(1, a) + attr(4, u32(index)))

    def close(self):
        self.s.close()


def net_here(target="2001:db8:9::1", maps=1):
    """In the network namespace that we are in: a way to nowhere, a pool, a source, mappings."""
    r = Rtnl()
    r.up(1)
    d = r.dummy("d0")
    r.addr("192.0.2.1/24", d)
    r.addr("2001:db8:1::1/64", d)
    r.route("198.18.0.0/16", d)
    r.route("::/0", d)
    r.close()
    n = Nat46(rcvbuf=1 << 16)
    n.req("POOL_ADD", pool("198.18.0.0/16"), NEW)
    n.req("SOURCE_ADD", source(dev="d0"), NEW)
    for i in range(maps):
        n.add_map(f"198.18.{(i + 1) >> 8}.{(i + 1) & 255}", [target])
    return n


def flows(count, first=10000, addr="198.18.0.1"):
    """So many datagrams, each a flow; how many the kernel let go."""
    sent = 0
    for i in range(count):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.bind(("0.0.0.0", first + i))
            s.sendto(b"x", (addr, 53))
            sent += 1
        except OSError:
            pass
        s.close()
    return sent


def child(fn, *args):
    """Runs in a process of its own; what it returns comes back."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            out = fn(*args)
            os.write(w, repr(out).encode())
            code = 0
        except BaseException as e:	# the parent is to see it
            os.write(w, repr(f"{type(e).__name__}: {e}").encode())
        os._exit(code)
    os.close(w)
    text = b""
    while True:
        more = os.read(r, 65536)
        if not more:
            break
        text += more
    os.close(r)
    os.waitpid(pid, 0)
    return eval(text.decode()) if text else None	# noqa: our own repr


class Gap(threading.Thread):
    """How long did this machine let a process wait?"""

    def __init__(self):
        super().__init__()
        self.most, self.go = 0.0, True

    def run(self):
        import time
        last = time.monotonic()
        while self.go:
            time.sleep(0.01)
            now = time.monotonic()
            self.most, last = max(self.most, now - last), now

    def stop(self):
        self.go = False
        self.join()
        return self.most
