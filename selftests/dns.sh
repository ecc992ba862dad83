#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The relay without a module, on loopback of a network namespace of its own, so
# that it needs no guest: what is relayed, UDP and TCP, failing upstreams, rule
# 57. nsd is the upstream; selftests/lib/dnsq.py asks and plays bad upstreams.
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
if [ -z "${NAT46_DNS_NS-}" ]; then
	NAT46_DNS_NS=1 exec unshare -n -- "$0" "$@"
fi
BIN=${BIN:-$here/../build/bin}
ip link set lo up
tmp=$(mktemp -d)
chmod 755 "$tmp"
pids=
trap 'kill $pids 2>/dev/null; wait; rm -rf "$tmp"' EXIT
q() { python3 "$here/lib/dnsq.py" "$@"; }
D=127.0.0.1@53 N=127.0.0.2@53

cat >"$tmp/example.zone" <<-'END'
	$ORIGIN example.
	$TTL 300
	@ SOA ns hostmaster 1 3600 600 86400 60
	@ NS ns
	ns AAAA 2001:db8:9::7
	v6only AAAA 2001:db8:9::7
	www CNAME v6only
	both A 192.0.2.80
	both AAAA 2001:db8:9::7
	svc HTTPS 1 . alpn="h2" ipv4hint=192.0.2.80
	hint HTTPS 1 . alpn="h2" ipv6hint=2001:db8:9::7
	mx MX 10 both
END
for i in $(seq 1 120); do echo "big TXT \"number $i $(printf '%0100d' "$i")\""; done >>"$tmp/example.zone"
sed "s#@DIR@#$tmp#" "$here/lib/nsd.conf" >"$tmp/nsd.conf"
nsd -d -c "$tmp/nsd.conf" >"$tmp/nsd.log" 2>&1 &
pids="$pids $!"
conf() {
	cat >"$tmp/conf" <<-END
		listen 127.0.0.1
		store file $tmp/state/leases
		key-file $tmp/state/key
		user nobody
		$1
	END
}
# start KEYS: the relay with these besides the usual
start() {
	conf "$1"
	launch "$tmp/log" "$BIN/dns46" -f -c "$tmp/conf"
	pid=$!
	pids="$pids $pid"
	wait_for 5 grep -q ready "$tmp/log" || { cat "$tmp/log"; return 1; }
}
stop() { kill "$pid" && wait "$pid"; }
wait_for 10 q ask "$N" both.example A || note "no nsd"

# ---- configuration
conf "upstream 127.0.0.2"
check "-t takes a good file" "$BIN/dns46" -t -c "$tmp/conf"
bad() { # NAME LINE WORD-IN-THE-ERROR
	conf "upstream 127.0.0.2
$2"
	out=$("$BIN/dns46" -t -c "$tmp/conf" 2>&1)
	same "-t: $1: status" 1 $?
	[[ $out == *"$tmp/conf:6: "*"$3"* ]] && ok "-t: $1: file, line, word" || not_ok "-t: $1: $out"
}
bad "an unknown key" "colour blue" colour
bad "a bad address" "upstream 1.2.3" 1.2.3
bad "a bad port" "listen 127.0.0.1@99999" 99999
bad "host bits in a pool" "pool 198.18.0.1/16" 198.18.0.1/16
bad "a bad time" "hold 3x" 3x
bad "no value" "user" user
bad "a bad switch" "break-dnssec maybe" maybe
conf ""
out=$("$BIN/dns46" -t -c "$tmp/conf" 2>&1)
same "-t: no upstream" "dns46: upstream: none is given" "$out"
"$BIN/dns46" --nonsense >/dev/null 2>&1
same "usage: status 2" 2 $?
check "-h" "$BIN/dns46" -h
"$BIN/dns46" -f --listen 192.0.2.99 --upstream 127.0.0.2 -c "$tmp/conf" 2>"$tmp/out"
same "an address that isn't ours: status" 1 $?
check "an address that isn't ours: said" grep -q 'listen 192.0.2.99@53' "$tmp/out"

# ---- relaying
start "upstream 127.0.0.2"
for t in "both.example A" "both.example AAAA" "v6only.example AAAA" "www.example AAAA" "example SOA" \
	"none.example A" "svc.example TYPE65" "mx.example MX" "example ANY" "BoTh.eXample A"; do
	# shellcheck disable=SC2086 # name and type
	check "rules 1, 3, 17-20: $t: bytes as upstream's but ID and OPT" q same "$D" "$N" $t
	# shellcheck disable=SC2086
	check "the same by TCP: $t" q same --tcp "$D" "$N" $t
done
refute "rule 37: but for an ipv6hint" q same "$D" "$N" hint.example TYPE65
check "rule 28: no OPT for who sent none" q same --noedns "$D" "$N" both.example A
check "rule 31: cut off for UDP" q ask --expect-tc "$D" big.example TXT
check "rule 31: whole by TCP" q same --tcp "$D" "$N" big.example TXT
check "rule 32: 200 queries pipelined on one connection" q pipeline "$D" 200 both.example A
check "rule 36: A and AAAA from one port" q both "$D" both.example
check "rule 32: 300 connections at once: bounded, and it still answers" q flood "$D" 300 both.example A
check "rule 49: 3000 mutated queries, then a good one" q fuzz "$D" 3000 both.example A
check "rule 10: AXFR is refused" q ask --rcode 5 --tcp "$D" example AXFR
check "rule 22: reverse names of the pool stay here" q ask --rcode 3 "$D" 1.0.18.198.in-addr.arpa PTR

# ---- no module
check "rule 57: what would be synthesised is SERVFAIL" q ask --rcode 2 --ede 14 "$D" v6only.example A
check "rule 57: www too" q ask --rcode 2 "$D" www.example A
check "rule 57: said once" grep -qc 'no synthesis' "$tmp/log"
check "it runs as nobody" grep -q "^Uid:.$(id -u nobody).$(id -u nobody)" "/proc/$pid/status"
check "CAP_NET_ADMIN and nothing else" grep -q '^CapEff:.0000000000001000' "/proc/$pid/status"
check "a filter of system calls" grep -q '^Seccomp:.2' "/proc/$pid/status"

stop
# ---- what root does for `user`
(
	umask 077
	start "upstream 127.0.0.2
store file $tmp/var/nat46/dns46/leases
key-file $tmp/var/nat46/dns46/key" && stop
) || cat "$tmp/log"
same "the folders of the store are made, as in the dns46.conf that is installed" "0 755 0 755 $(id -u nobody) 750" \
	"$(stat -c '%u %a' "$tmp/var" "$tmp/var/nat46" "$tmp/var/nat46/dns46" | xargs)"
echo precious >"$tmp/precious"
chmod 600 "$tmp/precious"
as_nobody() { setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"; }
as_nobody ln -s ../precious "$tmp/state/leases.new"
start "upstream 127.0.0.2"
same "a link to another's file beside the store: that file stays" "precious 0" \
	"$(cat "$tmp/precious") $(stat -c %u "$tmp/precious")"
stop
as_nobody ln -sf ../newfile "$tmp/state/leases"
out=$(timeout 10 "$BIN/dns46" -f -c "$tmp/conf" 2>&1)
same "a link for the store: status" 1 $?
like "a link for the store: said" "store $tmp/state/leases: a link" "$out"
check "a link for the store: not followed" test ! -e "$tmp/newfile"
rm "$tmp/state/leases"
start "upstream 127.0.0.2"

# ---- metrics
m() { curl -sS -m 5 "$@"; }
metric() { m "http://$M/metrics" | sed -n "s/^$1 //p"; }
stop
M=127.0.0.1:9146
start "upstream 127.0.0.2
metrics 127.0.0.1
log-queries 3"
check "/metrics: Prometheus' checker has no complaint" eval 'm "http://$M/metrics" | promtool check metrics'
same "/metrics: nothing asked" 0 "$(metric 'dns46_queries_total{outcome="relayed"}')"
for _ in 1 2 3 4 5 6; do q ask "$D" both.example A; done
q ask --rcode 2 "$D" v6only.example A
q ask --rcode 3 "$D" 1.0.18.198.in-addr.arpa PTR
same "/metrics: by outcome" "6 1 1" "$(for o in relayed failed local; do metric "dns46_queries_total{outcome=\"$o\"}"; done | xargs)"
same "/metrics: the pool's free addresses" 65534 "$(metric 'dns46_pool_addresses{state="free"}')"
same "rule 57: /metrics: synthesis is down" 0 "$(metric dns46_synthesis_up)"
same "/healthz: it lives" "live 200" "$(m -w ' %{http_code}' "http://$M/healthz" | xargs)"
check "rule 57: /readyz: not ready, and why" eval 'm -w " %{http_code}" "http://$M/readyz" | tr "\n" " " | grep -q "no synthesis: .*nf_nat46.* 503"'
same "/metrics: no other page" 404 "$(m -o /dev/null -w '%{http_code}' "http://$M/")"
same "/metrics: POST: not for that" 405 "$(m -o /dev/null -w '%{http_code}' -X POST "http://$M/metrics")"
same "log-queries 3: of 8 queries 2 are in the log" 2 "$(grep -c 'query .* from 127.0.0.1@' "$tmp/log")"
check "and say what became of them" grep -q 'query both.example type 1 from 127.0.0.1@[0-9]* by udp: relayed, code 0' "$tmp/log"
check "alerts: promtool check rules" promtool check rules "$here/../deploy/dns46-alerts.yml"
check "alerts: they fire when they should" promtool test rules "$here/dns/alerts-test.yml"
stop

# ---- signals
start "upstream 127.0.0.2"
conf "upstream 127.0.0.2
break-dnssec maybe"
chmod 644 "$tmp/conf"
kill -HUP "$pid"
check "SIGHUP with a bad file: said" wait_for 5 grep -q 'maybe' "$tmp/log"
check "SIGHUP with a bad file: the old one stays" q ask "$D" both.example A
conf "upstream 127.0.0.2
suppress-aaaa yes"
kill -HUP "$pid"
check "SIGHUP with a good file" wait_for 5 grep 'read again' "$tmp/log"
check "it counts: suppress-aaaa" q ask --answers 0 "$D" v6only.example AAAA
stop
same "SIGTERM: status 0" 0 $?

# ---- restarts under load, the sockets being the service manager's
conf "upstream 127.0.0.2"
check "rule 58: ${RESTARTS:-5} restarts under load lose no query" \
	python3 "$here/lib/restart.py" "${RESTARTS:-5}" "$BIN/dns46" -f -c "$tmp/conf"

# ---- bad upstreams
start "upstream 127.0.0.77
upstream 127.0.0.2
upstream-timeout 300"
check "rule 5: one that refuses is passed over" q ask "$D" both.example A
stop
python3 "$here/lib/dnsq.py" serve 127.0.0.3@53 silent &
silent=$!
pids="$pids $silent"
start "upstream 127.0.0.3
upstream 127.0.0.2
upstream-timeout 2000"
wait_for 5 sh -c 'ss -Hlnu "sport = :53" | grep -q 127.0.0.3'
check "rule 5: one that is silent is passed over" q ask --timeout 6 "$D" both.example A
t=$(date +%s%N)
check "and asked last for a while" q ask "$D" mx.example MX
[ $((($(date +%s%N) - t) / 1000000)) -lt 1900 ] && ok "so that no query waits for it" || not_ok "it waited"
stop
start "upstream 127.0.0.3
upstream-timeout 300"
check "rule 5: nobody answers: SERVFAIL" q ask --timeout 5 --rcode 2 "$D" both.example A
stop
python3 "$here/lib/dnsq.py" serve 127.0.0.4@53 forger &
pids="$pids $!"
wait_for 5 sh -c 'ss -Hlnu "sport = :53" | grep -q 127.0.0.4'
start "upstream 127.0.0.4"
check "rule 34: wrong ID, wrong question: ignored; the true answer counts" \
	q ask --a 192.0.2.1 "$D" forged.example A
stop
python3 "$here/lib/dnsq.py" serve 127.0.0.5@53 slow "$tmp/count" &
pids="$pids $!"
wait_for 5 sh -c 'ss -Hlnu "sport = :53" | grep -q 127.0.0.5'
start "upstream 127.0.0.5
upstream-timeout 3000"
check "rule 35: 10 equal queries share one of upstream's" q burst --equal "$D" 10 x.example A
same "rule 35: upstream saw" 1 "$(wc -l <"$tmp/count")"
stop
start "upstream 127.0.0.3
upstream-timeout 500
max-inflight 16"
check "rule 50: 100 queries, 16 in flight, a silent upstream: all are answered" \
	q burst --servfail 100 "$D" 100 y.example A
check "rule 50: said" grep -q 'too many queries' "$tmp/log"
stop
finish
