#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""ports.py SESSIONS CONNECTIONS MASQUERADED: flows of a pod, of the node itself, and
of an IPv6 pod behind the node's address, all to one server from the same ports.

Each flow says who it is, the server says it back, and whoever hears another's name
has stolen a packet. As root, in the network of ports.sh. Prints ok and not ok.
"""
import ctypes
import errno
import os
import resource
import select
import signal
import socket
import sys
import time

SERVER6 = "2001:db8:9::7"
MAPPED = "198.18.0.7"
TCP_PORT = 9001
UDP_PORTS = range(9003, 9008)
OURS = [*range(61000, 65536), *range(10000, 30000)]	# of a dev source
LISTEN_UDP, LISTEN_TCP = 20000, 20001
BATCH = 200

libc = ctypes.CDLL(None, use_errno=True)


def enter(netns):
    """Sockets made from now on are of that network namespace, wherever they are used."""
    with open("/run/netns/" + netns, "rb") as f:
        if libc.setns(f.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")


def finding(good, name, *why):
    print(("ok - " if good else "not ok - ") + name, flush=True)
    for w in why if not good else ():
        print("#  ", w, flush=True)


def udp(family, port=0):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind(("", port))
    s.settimeout(5)
    return s


def serve():
    """What comes is sent back to where it came from, until we are killed."""
    enter("internet6")
    ep = select.epoll()
    by_fd = {}
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", TCP_PORT))
    listener.listen(4096)
    for port in UDP_PORTS:
        s = udp(socket.AF_INET6, port)
        s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)	# SO_RCVBUFFORCE
        s.setblocking(False)
        by_fd[s.fileno()] = s
        ep.register(s, select.EPOLLIN)
    ep.register(listener, select.EPOLLIN)
    while True:
        for fd, _ in ep.poll():
            if fd == listener.fileno():
                s = listener.accept()[0]
                by_fd[s.fileno()] = s
                ep.register(s, select.EPOLLIN)
                continue
            s = by_fd[fd]
            try:
                if s.type == socket.SOCK_DGRAM:
                    for _ in range(BATCH):
                        data, to = s.recvfrom(100)
                        s.sendto(data, to)
                else:
                    data = s.recv(100)
                    if not data:
                        raise ConnectionError
                    s.sendall(data)
            except BlockingIOError:
                pass
            except OSError:
                if s.type != socket.SOCK_DGRAM:
                    ep.unregister(s)
                    by_fd.pop(fd).close()


class Stream:
    """A TCP connection."""

    def __init__(self, name, family, to, port):
        self.name = name
        self.s = socket.socket(family)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port:
            self.s.bind(("", port))
        self.s.settimeout(30)
        self.s.connect((to, TCP_PORT))

    def ask(self):
        try:
            self.s.sendall(self.name)
        except OSError:
            pass

    def answers(self):
        try:
            return {self.name} == {self.s.recv(100)}
        except OSError:
            return False


class Datagrams:
    """A UDP socket, and a flow to each of some ports."""

    def __init__(self, name, family, to, ports, port=0):
        self.name = name
        self.s = udp(family, port)
        self.to, self.ports = to, ports
        self.missing = set(ports)
        self.stolen = []

    def ask(self):
        self.missing = set(self.ports)
        self.again()

    def again(self):
        for p in self.missing:
            try:
                self.s.sendto(self.name + b" %d" % p, (self.to, p))
            except OSError as e:
                if e.errno != errno.EADDRNOTAVAIL:
                    raise

    def answers(self):
        while self.missing:
            try:
                data, where = self.s.recvfrom(100)
            except OSError:
                return False
            if data != self.name + b" %d" % where[1]:
                self.stolen.append((self.name, data))
                return False
            self.missing.discard(where[1])
        return True


def ask_all(flows):
    """Those that are not answered."""
    bad = []
    for i in range(0, len(flows), BATCH):
        part = flows[i:i + BATCH]
        for f in part:
            f.ask()
        for f in part:
            if bad:	# who has no answer by now has had the others' time
                f.s.settimeout(0.3)
            if not f.answers():
                bad.append(f)
    return bad


def persist(flows):
    """A packet that is refused comes again: how often it did, and who has no answer."""
    bad = flows
    tries = 0
    for f in bad:
        f.s.settimeout(0)
        f.ask()
    while True:
        left = None	# all wait at once, for as long as answers come
        while bad and left != (left := sum(len(f.missing) for f in bad)):
            time.sleep(0.3)
            bad = [f for f in bad if not f.answers() and not f.stolen]
        if not bad or tries == 40:
            break
        tries += 1
        for f in bad:
            f.again()
    for f in flows:
        f.s.settimeout(5)
    return tries, bad


def names(flows):
    return [str([f.name for f in flows[:10]]), str([f.stolen for f in flows if getattr(f, "stolen", 0)][:5])]


def main():
    sessions, connections, masqueraded = map(int, sys.argv[1:4])
    limit = 2 * (sessions + connections + masqueraded) + 10000
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    server = os.fork()
    if not server:
        serve()
    try:
        time.sleep(0.5)
        run(sessions, connections, masqueraded)
    finally:
        os.kill(server, signal.SIGKILL)


def run(sessions, connections, masqueraded):
    six, four = socket.AF_INET6, socket.AF_INET
    t = time.monotonic()

    # the node's own: in our ports, and where its kernel puts them
    enter("node")
    listeners = [udp(six, LISTEN_UDP), socket.socket(six)]
    listeners[1].bind(("::", LISTEN_TCP))
    listeners[1].listen()
    taken = [p for p in OURS if p != LISTEN_TCP][:connections // 2]
    host = [Stream(b"host %d" % i, six, SERVER6, taken[i] if i < len(taken) else 0)
            for i in range(connections)]
    host += [Datagrams(b"host-udp %d" % p, six, SERVER6, UDP_PORTS[:1], p)
             for p in OURS[200:200 + connections // 20] if p != LISTEN_UDP]
    bad = ask_all(host)
    finding(not bad, f"{len(host)} connections of the node, {len(taken)} of them in our ports", *names(bad))

    enter("pod6")
    half = masqueraded // 2
    masq = [Datagrams(b"masq %d" % i, six, SERVER6, UDP_PORTS) for i in range(half)]
    _, bad = persist(masq)
    finding(not bad, f"{half * len(UDP_PORTS)} masqueraded flows of another pod", *names(bad))

    # the pod's ports are those that the others have
    enter("pod")
    wide = [*OURS, *range(30000, 61000), *range(2000, 10000)]
    wide.remove(LISTEN_UDP)
    wide.insert(0, LISTEN_UDP)
    ours = [Datagrams(b"pod %d" % p, four, MAPPED, UDP_PORTS, p)
            for p in wide[:sessions // len(UDP_PORTS)]]
    bad = ask_all(ours)
    finding(not bad, f"{len(ours) * len(UDP_PORTS)} sessions of a pod, from the same ports", *names(bad))
    tcp = []
    try:
        tcp = [Stream(b"pod-tcp %d" % p, four, MAPPED, p)
               for p in [LISTEN_TCP, *taken[:max(100, len(taken) // 10)]]]
        bad = ask_all(tcp)
    except OSError as e:
        bad = [e]
        e.name = str(e)
    finding(not bad, f"{len(tcp)} of TCP, from the ports of the node's connections", *names(bad))

    enter("pod6")
    more = [Datagrams(b"more %d" % i, six, SERVER6, UDP_PORTS) for i in range(half)]
    tries, bad = persist(more)
    finding(not bad, f"{half * len(UDP_PORTS)} more that are masqueraded when the sessions are there", *names(bad))
    print(f"# {tries} tries", flush=True)

    for what, flows in ("the node's", host), ("the masqueraded", masq + more), ("the pod's", ours + tcp):
        bad = ask_all(flows)
        finding(not bad, f"{what} are all answered, each with its own", *names(bad))
    finding(not select.select(listeners, [], [], 0)[0], "the node's listeners heard nothing")
    print("# %d seconds" % (time.monotonic() - t), flush=True)


main()
