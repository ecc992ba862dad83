# SPDX-License-Identifier: GPL-2.0
"""An answer that comes too late: whose socket is closed refuses it by an ICMP error.

  serve     answers one datagram half a second later; 0 where its socket is told
  ask ADDR  sends that datagram, and has gone
"""
import socket
import sys
import time

PORT = 7777


def serve():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", PORT))
    s.connect(s.recvfrom(100)[1])
    s.settimeout(8)
    time.sleep(0.5)
    s.send(b"late")
    try:
        s.recv(1)
    except ConnectionRefusedError:
        return
    sys.exit("nobody was told")


if sys.argv[1] == "serve":
    serve()
else:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[2], PORT))
