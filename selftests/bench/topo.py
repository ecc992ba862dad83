# SPDX-License-Identifier: GPL-2.0
"""The benchmark's network: for each variant a path of its own, all alike.

    c --- veth --- r (what is measured) --- veth --- s

c and s send and count (sender.py); neighbours are permanent. The addresses
of link K (1, 2, ...): 10.K.0.1 and fd00:K::1 on the left, .2 and ::2 on the right.
"""
import ctypes
import os
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
# beside the sources, wherever a guest has them
EXTRA = os.path.join(os.path.dirname(os.environ.get("NAT46_SRC", "/nat46/src")), "extra")


def run(*args, text=None, check=True):
    p = subprocess.run(args, input=text, capture_output=True, text=True, check=False)
    if check and p.returncode:
        sys.exit(f"{' '.join(args)}: {p.stderr.strip() or p.stdout.strip()}")
    return p.stdout


class Inside:
    """with Inside(netns): this thread is there."""
    def __init__(self, ns):
        self.ns = ns

    def enter(self, path):
        fd = os.open(path, os.O_RDONLY)
        if LIBC.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), path)
        os.close(fd)

    def __enter__(self):
        self.enter(f"/run/netns/{self.ns}")

    def __exit__(self, *_):
        self.enter("/proc/1/ns/net")


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def mac(link, side):
    return f"02:00:00:00:{link:02x}:{side:02x}"


class Path:
    """c, routers and s of one variant"""
    links = 0

    def __init__(self, name, routers=1):
        self.name = name
        self.nodes = [name + "-c"] + [f"{name}-r{i}" for i in range(1, routers + 1)] + [name + "-s"]
        self.c, self.s = self.nodes[0], self.nodes[-1]
        self.r = self.nodes[1:-1]
        self.first = Path.links + 1
        self.last = Path.links + routers + 1
        Path.links = self.last
        for n in self.nodes:
            run("ip", "netns", "add", n)
            with Inside(n):
                for key in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
                    write("/proc/sys/" + key, "1")
                write("/proc/sys/net/ipv4/conf/all/rp_filter", "0")
                write("/proc/sys/net/ipv4/conf/default/rp_filter", "0")
        batch = {n: ["link set lo up"] for n in self.nodes}
        for i, (a, b) in enumerate(zip(self.nodes, self.nodes[1:])):
            k = self.first + i
            run("ip", "link", "add", "out", "address", mac(k, 1), "netns", a,
                "type", "veth", "peer", "name", "in", "address", mac(k, 2), "netns", b)
            for n, dev, me, peer in ((a, "out", 1, 2), (b, "in", 2, 1)):
                batch[n] += [f"addr add 10.{k}.0.{me}/24 dev {dev}",
                             f"addr add fd00:{k:x}::{me}/64 dev {dev} nodad",
                             f"link set {dev} up",
                             f"neigh replace 10.{k}.0.{peer} lladdr {mac(k, peer)} dev {dev} nud permanent",
                             f"neigh replace fd00:{k:x}::{peer} lladdr {mac(k, peer)} dev {dev} nud permanent"]
        for i, n in enumerate(self.nodes[:-1]):
            k = self.first + i
            batch[n] += [f"route add default via 10.{k}.0.2", f"-6 route add default via fd00:{k:x}::2"]
        for i, n in enumerate(self.nodes[1:], 1):
            k = self.first + i - 1
            if i > 1:
                batch[n] += [f"route add 10.{self.first}.0.0/24 via 10.{k}.0.1",
                             f"-6 route add fd00:{self.first:x}::/64 via fd00:{k:x}::1"]
            # more clients than one, behind c
            batch[n] += [f"route add 10.128.0.0/9 via 10.{k}.0.1"]
        # what a source's packets bear, and what embeds the client's address
        batch[self.s] += [f"-6 route add default via fd00:{self.last:x}::1"]
        for n, lines in batch.items():
            for option in ([], ["-6"]):
                text = [x.removeprefix("-6 ") for x in lines if x.startswith("-6 ") == bool(option)]
                run("ip", *option, "-n", n, "-batch", "-", text="\n".join(text) + "\n")
        for n in (self.c, self.s):
            dev = "out" if n == self.c else "in"
            run("ip", "netns", "exec", n, "nft", "-f", "-", text=f"""table netdev t {{
                chain i {{
                    type filter hook ingress device {dev} priority 0
                    udp dport 9 drop
                    udp sport 9 drop
                }}
            }}\n""")

    def client4(self):
        return f"10.{self.first}.0.1"

    def client6(self):
        return f"fd00:{self.first:x}::1"

    def server4(self):
        return f"10.{self.last}.0.2"

    def server6(self):
        return f"fd00:{self.last:x}::2"

    def router4(self):
        """the last router's address on the server's link"""
        return f"10.{self.last}.0.1"

    def router6(self):
        return f"fd00:{self.last:x}::1"

    def received(self, node):
        dev = "out" if node == self.c else "in"
        with Inside(node), open("/proc/self/net/dev", encoding="ascii") as f:
            for line in f:
                if line.strip().startswith(dev + ":"):
                    return int(line.split(":")[1].split()[1])
        return 0
