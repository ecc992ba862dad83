# SPDX-License-Identifier: GPL-2.0
"""Trains of datagrams in one system call: UDP_SEGMENT out, UDP_GRO in.

  serve PORT            sends every train back in one piece, with the sizes that came
  ask ADDR PORT N       N trains of random bytes and sizes: each must come back
                        datagram by datagram as it was; prints the longest that
                        came in one call
"""
import os
import random
import socket
import struct
import sys

UDP_SEGMENT, UDP_GRO = 103, 104
MOST = 40		# datagrams of a train


def open_socket(family):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return s


def receive(s):
    """(bytes, size of a datagram, peer)"""
    data, cmsgs, _, peer = s.recvmsg(1 << 16, 64)
    for level, kind, value in cmsgs:
        if (level, kind) == (socket.IPPROTO_UDP, UDP_GRO):
            return data, struct.unpack("i", value[:4])[0], peer
    return data, len(data), peer


def send(s, data, size, peer=()):
    cmsg = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", size))] if len(data) > size else []
    s.sendmsg([data], cmsg, 0, *peer)


def split(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


def serve(port):
    s = open_socket(socket.AF_INET6)
    s.bind(("::", port))
    while True:
        data, size, peer = receive(s)
        send(s, data, size, (peer,))


def ask(addr, port, count):
    s = open_socket(socket.AF_INET)
    s.settimeout(3)
    s.connect((addr, port))
    longest = 0
    for _ in range(count):
        size = random.randrange(600, 1450)
        sent = os.urandom(random.randrange(size, min(size * MOST, 60000)))
        send(s, sent, size)
        wanted, got = split(sent, size), []
        while len(got) < len(wanted):
            data, each, _ = receive(s)
            longest = max(longest, len(data))
            got += split(data, each)
        if got != wanted:
            sys.exit(f"trains of {size}: sent {[len(x) for x in wanted]}, got {[len(x) for x in got]}")
    print(longest)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
