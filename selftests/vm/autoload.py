#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Asks the kernel for the genetlink family "nat46", which loads the module."""
import socket
import struct
import sys

s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
name = b"nat46\0"
attr = struct.pack("HH", 4 + len(name), 2) + name + b"\0" * (-len(name) % 4)
body = struct.pack("BBH", 3, 1, 0) + attr
s.send(struct.pack("IHHII", 16 + len(body), 16, 1, 1, 0) + body)
sys.exit(struct.unpack_from("H", s.recv(65536), 4)[0] == 2)
