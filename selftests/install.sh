#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a node's image gets: the module by DKMS for Debian's kernel, and what
# `make install` puts there, in a tree of files of its own. On the host, no
# guest. Prints TAP.
top=$(dirname "$(dirname "$(realpath "$0")")")
cd "$top" || exit 1
. selftests/lib.sh
read -r version _ headers _ <<<"$(selftests/vm/kernel-deb 6.1)"
image=$(mktemp -d)
trap 'rm -rf "$image"' EXIT
modules=$image/lib/modules/$version
mkdir -p "$modules"
ln -s "$headers" "$modules/build"
ko=$modules/updates/dkms/nf_nat46.ko

dkms_status() { dkms status --dkmstree "$image/var/lib/dkms" --sourcetree "$image/usr/src" \
	--installtree "$image/lib/modules"; }
check "make dkms" make -s dkms DESTDIR="$image"
like "DKMS says: installed" "^nf_nat46/.*$version.*: installed" "$(dkms_status)"
same "the module is for that kernel" "$version" "$(modinfo -F vermagic "$ko" | cut -d' ' -f1)"
check "modprobe would find it" grep -q '^updates/dkms/nf_nat46.ko' "$modules/modules.dep"
check "... and by a rule's -j NAT46 the other, which needs it" grep -q '^updates/dkms/xt_NAT46.ko.*: .*nf_nat46.ko' "$modules/modules.dep"
for a in ipt_NAT46 ip6t_NAT46 nfct-helper-nat46; do check "... for $a" grep -qi "^alias $a " "$modules/modules.alias"; done
mkdir -p "$image/lib/modules/4.0-old/build"	# headers that build nothing
echo 'all: ; false' >"$image/lib/modules/4.0-old/build/Makefile"
check "make dkms again, beside a kernel that it can't be built for" make -s dkms DESTDIR="$image"
check "and it's there still" test -s "$ko"
rm -r "$image/lib/modules/4.0-old"
refute "make dkms where no kernel has headers" make -s dkms DESTDIR="$image/empty"
rm -rf "$image/empty"

check "make install" make -s install O="$top/build" DESTDIR="$image"
xtables=$(pkg-config --variable=xtlibdir xtables)
for f in sbin/nat46 sbin/dns46 share/man/man8/nat46.8 share/man/man8/dns46.8 share/man/man8/xt_NAT46.8 \
	share/man/man5/dns46.conf.5 "${xtables#/usr/}/libxt_NAT46.so"; do
	check "$f is there" test -s "$image/usr/$f" -o -s "$image/usr/$f.gz"
done
check "iptables loads the extension from there" eval \
	"XTABLES_LIBDIR='$image$xtables' iptables-legacy -j NAT46 -h | grep -q '^NAT46 target'"
check "nat46 runs from there" "$image/usr/sbin/nat46" -V
sed "s# /var/lib/nat46# $image/var/lib/nat46#" "$image/etc/nat46/dns46.conf" >"$image/dns46.conf"
check "the relay takes its configuration" "$image/usr/sbin/dns46" -t -c "$image/dns46.conf"
# the programs aren't at their final place, so systemd is told where they are
mkdir "$image/units"
for u in "$image"/usr/lib/systemd/system/*.service; do
	sed "s#=-\?/usr/sbin/#=$image/usr/sbin/#" "$u" >"$image/units/$(basename "$u")"
done
mkdir "$image/units/dns46.service.d"
cp deploy/eks/dns46-cluster.conf "$image/units/dns46.service.d/"
same "systemd has nothing to say about the units" "" \
	"$(systemd-analyze verify --man=no "$image"/units/*.service 2>&1 | grep "$image")"
check "nft takes the redirection of the cluster's DNS" nft -c -f "$image/etc/nat46/dns46-redirect.nft"
echo mine >"$image/etc/nat46/nat46.conf"
make -s install O="$top/build" DESTDIR="$image" >/dev/null
same "a second install keeps the configuration" mine "$(cat "$image/etc/nat46/nat46.conf")"
make -s uninstall O="$top/build" DESTDIR="$image" >/dev/null
same "make uninstall leaves the configuration and the module" "" \
	"$(find "$image" \( -type f -o -type l \) ! -path "$image/units/*" ! -path "$image/lib/*" \
		! -path "$image/usr/src/*" ! -path "$image/var/lib/dkms/*" ! -path "$image/dns46.conf" \
		! -path "$image/etc/nat46/*" -printf '%P ')"
finish
