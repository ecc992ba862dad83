# SPDX-License-Identifier: GPL-2.0
"""The wires: raw frames into and out of the node, by packet sockets in the
namespaces pod (IPv4) and internet6 (IPv6). The test is the client, the server
and every router."""
import ctypes
import mmap
import os
import select
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
from genl import C, attr, ip, parse, u8		# noqa: E402
from nat46 import Nat46, num	# noqa: E402

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
SOL_PACKET, PACKET_VERSION, PACKET_TX_RING, PACKET_VNET_HDR = 263, 10, 13, 15
PACKET_OUTGOING = 4
NEEDS_CSUM, GSO_TCPV4, GSO_UDP_L4, GSO_TCPV6 = 1, 1, 5, 4
VNET = struct.Struct("=BBHHHH")		# flags, gso, hdr_len, gso_size, start, offset
libc = ctypes.CDLL(None, use_errno=True)

# The node's links have an MTU of 1500 unless a case wants 9000.
NODE4, NODE6 = "10.0.0.1", "2001:db8:1::9"
NETS = """
netns add pod
netns add node
netns add internet6
link add eni1 netns node mtu 9000 address 02:00:00:00:00:14 type veth peer name eth0 netns pod mtu 9000 address 02:00:00:00:00:04
link add wan netns node mtu 9000 address 02:00:00:00:00:16 type veth peer name eth0 netns internet6 mtu 9000 address 02:00:00:00:00:06
"""
# The same of network cards that nic/run cables, by their model: they are
# found by their addresses there.
CARD = {"nic-virtio": "02:46:00:01", "nic-e1000e": "02:46:00:02"}
CARDS = """
netns add pod
netns add node
netns add internet6
link set {0[01:02]} netns node name eni1 address 02:00:00:00:00:14
link set {0[01:01]} netns pod name eth0 mtu 9000 address 02:00:00:00:00:04
link set {0[02:01]} netns node name wan address 02:00:00:00:00:16
link set {0[02:02]} netns internet6 name eth0 mtu 9000 address 02:00:00:00:00:06
"""
NODE = f"""
link set lo up
link set eni1 mtu 1500
link set wan mtu 1500
link set eni1 up
link set wan up
addr add {NODE4}/32 dev eni1
addr add {NODE6}/64 dev wan nodad
neigh add 10.0.0.2 lladdr 02:00:00:00:00:04 dev eni1 nud permanent
route add 10.0.0.0/8 via 10.0.0.2 dev eni1 onlink
route add 10.4.0.0/16 via 10.0.0.2 dev eni1 onlink mtu 1000
route add 10.7.0.0/16 via 10.0.0.2 dev eni1 onlink mtu 1500
route add 10.9.0.0/16 via 10.0.0.2 dev eni1 onlink
neigh add fe80::7 lladdr 02:00:00:00:00:06 dev wan nud permanent
route add default via fe80::7 dev wan
route add 2001:db8:14::/64 via fe80::7 dev wan mtu 1400
route add 2001:db8:12::/64 via fe80::7 dev wan mtu 1280
route add local 2001:db8:10ca::/64 dev lo
route add unreachable 2001:db8:dead::/64
route add 2001:db8:90::/64 via fe80::7 dev wan
"""
# where what has no mapping there may go on to; no pool is made over a route
UNMAPPED = "route add 198.18.77.0/24 via 10.0.0.2 dev eni1 onlink\n"
MAC = b"\2\0\0\0\0"
FRAME_MIN = 60
FENCE4, FENCE6, FENCE_POOL = "10.255.0.1", "2001:db8:ffff::1", "198.18.255.254"
FENCE_SOURCE = "2001:db8:fe::1"
FENCE_PORTS = (20046, 20046)


def ip_batch(text, ns=None):
    cmd = ["ip"] + (["-n", ns] if ns else []) + ["-batch", "-"]
    subprocess.run(cmd, input=text, text=True, check=True)


def enter(ns):
    fd = os.open("/run/netns/" + ns, os.O_RDONLY)
    if libc.setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns " + ns)
    os.close(fd)


def put(path, value):
    """A sysctl; False where this kernel has none of that name."""
    try:
        with open("/proc/sys/" + path, "w", encoding="ascii") as f:
            f.write(str(value))
    except FileNotFoundError:
        return False
    return True


def csum(data):
    """The Internet checksum's sum, folded, not inverted."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def cards(model):
    """The commands that make the wires of that model's cards."""
    found = {}
    for dev in os.listdir("/sys/class/net"):
        with open(f"/sys/class/net/{dev}/address", encoding="ascii") as f:
            addr = f.read().strip()
        if addr.startswith(model):
            found[addr[12:]] = dev
    return CARDS.format(found)


def unpadded(packet):
    """Without what fills a short frame on a real wire."""
    if packet[0] >> 4 == 4:
        return packet[:int.from_bytes(packet[2:4], "big")]
    return packet[:40 + int.from_bytes(packet[4:6], "big")]


class Side:
    """One end of a wire: sends and captures whole IP packets."""

    def __init__(self, ns, family, peer_dev, mode):
        self.family, self.mode = family, mode
        enter(ns)
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
        self.s.bind(("eth0", ETH_P_ALL))
        self.ring = Ring() if mode == "frags" else None
        enter("node")
        self.ether = ETH_P_IP if family == 4 else ETH_P_IPV6
        self.head = MAC + bytes([0x10 + family]) + MAC + struct.pack("!BH", family, self.ether)
        self.tap = None
        if mode == "tap":
            self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.tap.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
            self.tap.bind((peer_dev, ETH_P_ALL))

    def send(self, packet, gso=0, plain=False, seed=None):
        """Returns a complaint, or None. plain: with its own checksum; seed: see
        seeded()."""
        if self.ring and not gso and not seed:
            return self.ring.send(self.head + packet)
        vnet = bytes(VNET.size)
        if seed:
            packet, vnet = seeded(packet, *seed)
        elif gso or (self.mode == "partial" and not plain):
            packet, vnet = partial(packet, gso)
        self.s.send(vnet + self.head + packet)
        return None

    def receive(self):
        """[(packet, gso size, was it all of the same)]: what is there now."""
        out = []
        while True:
            try:
                raw, addr = self.s.recvfrom(1 << 17, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return out
            if addr[2] == PACKET_OUTGOING or addr[1] != self.ether:
                continue
            packet = raw[VNET.size + 14:]
            if neighbours_talk(packet):
                continue
            flags, kind, _, size, start, offset = VNET.unpack_from(raw)
            if kind not in (0, GSO_UDP_L4, GSO_TCPV4 if packet[0] >> 4 == 4 else GSO_TCPV6):
                size = f"the other family's {size}"
            if flags & NEEDS_CSUM:
                packet = finish(packet, start - 14, offset)
            if self.mode in CARD and len(raw) <= VNET.size + FRAME_MIN:
                packet = unpadded(packet)
            out.append((packet, size))

    def tapped(self):
        out = []
        while True:
            try:
                raw, addr = self.tap.recvfrom(1 << 17, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return out
            if addr[2] != PACKET_OUTGOING and addr[1] == self.ether:
                out.append(raw[14:])


class Ring:
    """Sends from pages that it shares with the kernel: payload in fragments of
    an skb. They must be the same afterwards."""
    SIZE, HEAD = 16384, 32

    def __init__(self):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.s.setsockopt(SOL_PACKET, PACKET_VERSION, 1)
        self.s.setsockopt(SOL_PACKET, PACKET_TX_RING, struct.pack("IIII", self.SIZE, 1, self.SIZE, 1))
        self.m = mmap.mmap(self.s.fileno(), self.SIZE)
        self.s.bind(("eth0", 0))

    def send(self, frame):
        self.m[self.HEAD:self.HEAD + len(frame)] = frame
        self.m[4:8] = struct.pack("I", len(frame))
        self.m[0:4] = struct.pack("I", 1)		# TP_STATUS_SEND_REQUEST
        self.s.send(b"")
        if self.m[self.HEAD:self.HEAD + len(frame)] != frame:
            return "the sender's own pages were written to"
        return None


def neighbours_talk(packet):
    """Neighbour discovery and MLD, which each kernel does by itself."""
    if packet[0] >> 4 != 6:
        return False
    if packet[6] == 58 and len(packet) > 40 and 130 <= packet[40] <= 137:
        return packet[7] == 255 or packet[40] < 133
    return packet[6] == 0 and packet[24] == 0xff


def l4_of(packet):
    """(protocol, offset of the L4 header), or (None, 0): not whole. In IPv6 behind
    eight bytes of destination options at most."""
    if packet[0] >> 4 == 4:
        if struct.unpack_from("!H", packet, 6)[0] & 0x3fff:
            return None, 0
        return packet[9], (packet[0] & 15) * 4
    if packet[6] == 60 and len(packet) > 48 and not packet[41]:
        return packet[40], 48
    return packet[6], 40


def partial(packet, gso):
    """The packet as its sender's kernel hands it on: CHECKSUM_PARTIAL, with a
    seed for a sum. Only if its sum is right; else as it is."""
    proto, at = l4_of(packet)
    plain = packet, bytes(VNET.size)
    if proto not in (6, 17):
        return plain
    offset = 16 if proto == 6 else 6
    if len(packet) < at + offset + 2:
        return plain
    addrs = packet[12:20] if packet[0] >> 4 == 4 else packet[8:40]
    seed = csum(addrs + struct.pack("!II", len(packet) - at, proto))
    if packet[at + offset:at + offset + 2] == b"\0\0" or \
       csum(struct.pack("!H", seed) + packet[at:]) != 0xffff:
        return plain
    kind = 0
    hlen = at + 8
    if proto == 6:
        hlen = at + (packet[at + 12] >> 4) * 4
        kind = GSO_TCPV4 if packet[0] >> 4 == 4 else GSO_TCPV6
    elif gso:
        kind = GSO_UDP_L4
    raw = bytearray(packet)
    struct.pack_into("!H", raw, at + offset, seed)
    return bytes(raw), VNET.pack(NEEDS_CSUM, kind if gso else 0, 14 + hlen if gso else 0, gso,
                                 14 + at, offset)


def seeded(packet, at, offset):
    """The packet handed on with any sum to be made: from byte `at` on, and
    `offset` further on there is what it will be. Its seed is what that takes."""
    raw = bytearray(packet)
    where = at + offset
    total = struct.unpack_from("!H", raw, where)[0]
    struct.pack_into("!H", raw, where, 0)
    seed = csum(struct.pack("!HH", ~total & 0xffff, ~csum(raw[at:]) & 0xffff))
    struct.pack_into("!H", raw, where, seed % 0xffff)
    return bytes(raw), VNET.pack(NEEDS_CSUM, 0, 0, 0, 14 + at, offset)


def finish(packet, at, offset):
    """Sums up what was left to the device."""
    raw = bytearray(packet)
    total = ~csum(packet[at:]) & 0xffff
    proto, _ = l4_of(packet)
    struct.pack_into("!H", raw, at + offset, total or (0xffff if proto == 17 else 0))
    return bytes(raw)


def udp4(src, dst, ports):
    udp = struct.pack("!HHHH", *ports, 8, 0)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + ip(src).packed + ip(dst).packed
    raw = bytearray(head + udp)
    struct.pack_into("!H", raw, 10, ~csum(head) & 0xffff)
    total = ~csum(head[12:20] + struct.pack("!HH", 17, 8) + udp) & 0xffff
    struct.pack_into("!H", raw, 26, total)
    return bytes(raw)


def udp6(src, dst, ports):
    udp = struct.pack("!HHHH", *ports, 8, 0)
    addrs = ip(src).packed + ip(dst).packed
    total = ~csum(addrs + struct.pack("!HH", 17, 8) + udp) & 0xffff
    return struct.pack("!IHBB", 0x60000000, 8, 17, 64) + addrs + udp[:6] + struct.pack("!H", total)


class World:
    """The namespaces, the node's configuration, both sides."""

    def __init__(self, mode, config):
        os.sched_setaffinity(0, {0})	# packets come out in the order of going in
        ip_batch(cards(CARD[mode]) if mode in CARD else NETS)
        for ns in ("pod", "internet6"):
            enter(ns)
            put("net/ipv6/conf/all/disable_ipv6", 1)
            put("net/ipv4/conf/all/arp_ignore", 8)
        ip_batch("link set eth0 up", "pod")
        ip_batch("link set eth0 up", "internet6")
        enter("node")
        # parts that are left waiting must not speak up in a later case
        for name in ("net/ipv4/ipfrag_time", "net/ipv6/ip6frag_time",
                     "net/netfilter/nf_conntrack_frag6_timeout"):
            put(name, 3600)
        for name, value in (("net/ipv4/ip_forward", 1), ("net/ipv4/icmp_ratelimit", 0),
                            ("net/ipv4/conf/all/send_redirects", 0),
                            ("net/ipv4/conf/eni1/send_redirects", 0),
                            ("net/ipv6/icmp/ratelimit", 0), ("net/ipv6/auto_flowlabels", 0),
                            ("net/ipv6/conf/all/accept_ra", 0),
                            ("net/ipv6/conf/default/accept_ra", 0),
                            ("net/ipv6/conf/default/router_solicitations", 0)):
            put(name, value)
        ip_batch(NODE, "node")
        # what is not marked goes by no rule for marks
        subprocess.run(["ip", "-6", "rule", "add", "fwmark", "1", "unreachable"], check=True)
        subprocess.run(["nat46", "-b", "-"], input=config, text=True, check=True)
        ip_batch(UNMAPPED, "node")
        if mode == "tx-off" or mode in CARD:
            for dev in ("eni1", "wan"):
                self.offload_off(dev)
            for ns in ("pod", "internet6"):
                enter(ns)
                self.offload_off("eth0")
        self.mode, self.mtu = mode, 1500
        self.side = {4: Side("pod", 4, "eni1", mode), 6: Side("internet6", 6, "wan", mode)}
        enter("node")
        self.n = Nat46()
        self.fence_raw = {4: udp4(FENCE4, FENCE_POOL, FENCE_PORTS),
                          6: udp6(FENCE6, FENCE_SOURCE, FENCE_PORTS)}
        self.fenced = {4: udp6(FENCE_SOURCE, FENCE6, FENCE_PORTS)[40:],
                       6: udp4(FENCE_POOL, FENCE4, FENCE_PORTS)[20:]}
        self.poller = select.poll()
        for side in self.side.values():
            self.poller.register(side.s, select.POLLIN)
        self.settle()
        self.fence(4)
        for side in self.side.values():
            side.tap and side.tapped()

    @staticmethod
    def offload_off(dev):
        subprocess.run(["ethtool", "-K", dev, "tx", "off", "tso", "off", "gso", "off", "gro", "off"],
                       check=True, capture_output=True)

    def links(self, mtu):
        if mtu != self.mtu:
            ip_batch(f"link set eni1 mtu {mtu}\nlink set wan mtu {mtu}\n")
            self.mtu = mtu
            if self.mode in CARD:	# some cards begin anew
                self.settle()

    def settle(self):
        """Until both links carry packets."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            self.side[4].s.send(bytes(VNET.size) + self.side[4].head + self.fence_raw[4])
            if self.poller.poll(100):
                break
        time.sleep(0.2)
        for side in self.side.values():
            side.receive()

    def fence(self, family):
        """What came out on both sides before a packet that is sent now. Nothing
        overtakes, so nothing else comes of what was sent before. Cards' cables
        are not of one speed: there a second one comes back."""
        got = self.fence_one(family)
        if self.mode in CARD:
            back = self.fence_one(10 - family)
            got = {f: got[f] + back[f] for f in got}
        return got

    def fence_one(self, family):
        got = {4: [], 6: []}
        side = self.side[family]
        side.s.send(bytes(VNET.size) + side.head + self.fence_raw[family])
        end = time.monotonic() + 3
        other = 10 - family
        mark = self.fenced[family]
        size = 40 if other == 6 else 20
        while time.monotonic() < end:
            self.poller.poll(1000)
            for f, s in self.side.items():
                got[f] += s.receive()
            for i, (packet, _) in enumerate(got[other]):
                if packet[size:] == mark:
                    del got[other][i]
                    # it may have come since that side was looked at
                    got[family] += side.receive()
                    return got
        raise TimeoutError("the node no longer forwards")

    def counters(self, which):
        out = {}
        for kind, data in self.n.req("STATS_GET"):
            if kind == C[which]:
                a = dict(parse(data))
                out[a[C["COUNTER_A_NAME"]][:-1].decode()] = num(a[C["COUNTER_A_VALUE"]])
        return out

    def drops(self):
        return self.counters("STATS_A_DROP")

    def reallocated(self):
        return self.counters("STATS_A_COUNTER")["head-reallocated"]

    def forget(self):
        """All sessions but the fence's end."""
        self.n.req("SESSION_FLUSH", attr(C["SESSION_A_SRC4"], ip("10.0.0.0")) +
                   attr(C["SESSION_A_SRC4_PLEN"], u8(9)))
        put("net/ipv4/route/flush", 1)
