#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh GROUP...: installs what is missing of the named groups of Debian
# packages, without questions. Quick where nothing is missing.
set -eu

build="make gcc rsync pkg-config git ca-certificates xz-utils zstd patchelf bc flex bison libelf-dev libssl-dev kmod cpio file"
userspace="libnl-3-dev libnl-genl-3-dev libnl-route-3-dev libjansson-dev libevent-dev
	libldns-dev libseccomp-dev libcap-ng-dev libsystemd-dev libssl-dev libcmocka-dev libxtables-dev"
guest="qemu-system-x86 busybox-static iproute2 nftables iputils-ping curl tcpdump openssl
	python3 python3-scapy nginx-light unbound nsd bind9-dnsutils iperf3 conntrack ethtool
	socat procps liblwip-dev traceroute mtr-tiny iputils-tracepath util-linux libc6-dev
	iptables ipset ipvsadm ufw firewalld systemd
	containernetworking-plugins"
dns="knot knot-dnsutils knot-resolver bind9 bind9-utils bind9-dnsutils dnsmasq-base unbound nsd musl-tools
	libc-ares-dev python3-dnspython dbus-daemon busybox-static"
bench="gnuplot-nox dnsperf valgrind"
fuzz="clang libclang-rt-14-dev llvm"
install="dkms systemd kmod nftables"
metrics="prometheus"
uml="linux-source-6.1"
lint="sparse shellcheck codespell linux-source-6.1 xz-utils perl python3 python3-scapy"

want=
for g in "$@"; do want="$want ${!g}"; done
missing=
for p in $want; do
	dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed ||
		missing="$missing $p"
done
[ -n "$missing" ] || exit 0

[ "$(id -u)" = 0 ] || { echo "deps.sh: root is needed to install:$missing" >&2; exit 1; }
echo "installing:$(echo "$missing" | tr -s ' \n\t' ' ')" >&2
export DEBIAN_FRONTEND=noninteractive
# Servers among them must not start on this machine.
policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
	policy=/usr/sbin/policy-rc.d
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
	trap 'rm -f $policy' EXIT
fi
# shellcheck disable=SC2086 # lists of words
install_now() { apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing >/dev/null; }
log=$(mktemp)
for try in 1 2 3; do # package lists age, mirrors hiccup
	apt-get update -qq 2>"$log" || true
	if install_now 2>"$log"; then rm -f "$log"; exit 0; fi
	echo "deps.sh: apt-get failed (try $try of 3)" >&2
	sleep 2
done
tail -n 5 "$log" >&2
exit 1
