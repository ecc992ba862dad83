#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Ends of the relay, and of the whole machine, at random moments under load.

  kills N         in a guest: N times kill -9. Prints TAP.
  upstream [FILE] only the upstream: names that have AAAA alone, on 127.0.0.2; those of
                  r* rotate every second. Each question is a line of FILE.
  generation G    in a guest whose disk is at /dev/ubda: what former generations
                  were given (the file $GIVEN) still means the same; then load until
                  the power is cut. Tells of it by the kernel's log, which leaves
                  the guest at once.

What must hold, after each end: every address that a client was ever given means the
same name: to the kernel, to the relay, and to whoever asks again; and no two names
were ever given one address.
"""
import hashlib
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

from dnsq import query
from genl import NlError, attr
from nat46 import C, Nat46, ok, sh

D, UP = ("127.0.0.1", 53), ("127.0.0.2", 53)
DIR = os.environ.get("STATE", "/run/crash")
BURST = 8
DNS46 = os.environ.get("DNS46", "dns46")


# ---- the upstream: every name has AAAA alone; those of r* rotate ---------------

def targets(name):
    label = name.split(b".")[0]
    turn = int(time.time()) if label.startswith(b"r") else 0
    return [b"\x20\x01\x0d\xb8" + hashlib.sha1(name + bytes([(turn + i) % 7])).digest()[:12]
            for i in range(2)]


def unwire(m, at=12):
    out = []
    while m[at]:
        out.append(m[at + 1:at + 1 + m[at]])
        at += 1 + m[at]
    return b".".join(out).lower(), at + 1


def upstream(count=None):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
    s.bind(UP)
    soa = b"\xc0\x0c\0\6\0\1\0\0\0\x3c\0\x16\0\0" + struct.pack(">5I", 1, 60, 60, 60, 60)
    while True:
        q, peer = s.recvfrom(4096)
        name, end = unwire(q)
        if count:
            with open(count, "ab") as f:
                f.write(name + b"\n")
        asked = struct.unpack_from(">H", q, end)[0]
        answers = b"".join(b"\xc0\x0c\0\x1c\0\1\0\0\0\x1e\0\x10" + t for t in targets(name)) \
            if asked == 28 else b""
        head = q[:2] + b"\x81\x80\0\1" + struct.pack(">HHH", 2 if answers else 0,
                                                     0 if answers else 1, 0)
        s.sendto(head + q[12:end + 4] + (answers or soa), peer)


# ---- clients --------------------------------------------------------------------

class Clients:
    def __init__(self):
        self.given, self.owner = {}, {}		# name -> address, and back
        self.fresh = []				# given since the last look
        self.wrong = []

    def got(self, name, address):
        if self.given.setdefault(name, address) != address:
            self.wrong.append(f"{name}: {self.given[name]}, now {address}")
        elif self.owner.setdefault(address, name) != name:
            self.wrong.append(f"{address}: {self.owner[address]}, now {name}")

    def ask(self, names, stop, window=16, report=None):
        """Until all are answered, or @stop; returns the answered."""
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(D)
        s.setblocking(False)
        left, flying, answered = list(names), {}, []
        over = False
        while (left or flying) and not over:
            over = stop()		# what has come by then is read still
            now = time.monotonic()
            while left and len(flying) < window and not over:
                n = random.randrange(65536)
                while n in flying:
                    n = random.randrange(65536)
                flying[n] = (left.pop(), now)
                self.send(s, n, flying[n][0])
            if not select.select([s], [], [], 0 if over else 0.02)[0]:
                for n, (name, when) in list(flying.items()):
                    if now - when > 1:
                        flying[n] = (name, now)
                        self.send(s, n, name)
                continue
            batch = self.read(s, flying)
            if report and batch:
                report(batch)
            for name, address in batch:
                if name not in self.given:
                    self.fresh.append(name)
                self.got(name, address)
                answered.append(name)
        s.close()
        return answered

    @staticmethod
    def read(s, flying):
        """[(name, address)] of the answers that have come"""
        batch = []
        try:
            while True:
                m = s.recv(4096)
                n = struct.unpack_from(">H", m)[0]
                if n not in flying or m[3] & 15 or not m[7]:
                    continue	# SERVFAIL: it is asked again a second later
                name = flying[n][0]
                if unwire(m)[0].decode() != name:
                    continue
                del flying[n]
                at = m.index(b"\0\1\0\1", unwire(m)[1] + 4)
                batch.append((name, socket.inet_ntoa(m[at + 10:at + 14])))
        except OSError:
            pass
        return batch

    def load(self, tag, stop, pause, most, report=None):
        """Bursts of new names, @most in all, and of old ones, until @stop."""
        made = 0
        while not stop():
            n = min(BURST, most - made)
            old = random.sample(list(self.given), min(BURST - n // 2, len(self.given)))
            self.ask(new_names(f"{tag}-{made}", n) + old, stop, report=report)
            made += n
            time.sleep(random.uniform(0, pause))

    @staticmethod
    def send(s, n, name):
        try:
            s.send(query(name, "A", False, n))
        except OSError:
            pass		# nobody is there


def new_names(tag, n):
    return [f"{'r' if i % 8 == 0 else 'n'}{i}-{tag}.z{random.randrange(99)}.example"
            for i in range(n)]


# ---- the relay --------------------------------------------------------------------

def network():
    sh(f"""insmod {os.environ['NAT46_KO']}
           ip addr add 127.0.0.2/8 dev lo 2>/dev/null; ip link set lo up
           nat46 pool add 198.18.0.0/16""")
    threading.Thread(target=upstream, daemon=True).start()


def configure():
    os.makedirs(DIR, exist_ok=True)
    with open("/run/crash.conf", "w", encoding="ascii") as f:
        f.write(f"listen 127.0.0.1\nupstream 127.0.0.2\npool 198.18.0.0/16\nmax-per-client 0\n"
                f"store file {DIR}/leases\nkey-file {DIR}/key\nhold 24h\n")


class Relay:
    def __init__(self):
        with open("/run/crash.log", "wb") as log:
            self.p = subprocess.Popen([DNS46, "-f", "-c", "/run/crash.conf"], stderr=log,
                                      stdin=subprocess.DEVNULL)

    @staticmethod
    def said():
        with open("/run/crash.log", "rb") as log:
            return log.read()

    def up(self, seconds=30):
        end = time.monotonic() + seconds
        while b"synthesis is up" not in self.said() or b"ready" not in self.said():
            if self.p.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def kill(self):
        self.p.kill()
        self.p.wait()

    def dead(self):
        return self.p.poll() is not None


def kernel_maps():
    """address -> name, of owner dns46"""
    out = {}
    for line in sh("nat46 map show proto dns46").splitlines():
        w = line.split()
        out[w[0]] = w[w.index("name") + 1]
    return out


def disagreements(clients):
    """What the kernel maps, and where that is not what clients were given"""
    end = time.monotonic() + 60
    while True:			# the relay tells it of all, which takes a moment
        maps = kernel_maps()
        bad = [f"{a}: given to {n}, mapped for {maps.get(a)}" for n, a in clients.given.items()
               if maps.get(a) != n]
        if not bad or time.monotonic() > end:
            return maps, bad
        time.sleep(0.1)


def store_maps():
    """address -> name, by the file's last words"""
    out = {}
    with open(f"{DIR}/leases", encoding="ascii", errors="replace") as f:
        for line in f:
            w = line.split()
            if len(w) > 4 and w[1] == "L":
                out[w[2]] = w[4]
            elif len(w) > 3 and w[1] in "QF":
                out.pop(w[2], None)
    return out


# ---- kill -9 ------------------------------------------------------------------------

class Kills:
    """N ends of the relay: in its load, or while it starts."""

    def __init__(self):
        self.nl, self.clients = Nat46(), Clients()
        self.bad, self.early, self.looks = [], 0, 0
        self.start_takes = 0.1

    def start(self, i):
        relay, begun = Relay(), time.monotonic()
        if not relay.up():
            self.bad.append(f"round {i}: it did not come up: {relay.said()[-300:]}")
        self.start_takes = time.monotonic() - begun
        return relay

    def while_it_starts(self):
        """While it reads, compacts, reconciles."""
        relay = Relay()
        self.early += 1
        time.sleep(random.uniform(0, 1.2 * self.start_takes))
        relay.kill()

    def in_its_load(self, i):
        clients, relay = self.clients, self.start(i)
        names = clients.fresh + random.sample(list(clients.given), min(25, len(clients.given)))
        clients.fresh = []
        end = time.monotonic() + 60
        got = clients.ask(names, lambda: time.monotonic() > end)
        if len(got) < len(names):
            self.bad.append(f"round {i}: {len(names) - len(got)} names were not answered")
        # at a moment of the next bursts, however long one takes on this machine
        begun = time.monotonic()
        clients.ask(new_names(f"{i}-first", BURST), lambda: time.monotonic() > end)
        takes = time.monotonic() - begun
        killer = threading.Timer(random.uniform(0, 4 * takes), relay.p.kill)
        killer.start()
        clients.load(i, relay.dead, takes, 40)
        killer.join()
        # rule 43: what was answered is mapped, whether or not the relay lives
        for name in clients.fresh:
            try:
                m = self.nl.get_map(clients.given[name])
                if m[C["MAP_A_NAME"]][:-1].decode() != name:
                    self.bad.append(f"round {i}: {name} is not what the kernel maps")
            except NlError as e:
                self.bad.append(f"round {i}: {name}, answered, is not mapped: {e}")

    def look(self, i):
        """All of it, by the disk alone."""
        self.nl.req("MAP_FLUSH", attr(C["MAP_A_ALL"]))
        relay = self.start(i)
        self.looks += 1
        maps, bad = disagreements(self.clients)
        self.bad += bad
        disk = store_maps()
        self.bad += [f"{a}: on disk {disk.get(a)}, mapped {m}" for a, m in maps.items()
                     if disk.get(a) != m]
        relay.kill()


def kills(n):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print(f"# SEED={seed}", flush=True)
    begun = time.monotonic()
    random.seed(seed)
    network()
    configure()
    k = Kills()
    for i in range(n):
        if i % 5 == 4:
            k.while_it_starts()
        else:
            k.in_its_load(i)
        if i % 25 == 24 or i == n - 1:
            k.look(i)
            print(f"# {i + 1} kills, {len(k.clients.given)} names, "
                  f"{time.monotonic() - begun:.0f} s, a start takes {k.start_takes:.2f} s", flush=True)
        if len(k.bad) > 20:
            break
    given, bad = len(k.clients.given), k.clients.wrong + k.bad
    ok(f"rule 55: {n} kills, {k.early} of them while it started: {given} names keep their addresses",
       not bad, "\n".join(bad[:20]))
    ok("rule 41: no address was given to two names", len(k.clients.owner) == given)
    ok(f"rule 55: {k.looks} times all came back from the disk alone, and the kernel's mappings, the "
       "file and what clients were told agree", k.looks and not k.bad)
    ok("names were given in all this", given > n * 5, given)
    return not bad and given > n * 5


# ---- power cuts -----------------------------------------------------------------------

def tell(text):
    with open("/dev/kmsg", "w", encoding="ascii") as f:
        f.write("crash: " + text + "\n")


def report(batch):
    for i in range(0, len(batch), 12):
        tell("given " + " ".join(f"{n}={a}" for n, a in batch[i:i + 12]))


def generation(g):
    random.seed(g * 7919 + int(os.environ.get("SEED", "0")))
    with open("/proc/sys/kernel/printk_devkmsg", "w", encoding="ascii") as f:
        f.write("on\n")
    os.makedirs("/run/disk")
    sh("mount -t ext4 /dev/ubda /run/disk")
    network()
    configure()
    clients = Clients()
    if os.path.exists(os.environ["GIVEN"]):
        with open(os.environ["GIVEN"], encoding="ascii") as f:
            for line in f:
                clients.got(*line.split())
    relay = Relay()
    if not relay.up():
        tell(f"BAD it did not come up: {relay.said()[-300:]}")
        return
    for what in disagreements(clients)[1][:10]:
        tell("BAD " + what)
    names = random.sample(list(clients.given), min(100, len(clients.given)))
    end = time.monotonic() + 20
    if len(clients.ask(names, lambda: time.monotonic() > end)) < len(names):
        tell("BAD names are not answered")
    for what in clients.wrong[:10]:
        tell("BAD " + what)
    tell(f"verified {len(clients.given)}")
    tell("load begins")
    clients.wrong = []
    end = time.monotonic() + 30		# in case nobody cuts

    def stop():
        for what in clients.wrong:
            tell("BAD " + what)
        clients.wrong = []
        return time.monotonic() > end
    clients.load(f"g{g}", stop, 0.1, 4000, report)


if sys.argv[1] == "upstream":
    upstream(*sys.argv[2:])
if sys.argv[1] == "kills":
    sys.exit(not kills(int(sys.argv[2])))
generation(int(sys.argv[2]))
