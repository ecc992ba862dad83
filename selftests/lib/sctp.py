#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""SCTP of the kernel's own, messages there and back.

  sctp.py serve PORT
  sctp.py ask ADDRESS PORT LEN...   each message comes back
  sctp.py ask-cut ADDRESS PORT LEN...   likewise, without path MTU discovery: a
                                        packet that does not fit is cut
"""
import os
import socket
import struct
import sys

SCTP, PEER_ADDR_PARAMS, PMTUD_DISABLE = 132, 9, 1 << 4


def serve(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, SCTP)
    s.bind(("::", port))
    s.listen()
    while True:
        c, _ = s.accept()
        while data := c.recv(65536):
            c.send(data)
        c.close()


def ask(address, port, lengths, cut):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP)
    s.settimeout(10)
    if cut:
        s.setsockopt(SCTP, PEER_ADDR_PARAMS, struct.pack("=i128sIHIIIIBx", 0, b"", 0, 0, 1500, 0,
                                                         PMTUD_DISABLE, 0, 0))
    s.connect((address, port))
    for n in lengths:
        data = os.urandom(n)
        s.send(data)
        got = b""
        while len(got) < n:
            got += s.recv(65536)
        if got != data:
            sys.exit(f"{n} bytes: something else came back")


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], int(sys.argv[3]), map(int, sys.argv[4:]), sys.argv[1] == "ask-cut")
