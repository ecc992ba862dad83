# SPDX-License-Identifier: GPL-2.0
"""Flows of made packets through the network of rules.sh, and their sessions."""
import itertools
import random

from played import IP, TCP, IPv6, Port, Raw, sessions

MAPPED, SERVER = "198.18.0.7", "2001:db8:9::71"
CLIENTS = ("10.0.1.101", "10.0.1.202")
clients = [Port("pod", "eth0", "node", "eni1"), Port("pod2", "eth0", "node", "eni2")]
server = Port("internet6", "eth0", "router2", "out")
ports = itertools.cycle(random.sample(range(20000, 60000), 2000))


class Flow:
    """One flow, played from both sides."""

    def __init__(self, layer=TCP, dport=80, dst=MAPPED, target=SERVER, client=0):
        self.layer, self.dport, self.dst, self.target = layer, dport, dst, target
        self.client, self.addr, self.sport = clients[client], CLIENTS[client], next(ports)
        self.addr6 = self.port6 = None

    def packet4(self, data=b"", **fields):
        ip = {k[3:]: fields.pop(k) for k in list(fields) if k.startswith("ip_")}
        return (IP(src=self.addr, dst=self.dst, **ip) /
                self.layer(sport=self.sport, dport=self.dport, **fields) / Raw(data))

    def packet6(self, data=b"", **fields):
        ip = {k[3:]: fields.pop(k) for k in list(fields) if k.startswith("ip_")}
        return (IPv6(src=self.target, dst=self.addr6, **ip) /
                self.layer(sport=self.dport, dport=self.port6, **fields) / Raw(data))

    def c(self, data=b"", wait=1.0, **fields):
        """The client sends; what the target sees of it."""
        server.drain()
        self.client.send(self.packet4(data, **fields))
        got = server.see(lambda p: self.layer in p and p.dst == self.target and
                         p[self.layer].dport == self.dport and
                         self.port6 in (None, p[self.layer].sport), wait)
        if got and self.port6 is None:
            self.addr6, self.port6 = got.src, got[self.layer].sport
        return got

    def see4(self, wait=1.0):
        return self.client.see(lambda p: self.layer in p and p.src == self.dst and
                               p.dst == self.addr and p[self.layer].dport == self.sport, wait)

    def s(self, data=b"", wait=1.0, **fields):
        """The target sends; what the client sees of it."""
        self.client.drain()
        server.send(self.packet6(data, **fields))
        return self.see4(wait)

    def session(self):
        got = sessions(f"port4 {self.sport}")
        return got[0] if got else {}

    def state(self):
        return self.session().get("state")

    def open(self):
        """The handshake."""
        self.c(flags="S", seq=1000)
        self.s(flags="SA", seq=5000, ack=1001)
        self.c(flags="A", seq=1001, ack=5001)
        return self
