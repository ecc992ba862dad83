#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The relay under faults: bad upstreams (slow, dead, forgetful, forging, cutting),
# bad clients (idle, dribbling, greedy), floods; who may ask; what it may do
# itself. On loopback of a network namespace of its own; no time is asserted
# tightly. IDLE: how many idle TCP connections, if there may be so many files.
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
if [ -z "${NAT46_DNS_NS-}" ]; then
	NAT46_DNS_NS=1 exec unshare -n -m -p -f --kill-child --mount-proc --propagation private -- "$0" "$@"
fi
BIN=${BIN:-$here/../build/bin}
IDLE=${IDLE:-10000}
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
# Half the files are for connections (dns46.conf(5)). With one too many, the one
# that is idle longest has to go, and that is no finding.
room=$(($(ulimit -n) / 2 - 200))
[ "$IDLE" -le $room ] || IDLE=$room
ip link set lo up
tmp=$(mktemp -d)
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
F=$here/lib/dnsfault.py
f() { python3 "$F" "$@"; }
upstream() { # ADDRESS HOW [FILE]
	python3 "$F" serve "$@" >"$tmp/up.log" 2>&1 &
	server=$!
	wait_for 5 sh -c "ss -Hlnu | grep -q '$1:53'"
}
start() { # KEYS
	printf '%s\n' "listen 127.0.0.1" "store file $tmp/state/leases" "key-file $tmp/state/key" "user nobody" "$1" >"$tmp/conf"
	launch "$tmp/log" "$BIN/dns46" -f -c "$tmp/conf"
	pid=$!
	wait_for 20 grep -q ready "$tmp/log" || { not_ok "it starts"; cat "$tmp/log"; finish; }
}
stop() {
	kill "$pid" && wait "$pid"
	same "$1: it ends well" 0 $?
}

# ---- upstreams
upstream 127.0.0.10 late
start "upstream 127.0.0.10"
check "a slow upstream: 500 questions at once" f burst 127.0.0.1 500 500
stop "slow"
upstream 127.0.0.11 reorder
start "upstream 127.0.0.11"
check "answers in another order: 1000 questions" f burst 127.0.0.1 1000 200
stop "reordered"
upstream 127.0.0.12 lossy
start "upstream 127.0.0.12
upstream-timeout 300"
check "every second question is lost: one is" f ask 127.0.0.1 a.example
check "every second question is lost: asked again, each is answered" f ask 127.0.0.1 b.example
stop "lossy"
upstream 127.0.0.13 spoof "$tmp/ports"
start "upstream 127.0.0.13"
check "rule 34: 60 forged answers before each true one" f burst 127.0.0.1 300 20
stop "spoofed"
upstream 127.0.0.14 junk
start "upstream 127.0.0.14"
check "rule 49: junk before the answer" f burst 127.0.0.1 300 50
stop "junk"
for how in cut dribble; do
	upstream 127.0.0.15 $how
	start "upstream 127.0.0.15
upstream-timeout 500"
	if [ $how = cut ]; then
		refute "TCP hangs up in the midst of the answer: SERVFAIL" f ask 127.0.0.1 x.example
	else
		check "TCP dribbles: an answer" f ask 127.0.0.1 x.example
	fi
	stop "$how"
	kill "$server"
	wait "$server" 2>/dev/null
done

# ---- ports and IDs
upstream 127.0.0.16 good "$tmp/seen"
server_good=$server
start "upstream 127.0.0.16"
check "rule 34: 4000 questions" f burst 127.0.0.1 4000
check "rule 34: their ports and IDs" f ports "$tmp/seen"
: >"$tmp/seen"
for i in 1 2 3 4 5 6; do
	f ask 127.0.0.1 "s$i.example"
	sleep 0.25
done
same "rule 34: who asks seldom has a port for each question" 6 "$(cut -d' ' -f1 "$tmp/seen" | sort -u | wc -l)"
stop "ports"

# ---- one that dies, and comes back
start "upstream 127.0.0.20
upstream 127.0.0.16
upstream-timeout 500"
check "rule 5: the first is dead: the second answers" f burst 127.0.0.1 50
upstream 127.0.0.20 good "$tmp/first"
first=$server
back() { f ask 127.0.0.1 "n$RANDOM.example"; [ -s "$tmp/first" ]; }
check "rule 5: it is asked again when it is back" wait_for 12 back
: >"$tmp/first"
check "rule 5: and has all of them then" f burst 127.0.0.1 50
same "rule 5: all" 50 "$(wc -l <"$tmp/first")"
kill -STOP "$first"
check "rule 5: it falls silent: the second answers" f burst 127.0.0.1 50
: >"$tmp/first"
kill -CONT "$first"
sleep 0.5
: >"$tmp/first"
check "it answers late: nobody minds" f burst 127.0.0.1 50
stop "dead and back"

# ---- clients
start "upstream 127.0.0.16
max-tcp 49152"
f loris 127.0.0.1 "$tmp/dribbles" >"$tmp/loris" 2>&1 &
loris=$!
wait_for 60 test -e "$tmp/dribbles"
check "$IDLE idle connections: others are served; and they end" f idle 127.0.0.1 "$IDLE"
wait "$loris"
same "rule 32: a question that dribbles is hung up on" 0 "$?$(cat "$tmp/loris")"
kill "$server_good"
upstream 127.0.0.16 big
check "60 clients that ask much and read nothing: memory stays" f greedy 127.0.0.1 "$pid"
check "and all is well after that" f burst 127.0.0.1 1000
stop "clients"
upstream 127.0.0.17 silent
start "upstream 127.0.0.17"
check "rule 50: 20000 names and a silent upstream: memory stays" f flood 127.0.0.1 20000 "$pid"
check "rule 50: the oldest fail, which is said" grep -q 'too many queries' "$tmp/log"
stop "flood"
launch "$tmp/log" prlimit --nofile=256 "$BIN/dns46" -f -c "$tmp/conf"
pid=$!
wait_for 20 grep -q ready "$tmp/log"
check "few files: fewer connections, which is said" grep -q 'max-tcp 1024: 128' "$tmp/log"
stop "few files"
upstream 127.0.0.18 good
printf '%s\n' "listen 127.0.0.1" "store file $tmp/state/leases" "key-file $tmp/state/key" "user nobody" \
	"upstream 127.0.0.18" "metrics 127.0.0.1" >"$tmp/conf"
for files in 256 48; do
	launch "$tmp/log" prlimit --nofile=$files "$BIN/dns46" -f -c "$tmp/conf"
	pid=$!
	wait_for 20 grep -q ready "$tmp/log"
	if [ $files = 256 ]; then
		check "300 idle connections to the metrics: questions are answered" f hoard 127.0.0.1 9146 300
	else
		python3 -c 'import socket, time
held = [socket.create_connection(("127.0.0.1", 53)) for _ in range(40)]
time.sleep(4)' &
		check "no file is left: nothing spins" f hoard 127.0.0.1 9146 300 "$pid"
	fi
	check "$files files: what the log says is short" [ "$(wc -l <"$tmp/log")" -lt 20 ]
	stop "$files files"
done
finish
