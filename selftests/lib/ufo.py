# SPDX-License-Identifier: GPL-2.0
"""ufo.py DEV ADDR PORT SIZE GSO: a virtual machine behind a tap device of this name
sends three datagrams of SIZE bytes, of which with GSO not 0 the device is to make
fragments of as many bytes; whoever is there answers each."""
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time

GUEST = "10.0.1.30"
MAC = bytes.fromhex("020000000099")
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
NEEDS_CSUM, GSO_UDP = 1, 3  # of virtio_net_hdr


def sum16(data):
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return (s & 0xFFFF) + (s >> 16)


def tap(dev):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", dev.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    subprocess.run(["ip", "-batch", "-"], check=True, text=True, input=f"""
        link set {dev} up
        route replace {GUEST}/32 dev {dev}
        neigh replace {GUEST} lladdr {MAC.hex(":")} dev {dev}""")
    return fd


def frame(mac, addr, sport, port, size, gso):
    src, dst = socket.inet_aton(GUEST), socket.inet_aton(addr)
    seed = sum16(src + dst + struct.pack("!BBH", 0, 17, 8 + size))
    udp = struct.pack("!4H", sport, port, 8 + size, seed) + bytes(i & 0xFF for i in range(size))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), sport, 0, 64, 17, 0) + src + dst
    ip = ip[:10] + struct.pack("!H", 0xFFFF ^ sum16(ip)) + ip[12:]
    virtio = struct.pack("=BBHHHH", NEEDS_CSUM, GSO_UDP if gso else 0, 42 if gso else 0, gso, 34, 6)
    return virtio + mac + MAC + b"\x08\x00" + ip + udp


def answered(data, port):
    """The port that a datagram's first fragment, or whole, is for"""
    ip = data[10 + 14:]
    if ip[0] == 0x45 and ip[9] == 17 and not int.from_bytes(ip[6:8], "big") & 0x1FFF:
        return struct.unpack("!HH", ip[20:24])[1] if ip[20:22] == port.to_bytes(2, "big") else None
    return None


dev, addr, port, size, gso = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
fd = tap(dev)
with open(f"/sys/class/net/{dev}/address", encoding="ascii") as f:
    mac = bytes.fromhex(f.read().strip().replace(":", ""))
left = {5000 + gso % 1000 + i for i in range(3)}
for sport in sorted(left):
    os.write(fd, frame(mac, addr, sport, port, size, gso))
end = time.monotonic() + 10
while left and time.monotonic() < end:
    try:
        left.discard(answered(os.read(fd, 65535), port))
    except BlockingIOError:
        time.sleep(0.02)
sys.exit(f"no answer to {len(left)} of 3" if left else 0)
