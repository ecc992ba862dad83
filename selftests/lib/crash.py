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
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from genl import NlError, attr, ip
from nat46 import C, Nat46, ok, parse

D, UP = ("127.0.0.1", 53), ("127.0.0.2", 53)
DIR = os.environ.get("STATE", "/run/crash")
PER_ROUND = 40
DNS46 = os.environ.get("DNS46", "dns46")


def sh(text):
    return subprocess.run(text, shell=True, check=True, capture_output=True, text=True).stdout


# ---- the upstream: every name has AAAA alone; those of r* rotate ---------------

def targets(name):
    label = name.split(b".")[0]
    turn = int(time.time()) if label.startswith(b"r") else 0
    return [b"\x20\x01\x0d\xb8" + hashlib.sha1(name + bytes([(turn + i) % 7])).digest()[:12]
            for i in range(2)]


def wire(name):
    return b"".join(bytes([len(x)]) + x for x in name.split(b".")) + b"\0"


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

class Broken(Exception):
    pass


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
        while (left or flying) and not stop():
            now = time.monotonic()
            while left and len(flying) < window:
                n = random.randrange(65536)
                flying[n] = (left.pop(), now)
                self.send(s, n, flying[n][0])
            if not select.select([s], [], [], 0.02)[0]:
                for n, (name, when) in list(flying.items()):
                    if now - when > 1:
                        flying[n] = (name, now)
                        self.send(s, n, name)
                continue
            batch = []
            try:
                while True:
                    m = s.recv(4096)
                    n = struct.unpack_from(">H", m)[0]
                    if n not in flying or m[3] & 15 or not m[7]:
                        continue	# SERVFAIL: it is asked again a second later
                    name = flying.pop(n)[0]
                    at = m.index(b"\0\1\0\1", unwire(m)[1] + 4)
                    batch.append((name, socket.inet_ntoa(m[at + 10:at + 14])))
            except OSError:
                pass
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
    def send(s, n, name):
        try:
            s.send(struct.pack(">6H", n, 0x0100, 1, 0, 0, 0) + wire(name.encode()) + b"\0\1\0\1")
        except OSError:
            pass		# nobody is there


def new_names(tag, n=PER_ROUND):
    return [f"{'r' if i % 8 == 0 else 'n'}{i}-{tag}.z{random.randrange(99)}.example"
            for i in range(n)]


# ---- the relay --------------------------------------------------------------------

def network():
    sh(f"""insmod {os.environ['NAT46_KO']}
           ip addr add 127.0.0.2/8 dev lo 2>/dev/null; ip link set lo up
           nat46 pool add 198.18.0.0/15""")
    threading.Thread(target=upstream, daemon=True).start()


def configure():
    os.makedirs(DIR, exist_ok=True)
    with open("/run/crash.conf", "w", encoding="ascii") as f:
        f.write(f"listen 127.0.0.1\nupstream 127.0.0.2\npool 198.18.0.0/15\nmax-per-client 0\n"
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


def kernel_maps(nl):
    """address -> name, of owner dns46"""
    out = {}
    for addr, m in nl.maps(attr(C["MAP_A_OWNER"], "dns46")).items():
        out[addr] = m[C["MAP_A_NAME"]][:-1].decode()
    return out


def disagreements(clients, maps):
    return [f"{a}: given to {n}, mapped for {maps.get(a)}" for n, a in clients.given.items()
            if maps.get(a) != n]


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

def kills(n):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print(f"# SEED={seed}", flush=True)
    begun = time.monotonic()
    random.seed(seed)
    network()
    configure()
    nl, clients = Nat46(), Clients()
    bad, early, looks, never_up = [], 0, 0, 0
    for i in range(n):
        relay = Relay()
        delay = random.uniform(0, 0.1) if i % 5 == 4 else None
        if delay is not None:		# while it reads, compacts, reconciles
            early += 1
            time.sleep(delay)
        else:
            if not relay.up():
                never_up += 1
                bad.append(f"round {i}: it did not come up: {relay.said()[-300:]}")
            old = random.sample(list(clients.given), min(25, len(clients.given)))
            names = clients.fresh + old
            clients.fresh = []
            end = time.monotonic() + 20
            got = clients.ask(names, lambda: time.monotonic() > end)
            if len(got) < len(names):
                bad.append(f"round {i}: {len(names) - len(got)} names were not answered")
            end = time.monotonic() + random.uniform(0, 0.2)
            clients.ask(new_names(f"{i}"), lambda: time.monotonic() > end)
        relay.kill()
        # rule 43: what was answered is mapped, whether or not we live
        if delay is None:
            for name in clients.fresh:
                try:
                    m = nl.get_map(clients.given[name])
                    if m[C["MAP_A_NAME"]][:-1].decode() != name:
                        bad.append(f"round {i}: {name} is not what the kernel maps")
                except NlError as e:
                    bad.append(f"round {i}: {name}, answered, is not mapped: {e}")
        if i % 25 == 24 or i == n - 1:	# all of it, by the disk alone
            nl.req("MAP_FLUSH", attr(C["MAP_A_ALL"]))
            relay = Relay()
            looks += 1
            if not relay.up():
                bad.append(f"round {i}: it did not come up from its disk")
            end = time.monotonic() + 20
            maps = kernel_maps(nl)
            while len(maps) < len(clients.given) and time.monotonic() < end:
                time.sleep(0.2)
                maps = kernel_maps(nl)
            bad += disagreements(clients, maps)
            disk = store_maps()
            bad += [f"{a}: on disk {disk.get(a)}, mapped {m}" for a, m in maps.items()
                    if disk.get(a) != m]
            relay.kill()
            print(f"# {i + 1} kills, {len(clients.given)} names, "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
        if len(bad) > 20:
            break
    ok(f"rule 55: {n} kills, {early} of them in the first 100 ms: {len(clients.given)} names "
       "keep their addresses", not clients.wrong and not bad,
       "\n".join((clients.wrong + bad)[:20]))
    ok("rule 41: no address was given to two names", len(clients.owner) == len(clients.given))
    ok(f"rule 55: {looks} times all came back from the disk alone, and the kernel's mappings, the "
       "file and what clients were told agree", looks and not bad)
    ok("names were given in all this", len(clients.given) > n * 5, len(clients.given))
    return not (clients.wrong or bad)


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
    nl, end = Nat46(), time.monotonic() + 20
    maps = kernel_maps(nl)
    while len(maps) < len(clients.given) and time.monotonic() < end:
        time.sleep(0.1)
        maps = kernel_maps(nl)
    for what in disagreements(clients, maps)[:10]:
        tell("BAD " + what)
    names = random.sample(list(clients.given), min(100, len(clients.given)))
    end = time.monotonic() + 20
    if len(clients.ask(names, lambda: time.monotonic() > end)) < len(names):
        tell("BAD names are not answered")
    for what in clients.wrong[:10]:
        tell("BAD " + what)
    tell(f"verified {len(clients.given)}")
    tell("load begins")
    clients.wrong, n = [], 0
    while n < 60:		# not longer than half a minute, in case nobody cuts
        end = time.monotonic() + 0.5
        clients.ask(new_names(f"g{g}-{n}", 20), lambda: time.monotonic() > end, report=report)
        n += 1
        for what in clients.wrong:
            tell("BAD " + what)
        clients.wrong = []


if sys.argv[1] == "upstream":
    upstream(*sys.argv[2:])
if sys.argv[1] == "kills":
    sys.exit(not kills(int(sys.argv[2])))
generation(int(sys.argv[2]))
