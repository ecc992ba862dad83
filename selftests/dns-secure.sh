#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the relay may do once it runs, and who may ask it. On loopback of a network
# namespace of its own. systemd-analyze judges the unit; WORST is what it must not
# exceed.
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
if [ -z "${NAT46_DNS_NS-}" ]; then
	[ -n "${BIN-}" ] || make -s -C "$here/../userspace" O="$(realpath "$here/..")/build" fake || exit 1
	NAT46_DNS_NS=1 exec unshare -n -m -p -f --kill-child --mount-proc --propagation private -- "$0" "$@"
fi
BIN=${BIN:-$here/../build/bin}
WORST=${WORST:-2.6}
ip link set lo up
ip addr add 203.0.113.9/32 dev lo
tmp=$(mktemp -d)
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
python3 "$here/lib/dnsfault.py" serve 127.0.0.16 good &
conf() {
	printf '%s\n' "listen 127.0.0.1" "listen ::1" "upstream 127.0.0.16" "store file $tmp/state/leases" \
		"key-file $tmp/state/key" "user nobody" "$@" >"$tmp/conf"
}
start() { # PROGRAM
	launch "$tmp/log" "$BIN/$1" -f -c "$tmp/conf"
	pid=$!
	wait_for 20 grep -q ready "$tmp/log"
}
stop() { kill "$pid"; wait "$pid"; }
status() { sed -n "s/^$1:[ \t]*//p" "/proc/$pid/status"; }

# ---- what it may do
conf
start dns46
uid=$(id -u nobody) gid=$(id -g nobody)
same "its user" "$uid $uid $uid $uid" "$(status Uid | tr '\t' ' ')"
same "its group" "$gid $gid $gid $gid" "$(status Gid | tr '\t' ' ')"
same "no further groups" "" "$(status Groups | tr -d ' ')"
for set in CapEff CapPrm; do
	same "$set: CAP_NET_ADMIN alone" 0000000000001000 "$(status $set)"
done
for set in CapInh CapAmb CapBnd; do
	same "$set: none" 0000000000000000 "$(status $set)"
done
same "no_new_privs" 1 "$(status NoNewPrivs)"
same "a filter of system calls" 2 "$(status Seccomp)"
same "no thread beside it, which would have no filter" 1 "$(status Threads)"
same "its leases are its own" "600 nobody" "$(stat -c '%a %U' "$tmp/state/leases")"
same "the key is root's" "600 root" "$(stat -c '%a %U' "$tmp/state/key")"
stop
for call in execve ptrace mount setuid; do
	DNS46_CALL=$call "$BIN/dns46-fake" -f -c "$tmp/conf" >"$tmp/log" 2>&1
	same "$call ends it (SIGSYS)" 159 $?
done
DNS46_CALL='link' start dns46-fake
check "what is in neither list is refused, and it goes on" grep -q 'link: -1: Operation not permitted' "$tmp/log"
check "it still answers" sh -c 'dig +time=2 +tries=1 @127.0.0.1 a.example | grep -q NOERROR'
stop

# ---- who may ask
start dns46
asked() { dig +time=2 +tries=1 "@$1" "${@:2}" a.example 2>&1 | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'; }
same "a loopback client" NOERROR "$(asked 127.0.0.1)"
same "one by IPv6" NOERROR "$(asked ::1)"
same "another, by UDP" REFUSED "$(asked 127.0.0.1 -b 203.0.113.9)"
same "another, by TCP" REFUSED "$(asked 127.0.0.1 -b 203.0.113.9 +tcp)"
check "he is told why" sh -c 'dig +time=2 +tries=1 @127.0.0.1 -b 203.0.113.9 a.example | grep -q "EDE: 18 (Prohibited)"'
conf "allow-client 203.0.113.0/24"
kill -HUP "$pid"
wait_for 5 grep -q 'read again' "$tmp/log"
same "allow-client: he may now" NOERROR "$(asked 127.0.0.1 -b 203.0.113.9)"
same "allow-client takes the default's place" REFUSED "$(asked 127.0.0.1 -b 127.0.0.9)"
same "but the address itself may always ask" NOERROR "$(asked 127.0.0.1 -b 127.0.0.1)"
stop

# ---- the unit
score=$(systemd-analyze security --offline=true "$here/../deploy/systemd/dns46.service" 2>/dev/null |
	sed -n 's/.*exposure level for dns46.service: \([0-9.]*\).*/\1/p')
note "systemd-analyze security: $score"
check "dns46.service: exposure of $WORST at most" awk -v s="${score:-10}" -v w="$WORST" 'BEGIN { exit !(s + 0 <= w + 0) }'
finish
