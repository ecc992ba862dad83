# SPDX-License-Identifier: GPL-2.0
"""Ports on the tests' network, to send and see made packets in any namespace
from one process, and the words for them."""
import ctypes
import json
import os
import select
import socket
import subprocess
import time

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: F401
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw  # noqa: F401

from nat46 import ok

LIBC = ctypes.CDLL(None, use_errno=True)


def in_netns(name, call):
    """call() in a network namespace, and back."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if LIBC.setns(there, 0x40000000):
            raise OSError(ctypes.get_errno(), name)
        return call()
    finally:
        LIBC.setns(home, 0x40000000)
        os.close(home)
        os.close(there)


class Port:
    """A device of a namespace; what it sends goes to the device's neighbour."""

    def __init__(self, ns, dev, peer_ns, peer_dev):
        def mac(where, name):
            out = subprocess.run(["ip", "netns", "exec", where, "cat",
                                  f"/sys/class/net/{name}/address"],
                                 check=True, capture_output=True, text=True)
            return out.stdout.strip()

        def opened():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            s.bind((dev, 0))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            return s
        self.name = f"{ns}:{dev}"
        self.sock = in_netns(ns, opened)
        self.mac, self.peer = mac(ns, dev), mac(peer_ns, peer_dev)

    def frame(self, p):
        """What carries that packet, as bytes."""
        kind = 0x86dd if p.version == 6 else 0x800
        return bytes(Ether(src=self.mac, dst=self.peer, type=kind) / p)

    def send(self, *packets):
        for p in packets:
            self.sock.send(self.frame(p))

    def drain(self):
        try:
            while True:
                self.sock.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass

    def see_frame(self, want, seconds=1.0):
        """What want() makes of the first frame that comes in for which it is true, or None."""
        end = None
        while True:
            try:	# mostly it is there: every system call counts in a million steps
                data, addr = self.sock.recvfrom(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                now = time.monotonic()
                end = end or now + seconds
                if not select.select([self.sock], [], [], max(end - now, 0))[0]:
                    return None
                continue
            if addr[2] != socket.PACKET_OUTGOING:
                got = want(data)
                if got:
                    return got

    def see(self, want, seconds=1.0):
        """The first packet that comes in for which want() is true, or None."""
        def of(data):
            frame = Ether(data)
            packet = frame[IP] if IP in frame else frame[IPv6] if IPv6 in frame else None
            return packet if packet is not None and want(packet) else None
        return self.see_frame(of, seconds)


def right(packet, layer):
    """Is the layer's checksum what it has to be? (scapy sums it up anew)"""
    again = packet.__class__(bytes(packet))
    del again[layer].chksum
    return packet.__class__(bytes(again))[layer].chksum == packet[layer].chksum


def n46(*words, fails=False):
    out = subprocess.run(["ip", "netns", "exec", "node", "nat46", *" ".join(words).split()],
                         capture_output=True, text=True, check=False)
    if bool(out.returncode) != fails:
        ok("nat46 " + " ".join(words), False, out.stderr)
    return out.stdout


def drops(reason):
    return json.loads(n46("-j stats drops"))["drops"][reason]


def sessions(words="all"):
    return json.loads(n46("-j session show", words))


def count(words=""):
    return int(n46("session count", words))
