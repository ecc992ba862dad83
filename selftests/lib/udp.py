# SPDX-License-Identifier: GPL-2.0
"""Datagrams there and back.

  serve PORT                    sends every datagram back to whoever sent it
  ask ADDR PORT N MIN MAX       N random datagrams of MIN to MAX bytes, eight on
                                the way at once, as QUIC sends them: each must
                                come back as it was, none twice
  seen ADDR PORT SPORT WAIT     one from that port; what PORT there answers
                                within WAIT seconds is printed
"""
import os
import random
import socket
import sys


def serve(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", port))
    while True:
        data, peer = s.recvfrom(65535)
        s.sendto(data, peer)


def ask(addr, port, n, low, high):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(3)
    if high > 1472:  # else the first is lost to path MTU discovery: no DF
        s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT
    s.connect((addr, port))
    left = {i.to_bytes(4, "big"): None for i in range(n)}
    waiting = list(left)
    for first in range(0, n, 8):
        for key in waiting[first:first + 8]:
            left[key] = key + os.urandom(random.randint(low, high) - 4)
            s.send(left[key])
        for _ in waiting[first:first + 8]:
            got = s.recv(65535)
            if left.pop(got[:4], None) != got:
                sys.exit("a datagram came back changed, or twice")


def seen(addr, port, sport, wait):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(wait)
        s.bind(("", sport))
        s.connect((addr, port))
        s.send(b"hello")
        sys.stdout.write(s.recv(2048).decode())


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
elif sys.argv[1] == "seen":
    seen(sys.argv[2], *map(int, sys.argv[3:6]))
else:
    ask(sys.argv[2], *map(int, sys.argv[3:7]))
