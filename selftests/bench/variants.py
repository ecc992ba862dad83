# SPDX-License-Identifier: GPL-2.0
"""What is compared: how each path's routers are set up, and which addresses
packets bear on it. ORDER is the order of tables and plots."""
import os

from topo import EXTRA, Path, run

POOL = "198.18.0.7"		# ours: mapped to the server
EAM = "198.51.100.2"		# Jool's, TAYGA's: the same
NAT64 = "64:ff9b::"
PREFIX = "2001:db8:46::"
ADDR = "2001:db8:46::1"
PORTS = (10000, 10255)		# what clients use, and what is theirs behind a NAPT
# as many as there are flows, so that the other side knows them
PORTS_OF_SOURCES = [f" ports {PORTS[0]}-{PORTS[1]}"]


def inside(node, *args, text=None):
    return run("ip", "netns", "exec", node, *args, text=text)


def nft(node, text):
    inside(node, "nft", "-f", "-", text=text)


def masquerade(node, family):
    nft(node, f"""table {family} nat {{
        chain p {{ type nat hook postrouting priority 100; oifname out masquerade; }}
    }}\n""")


def low4(addr4):
    a, b, c, d = (int(x) for x in addr4.split("."))
    return f"{a << 8 | b:x}:{c << 8 | d:x}"


def forward(_):
    """nothing to set up"""


def v4_masq(p):
    masquerade(p.r[0], "ip")


def v6_masq(p):
    masquerade(p.r[0], "ip6")


def nat46(source, settings=""):
    where = {"dev": "dev out", "addr": "addr " + ADDR, "prefix": f"prefix {PREFIX}/96"}[source]

    def prepare(p):
        inside(p.r[0], "nat46", "-b", "-",
               text="pool add 198.18.0.0/16\n"
                    f"source add {where}{'' if source == 'prefix' else ''.join(PORTS_OF_SOURCES)}\n"
                    f"map add {POOL} to {p.server6()}\n" + (f"param set {settings}\n" if settings else ""))
    return prepare


def beside_nat(p):
    """Ours where nothing is spared: ip rules may tell sessions apart, and flows of others are in conntrack"""
    nat46("dev")(p)
    r = p.r[0]
    run("ip", "-n", r, "rule", "add", "from", "203.0.113.0/24", "lookup", "main")
    masquerade(r, "ip")
    masquerade(r, "ip6")
    inside(r, "sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=3600")
    inside(r, "bash", "-c", f"echo >/dev/udp/{p.server4()}/9")


def siit(p):
    inside(p.r[0], EXTRA + "/jool_siit", "instance", "add", "i", "--netfilter", "--pool6", NAT64 + "/96")
    inside(p.r[0], EXTRA + "/jool_siit", "-i", "i", "eamt", "add", EAM + "/32", p.server6() + "/128")


def sandwich(p):
    """SIIT and conntrack can't share a network namespace: two routers. The IPv4
    side is tracked as well, as it is on a container host."""
    siit(p)
    nft(p.r[0], "table ip f {\nchain p { type filter hook prerouting priority -150; ct state new counter; }\n}\n")
    run("ip", "-n", p.r[1], "route", "add", NAT64 + "/96", "via", f"fd00:{p.first + 1:x}::1")
    masquerade(p.r[1], "ip6")


def tayga(p):
    os.makedirs("/run/tayga", exist_ok=True)
    with open("/run/tayga/conf", "w", encoding="ascii") as f:
        f.write(f"tun-device nat64\nipv4-addr 192.0.2.1\nipv6-addr fd00:ffff::1\nprefix fd64::/96\n"
                f"map {EAM} {p.server6()}\ndata-dir /run/tayga\n")
    os.makedirs("/dev/net", exist_ok=True)
    if not os.path.exists("/dev/net/tun"):
        run("mknod", "/dev/net/tun", "c", "10", "200")
    inside(p.r[0], EXTRA + "/tayga", "-c", "/run/tayga/conf", "--mktun")
    run("ip", "-n", p.r[0], "link", "set", "nat64", "up")
    run("ip", "-n", p.r[0], "route", "add", EAM, "dev", "nat64")
    run("ip", "-n", p.r[0], "route", "add", "fd64::/96", "dev", "nat64")
    inside(p.r[0], EXTRA + "/tayga", "-c", "/run/tayga/conf")


class Variant:
    def __init__(self, name, what, prepare, up, down, routers=1, udp=True):
        self.name, self.what, self.prepare, self.routers = name, what, prepare, routers
        self.up, self.down = up, down	# of a Path: the other side's address
        self.udp = udp			# does it keep up with the generator?
        self.path = None

    def build(self):
        self.path = Path(self.name, self.routers)
        self.prepare(self.path)

    def to_server(self):
        """(source, destination) of what the client sends"""
        dst = self.up(self.path)
        return self.path.client6() if ":" in dst else self.path.client4(), dst

    def to_client(self):
        """the same of the server"""
        dst = self.down(self.path)
        return self.path.server6() if ":" in dst else self.path.server4(), dst


def ours(name, source, settings=""):
    down = {"dev": Path.router6, "addr": lambda _: ADDR,
            "prefix": lambda p: PREFIX + low4(p.client4())}[source]
    what = f"nf_nat46, {source} source" + (", " + settings if settings else "")
    return Variant(name, what, nat46(source, settings), lambda _: POOL, down)


OFF = "filter-hooks off"
ALL = [
    Variant("gen", "the sender and one veth, without a router", forward, Path.server6, Path.client6, 0),
    Variant("gen4", "the same of IPv4", forward, Path.server4, Path.client4, 0),
    Variant("v6", "plain IPv6 forwarding", forward, Path.server6, Path.client6),
    Variant("v4", "plain IPv4 forwarding", forward, Path.server4, Path.client4),
    Variant("v4-masq", "IPv4 forwarding, nft masquerade", v4_masq, Path.server4, Path.router4),
    Variant("v6-masq", "IPv6 forwarding, nft masquerade", v6_masq, Path.server6, Path.router6),
    ours("dev", "dev"), ours("addr", "addr"), ours("prefix", "prefix"),
    ours("dev-forward", "dev", "filter-hooks forward"),
    ours("dev-off", "dev", OFF), ours("addr-off", "addr", OFF), ours("prefix-off", "prefix", OFF),
    Variant("dev-nat", "nf_nat46, dev source, on a host with ip rules and NAT", beside_nat, lambda _: POOL, Path.router6),
    Variant("siit", "Jool SIIT 4.1.9", siit, lambda _: EAM, lambda p: NAT64 + low4(p.client4())),
    Variant("sandwich", "Jool SIIT, then IPv6 masquerade, two conntracks", sandwich, lambda _: EAM,
            Path.router6, 2),
    # user space is not asked between the generator's packets: most would be lost
    Variant("tayga", "TAYGA 0.9.2 (user space)", tayga, lambda _: EAM, None, udp=False),
]
BY_NAME = {v.name: v for v in ALL}
