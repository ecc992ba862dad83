# SPDX-License-Identifier: GPL-2.0
"""Packets of a protocol without ports, there and back, by raw sockets.

  serve PROTO           sends every IPv6 payload back to whoever sent it
  ask ADDR PROTO TEXT   sends it by IPv4 and waits for just that answer
"""
import socket
import sys


def serve(proto):
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, proto)
    while True:
        data, peer = s.recvfrom(65535)
        s.sendto(data, peer)


def ask(addr, proto, text):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
    s.settimeout(2)
    s.sendto(text, (addr, 0))
    if s.recv(65535)[20:] != text:
        sys.exit("another answer")


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], int(sys.argv[3]), sys.argv[4].encode())
