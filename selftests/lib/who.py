#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Who is seen at the other end, in IPv4.

  serve PORT               tells each TCP line and UDP datagram its sender's address
  ask tcp|udp ADDR PORT    prints what it was told, or why not
  asks                     the same of each line NETNS tcp|udp ADDR PORT of standard
                           input, at once; a line each
  hold ADDR PORT FILE      a TCP connection that is kept alive: asks ten times a
                           second and counts the answers in FILE; ends with the
                           first that is missing, or differs
"""
import concurrent.futures
import ctypes
import os
import selectors
import socket
import sys
import time

CLONE_NEWNET = 0x40000000
IP_PKTINFO = 8  # ifindex, the address to answer from, the one that was asked


def serve(port):
    sel = selectors.DefaultSelector()
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(socket.AF_INET, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", port))
        if kind == socket.SOCK_STREAM:
            s.listen(16)
        else:  # answers come from the address that was asked
            s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        sel.register(s, selectors.EVENT_READ, kind)
    while True:
        for key, _ in sel.select():
            s = key.fileobj
            if key.data == socket.SOCK_DGRAM:
                _, told, _, peer = s.recvmsg(2000, 100)
                s.sendmsg([peer[0].encode()], [(l, t, bytes(4) + d[4:8] + bytes(4))
                                               for l, t, d in told], 0, peer)
            elif key.data == socket.SOCK_STREAM:
                sel.register(s.accept()[0], selectors.EVENT_READ, None)
            else:
                try:
                    if s.recv(2000):
                        s.send(s.getpeername()[0].encode() + b"\n")
                        continue
                except OSError:
                    pass
                sel.unregister(s)
                s.close()


def ask(kind, addr, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    s.settimeout(3)
    try:
        s.connect((addr, int(port)))
        s.send(b"?\n")
        return s.recv(100).decode().strip()
    except OSError as e:
        return type(e).__name__


def ask_from(line):
    netns, kind, addr, port = line.split()
    with open("/run/netns/" + netns, "rb") as f:  # of this thread alone
        if ctypes.CDLL(None).setns(f.fileno(), CLONE_NEWNET):
            sys.exit("setns: " + netns)
    return f"{netns} to {addr}:{port} by {kind} as {ask(kind, addr, port)}"


def asks():
    lines = sys.stdin.read().splitlines()
    with concurrent.futures.ThreadPoolExecutor(len(lines)) as pool:
        print(*pool.map(ask_from, lines), sep="\n")


def hold(addr, port, name):
    s = socket.create_connection((addr, port), 3)
    s.settimeout(3)
    first, n = None, 0
    while True:
        s.send(b"?\n")
        told = s.recv(100)
        first = first or told
        if told != first:
            sys.exit(f"told {told}, at first {first}")
        n += 1
        with open(name + ".new", "w", encoding="utf-8") as f:
            print(n, first.decode().strip(), file=f)
        os.replace(name + ".new", name)  # never seen empty
        time.sleep(0.1)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
elif sys.argv[1] == "ask":
    print(ask(*sys.argv[2:]))
elif sys.argv[1] == "asks":
    asks()
else:
    hold(sys.argv[2], int(sys.argv[3]), sys.argv[4])
