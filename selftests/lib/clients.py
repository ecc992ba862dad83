# SPDX-License-Identifier: GPL-2.0
"""clients.py FIRST COUNT ADDR [PREFIX6]: COUNT clients, from the address FIRST
on, each with two connections to the web server at ADDR, all open at once. Each is told
whom the server sees: the same IPv6 address twice, another one than PREFIX6 and its own
address embedded, where that is given, being a fault. Prints how many had
both pages, and how many IPv6 addresses there were."""
import ipaddress
import resource
import socket
import subprocess
import sys


def ask(conns):
    for s in conns:
        s.send(b"GET /client HTTP/1.0\r\n\r\n")
    out = []
    for s in conns:
        data = b""
        while more := s.recv(4096):
            data += more
        out.append(data.split(b"\r\n\r\n")[1].split()[0].decode())
    return out


def main():
    first, count, addr = ipaddress.ip_address(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    net = ipaddress.ip_network(sys.argv[4]) if len(sys.argv) > 4 else None
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * count + 100, 2 * count + 100))
    mine = [first + i for i in range(count)]
    subprocess.run(["ip", "-batch", "-"], check=True, text=True,
                   input="".join(f"addr replace {a}/32 dev eth0\n" for a in mine))
    conns = {a: [socket.create_connection((addr, 80), 10, (str(a), 0)) for _ in range(2)]
             for a in mine}
    good, seen = 0, set()
    for a, pair in conns.items():
        one, two = ask(pair)
        want = str(net[int(a)]) if net else one
        if one == two == want:
            good += 1
        else:
            print(f"{a} was seen as {one} and {two}", file=sys.stderr)
        seen.add(one)
    print(good, len(seen), flush=True)
    sys.stdin.read()	# they stay open for as long as the caller likes


main()
