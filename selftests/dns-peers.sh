#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The relay among the programs that stand around it: resolvers behind it (unbound,
# BIND, Knot Resolver, dnsmasq, nsd itself), caches in front of it (unbound and
# BIND with and without validation, dnsmasq, systemd-resolved) by the recipes of
# docs/dns.md as they stand there, and clients (glibc, musl, c-ares, dig, kdig,
# resolvectl). On loopback of a network namespace of its own; the relay is
# dns46-fake, whose kernel takes every mapping. N: queries of the differential
# test (100000: make check-all).
here=$(dirname "$(realpath "$0")")
. "$here/lib.sh"
. "$here/recipes.sh"
cache=${NAT46_CACHE:-$HOME/.cache/nf_nat46}
# systemd-resolved: installed, it would take over the machine's resolv.conf
fetch_resolved() {
	local dir=$cache/systemd-resolved
	[ ! -x "$dir/lib/systemd/systemd-resolved" ] || return 0
	rm -rf "$dir.new" && mkdir -p "$dir.new/deb" || return 1
	(cd "$dir.new/deb" && apt-get download -qq systemd-resolved) >/dev/null 2>&1 &&
		dpkg -x "$dir.new"/deb/*.deb "$dir.new" && rm -rf "$dir" && mv "$dir.new" "$dir"
}
if [ -z "${NAT46_DNS_NS-}" ]; then
	fetch_resolved
	[ -n "${BIN-}" ] || make -s -C "$here/../userspace" O="$(realpath "$here/..")/build" fake || exit 1
	NAT46_DNS_NS=1 exec unshare -n -m -p -f --kill-child --mount-proc --propagation private -- "$0" "$@"
fi
N=${N:-3000} NREAL=${NREAL:-1500}
BIN=${BIN:-$here/../build/bin}
ip link set lo up
for i in 11 32 33 36; do ip addr add 127.0.0.$i/32 dev lo; done	# BIND listens to what is configured
# systemd-resolved asks nobody on a machine without a network
ip link add eth0 type veth peer name eth1 && ip addr add 192.0.2.200/24 dev eth0 && ip link set eth0 up && ip link set eth1 up
tmp=$(mktemp -d)
chmod 755 "$tmp"
# Whatever runs ends with this shell, the first of its process namespace.
trap 'rm -rf "$tmp"' EXIT
# run NAME COMMAND...
run() {
	local name=$1
	shift
	"$@" >"$tmp/$name.log" 2>&1 </dev/null &
}
q() { dig +time=3 +tries=2 "@$1" "${@:2}"; }
answers() { q "$1" "$2" "$3" 2>/dev/null | grep -q 'status: NOERROR'; }
up() { # ADDRESS NAME WHO
	wait_for 15 answers "$1" "$2" NS || { not_ok "$3 answers"; return 1; }
}

# ---- authoritative: knot signs example.net, nsd has the signed root and example
auth() {
	local k
	cp "$here/dns-peers/"*.zone "$tmp"
	for i in $(seq 1 90); do echo "big TXT \"number $i $(printf '%0100d' "$i")\""; done >>"$tmp/example.zone" # BIND takes 100
	mkdir -p "$tmp/knot"
	cat >"$tmp/knot.conf" <<-END
		server:
		  rundir: $tmp/knot
		  listen: 127.0.0.4@53
		database:
		  storage: $tmp/knot
		zone:
		- domain: example.net
		  file: $tmp/example.net.zone
		  dnssec-signing: on
		  zonefile-sync: -1
		  journal-content: none
		  zonefile-load: whole
	END
	run knotd knotd -c "$tmp/knot.conf"
	up 127.0.0.4 example.net knotd || return 1
	wait_for 10 sh -c 'dig +short @127.0.0.4 example.net DNSKEY | grep -q "^257 "'
	dig @127.0.0.4 example.net DNSKEY | dnssec-dsfromkey -f - example.net >>"$tmp/root.zone" || return 1
	k=$(dnssec-keygen -q -K "$tmp" -a ECDSAP256SHA256 -f KSK .) && cp "$tmp/$k.key" "$tmp/anchor" || return 1
	KEY=$(sed -n 's/.*DNSKEY 257 //p' "$tmp/anchor")
	(cd "$tmp" && dnssec-signzone -S -z -o . -f root.signed root.zone >/dev/null 2>&1) || return 1
	printf '%s\n' '. 3600000 IN NS ns.root.' 'ns.root. 3600000 IN A 127.0.0.2' >"$tmp/hints"
	{ sed "s#@DIR@#$tmp#" "$here/lib/nsd.conf"; printf 'zone:\n\tname: "."\n\tzonefile: "root.signed"\n'; } >"$tmp/nsd.conf"
	run nsd nsd -d -c "$tmp/nsd.conf"
	python3 "$here/lib/dnsq.py" serve 127.0.0.5@53 silent &
	up 127.0.0.2 example nsd
}

# ---- resolvers. unbound_ NAME ADDRESS validate|iterate < MORE
unbound_() {
	mkdir -p "$tmp/$1"
	cat >"$tmp/$1/unbound.conf" <<-END
		server:
		  interface: $2
		  username: ""
		  chroot: ""
		  directory: "$tmp/$1"
		  pidfile: ""
		  use-syslog: no
		  do-not-query-localhost: no
		  access-control: 127.0.0.0/8 allow
		  module-config: "$([ "$3" = validate ] && echo "validator iterator" || echo iterator)"
		  $([ "$3" = validate ] && echo "trust-anchor-file: $tmp/anchor")
		remote-control:
		  control-enable: no
	END
	cat >>"$tmp/$1/unbound.conf"
	run "$1" unbound -d -c "$tmp/$1/unbound.conf"
}
roots() { printf 'server:\n  root-hints: %s/hints\n' "$tmp"; }
# named_ NAME ADDRESS auto|yes|no < MORE; auto: with the root's anchor, as BIND has it
named_() {
	mkdir -p "$tmp/$1"
	cat >"$tmp/$1/named.conf" <<-END
		options {
			directory "$tmp/$1";
			listen-on { $2; };
			listen-on-v6 { none; };
			pid-file none;
			session-keyfile none;
			recursion yes;
			allow-query { any; };
			dnssec-validation ${3/auto/yes};
			empty-zones-enable no;
			minimal-responses yes;
			$([ $# -lt 4 ] || cat "$4")
		};
		controls { };
		$([ "$3" != auto ] || printf 'trust-anchors { "." static-key 257 %s "%s"; };' "$(echo "$KEY" | cut -d' ' -f1,2)" \
			"$(echo "$KEY" | cut -d' ' -f3- | tr -d ' ')")
	END
	cat >>"$tmp/$1/named.conf"
	run "$1" named -g -n 1 -c "$tmp/$1/named.conf"
}
hints() { echo "zone \".\" { type hint; file \"$tmp/hints\"; };"; }
kresd_() { # NAME ADDRESS
	mkdir -p "$tmp/$1/run"
	cat >"$tmp/$1/conf" <<-END
		net.listen('$2', 53, { kind = 'dns' })
		modules = { 'policy' }
		cache.size = 10 * MB
		trust_anchors.remove('.')
		trust_anchors.add_file('$tmp/anchor', true)
		modules.load('hints')
		hints.root({['ns.root.'] = '127.0.0.2'})
		option('ALLOW_LOCAL', true)
	END
	run "$1" kresd -n -c "$tmp/$1/conf" "$tmp/$1/run"
}
dnsmasq_() { # NAME ADDRESS < MORE
	{
		printf 'listen-address=%s\nbind-interfaces\nno-hosts\nno-resolv\nuser=root\nedns-packet-max=1232\n' "$2"
		cat
	} >"$tmp/$1.conf"
	run "$1" dnsmasq -k -C "$tmp/$1.conf" --pid-file= --log-facility=-
}
relay_() { # NAME LISTEN UPSTREAM [MORE]
	printf '%s\n' "listen $2" "upstream $3" "store file $tmp/$1.d/leases" "key-file $tmp/$1.d/key" "user nobody" "${4-}" \
		>"$tmp/$1.conf"
	run "$1" "$BIN/dns46-fake" -f -c "$tmp/$1.conf"
}
pool() { grep -E '^198\.18\.[0-9]+\.[0-9]+$'; }

auth || finish
roots | unbound_ unbound 127.0.0.10 validate
hints | named_ bind 127.0.0.11 auto
kresd_ kresd 127.0.0.12
printf 'server=127.0.0.10\ncache-size=1000\n' | dnsmasq_ dnsmasq 127.0.0.13
relay_ relay-unbound 127.0.0.20 127.0.0.10
relay_ relay-bind 127.0.0.21 127.0.0.11
relay_ relay-kresd 127.0.0.22 127.0.0.12
relay_ relay-dnsmasq 127.0.0.23 127.0.0.13
relay_ relay-nsd 127.0.0.24 127.0.0.2
NAMES="example. v6only.example www.example deep.example both.example alias.example many.example *.wild.example
	*.wild6.example host.old.example six.old.example svc.example svc4.example svcalias.example _dns.example mx.example
	srv.example text.example loop.example out.example big.example ns.example"
SIGNED="example.net. v6only.v6.example.net www.example.net both.example.net svc.example.net *.wild.example.net host.old.example.net"
diff_() { /usr/bin/python3 "$here/lib/dnsdiff.py" "$@"; }

up 127.0.0.10 example unbound
up 127.0.0.11 example bind
up 127.0.0.12 example kresd
up 127.0.0.13 example dnsmasq
set -f
# shellcheck disable=SC2086 # lists of names
check "nsd behind: $N generated queries, byte by byte" diff_ -n "$N" 127.0.0.24 127.0.0.2 $NAMES x.lame.example x.silent.example
# BIND answers three queries of class CH a second.
# dnsmasq answers from its own cache or from unbound's, which differ in age.
for r in unbound:20:10:2 bind:21:11:2 kresd:22:12:2 dnsmasq:23:13:3600; do
	IFS=: read -r who relay behind ttl <<<"$r"
	# of a chain whose end isn't, it says NXDOMAIN once and NOERROR the next time
	[ "$who" != dnsmasq ] || NAMES=${NAMES/ out.example/}
	same "$who behind: a big answer, by TCP" 90 "$(q "127.0.0.$relay" big.example TXT | grep -c "^big.*number")"
	# shellcheck disable=SC2086
	check "$who behind: $NREAL generated queries, records and TTLs" \
		diff_ --canonical --only-in --ttl "$ttl" -n "$NREAL" "127.0.0.$relay" "127.0.0.$behind" $NAMES $SIGNED
	for n in v6only.example www.example deep.example six.old.example v6only.v6.example.net; do
		check "$who behind: $n has an address of the pool" sh -c "dig +short @127.0.0.$relay $n A | tail -n 1 | grep '^198\.18\.'"
	done
done
set +f
for who in unbound:20 bind:21 kresd:22 dnsmasq:23; do
	(dig +time=15 +tries=1 "@127.0.0.${who#*:}" x.silent.example A | grep -o SERVFAIL >"$tmp/silent-${who%:*}") &
	waited="${waited-} $!"
done
# shellcheck disable=SC2086
wait $waited
for who in unbound bind kresd dnsmasq; do
	same "$who behind: a server that is silent: SERVFAIL in the end" SERVFAIL "$(cat "$tmp/silent-$who")"
done

# ---- in front: each forwards to the relay on 127.0.0.1@5346, by docs/dns.md
recipes_of docs/dns.md
docs=$tmp/recipes
for r in unbound unbound-signed bind dnsmasq resolved relay relay-signed; do recipe_put $r "$docs/$r"; done
# The node's resolver is unbound, here on 127.0.0.10.
front_conf() {
	sed 's/^upstream .*/upstream 127.0.0.10/; s/^listen .*/listen 127.0.0.1@5346/' "$docs/relay" "$@"
	printf '%s\n' "store file $tmp/front.d/leases" "key-file $tmp/front.d/key"
}
front_conf >"$tmp/front.conf"
run front "$BIN/dns46-fake" -f -c "$tmp/front.conf"
front=$!
printf 'include: "%s"\n' "$docs/unbound" | unbound_ f-unbound 127.0.0.30 iterate
printf 'include: "%s"\n' "$docs/unbound" "$docs/unbound-signed" | unbound_ f-unbound-val 127.0.0.31 validate
printf 'include "%s";\n' "$docs/bind" | named_ f-bind 127.0.0.32 no
printf 'include "%s";\n' "$docs/bind" | named_ f-bind-val 127.0.0.33 auto
printf 'include "%s";\n' "$docs/bind" | named_ f-bind-yes 127.0.0.36 yes
printf 'conf-file=%s\n' "$docs/dnsmasq" | dnsmasq_ f-dnsmasq 127.0.0.34
resolved_() {
	local dir=$cache/systemd-resolved
	resolvectl=$dir/usr/bin/resolvectl
	mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /etc/systemd || return 1
	mkdir -p /run/dbus /run/systemd/resolve /etc/systemd/resolved.conf.d
	cp "$docs/resolved" /etc/systemd/resolved.conf.d/dns46.conf
	{ cat /etc/passwd; echo 'systemd-resolve:x:65533:65533::/:/usr/sbin/nologin'; } >"$tmp/passwd"
	{ cat /etc/group; echo 'systemd-resolve:x:65533:'; } >"$tmp/group"
	mount --bind "$tmp/passwd" /etc/passwd && mount --bind "$tmp/group" /etc/group || return 1
	chown 65533:65533 /run/systemd/resolve
	cat >"$tmp/dbus.conf" <<-END
		<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
		<policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
		<allow user="*"/></policy></busconfig>
	END
	run dbus dbus-daemon --config-file="$tmp/dbus.conf" --nofork --nopidfile
	wait_for 5 test -S /run/dbus/system_bus_socket
	run resolved "$dir/lib/systemd/systemd-resolved"
}
resolved_ || not_ok "systemd-resolved starts"

# in_front NAME ADDRESS NAMES UNSIGNED SIGNED: what comes of an A query of an IPv6-only
# name in either kind of zone: an address of the pool, or nothing (NODATA), or fail
says() {
	local out
	out=$(q "$1" "$2" A 2>/dev/null)
	case $out in
	*status:\ SERVFAIL*) echo fail ;;
	*198.18.*) echo pool ;;
	*status:\ NOERROR*) echo nothing ;;
	*) echo "no answer" ;;
	esac
}
in_front() {
	up "$2" both.example "$1" || return
	same "$1 in front: A is as ever" 192.0.2.80 "$(q "$2" both.example A +short)"
	same "$1 in front: AAAA is as ever" 2001:db8:9::7 "$(q "$2" "v6$3.example" AAAA +short)"
	same "$1 in front: a name of an unsigned zone" "$4" "$(says "$2" "v6$3.example")"
	same "$1 in front: a chain of an unsigned zone" "$4" "$(says "$2" "deep$3.example")"
	same "$1 in front: a name of a signed zone" "$5" "$(says "$2" "v6$3.v6.example.net")"
	same "$1 in front: A of a signed zone" 192.0.2.80 "$(q "$2" both.example.net A +short)"
}
fronts() { # WHICH-NAMES, then what each says
	in_front "unbound" 127.0.0.30 "$1" ${2/,/ }
	in_front "unbound, validating" 127.0.0.31 "$1" ${3/,/ }
	in_front "BIND, dnssec-validation no" 127.0.0.32 "$1" ${4/,/ }
	in_front "BIND, validating" 127.0.0.33 "$1" ${5/,/ }
	in_front "BIND, validating without an anchor" 127.0.0.36 "$1" ${6/,/ }
	in_front "dnsmasq" 127.0.0.34 "$1" ${7/,/ }
	in_front "systemd-resolved" 127.0.0.53 "$1" ${8/,/ }
}
fronts only pool,nothing pool,nothing nothing,nothing nothing,nothing pool,nothing pool,pool pool,pool
# With break-dnssec: names that no cache has seen.
front_conf "$docs/relay-signed" >"$tmp/front.conf"
kill -HUP "$front"
wait_for 5 grep -q 'read again' "$tmp/front.log"
fronts two pool,pool pool,pool nothing,nothing nothing,nothing pool,pool pool,pool pool,pool
printf 'include: "%s"\n' "$docs/unbound" | unbound_ f-unbound-bogus 127.0.0.35 validate
up 127.0.0.35 example unbound
# It finds the answer bogus, and asks again with CD.
same "unbound, validating, without domain-insecure: a name of a signed zone" nothing "$(says 127.0.0.35 v6two.v6.example.net)"

# ---- clients, of the relay and of resolved
gcc -o "$tmp/lookup" "$here/dns-peers/lookup.c" && musl-gcc -static -o "$tmp/lookup-musl" "$here/dns-peers/lookup.c" &&
	gcc -o "$tmp/lookup-cares" "$here/dns-peers/cares.c" -lcares || not_ok "the clients are built"
relay_ relay-client 127.0.0.26 127.0.0.10
wait_for 20 grep -q ready "$tmp/relay-client.log"
# conf NAMESERVER: /etc/resolv.conf, of this mount namespace
printf 'nameserver 127.0.0.26\n' >"$tmp/resolv.conf"
printf 'passwd: files\nhosts: files dns\n' >"$tmp/nsswitch.conf"
mount --bind "$tmp/resolv.conf" "$(realpath /etc/resolv.conf)"
mount --bind "$tmp/nsswitch.conf" /etc/nsswitch.conf
a=$(q 127.0.0.26 v6only.example A +short)
check "a lease" pool <<<"$a"
same "dig" "$a" "$(dig +short v6only.example A)"
same "dig by TCP" "$a" "$(dig +short +tcp v6only.example A)"
same "kdig" "$a" "$(kdig +short v6only.example A)"
same "kdig by TCP, kept open" "$a" "$(kdig +short +tcp +keepopen v6only.example A)"
same "glibc: getent ahostsv4" "$a" "$(getent ahostsv4 v6only.example | awk 'NR == 1 { print $1 }')"
same "glibc: a chain" "$a" "$(getent ahostsv4 deep.example | awk 'NR == 1 { print $1 }')"
same "glibc: both families at once (rule 36)" "198.18 2001:db8:9::7" \
	"$("$tmp/lookup" -a v6only.example | sed "s/$a/198.18/" | awk '{ print $2 }' | sort -u | tr '\n' ' ' | sed 's/ $//')"
same "glibc: a name that isn't" 2 "$(getent ahostsv4 none.example >/dev/null; echo $?)"
same "musl" "v6only.example $a" "$("$tmp/lookup-musl" v6only.example)"
same "musl: a chain" "deep.example $a" "$("$tmp/lookup-musl" deep.example)"
same "musl: both families at once" "198.18 2001:db8:9::7" \
	"$("$tmp/lookup-musl" -a v6only.example | sed "s/$a/198.18/" | awk '{ print $2 }' | sort -u | tr '\n' ' ' | sed 's/ $//')"
check "musl: a big answer's neighbour, by TCP if it must" "$tmp/lookup-musl" both.example
same "c-ares" "v6only.example $a" "$("$tmp/lookup-cares" v6only.example)"
same "c-ares: both families at once" "198.18 2001:db8:9::7" \
	"$("$tmp/lookup-cares" -a v6only.example | sed "s/$a/198.18/" | awk '{ print $2 }' | sort -u | tr '\n' ' ' | sed 's/ $//')"
same "busybox nslookup" 1 "$(busybox nslookup v6only.example 127.0.0.26 2>&1 | grep -c "Address.*$a")"
like "resolvectl query -4" '198\.18\.' "$("${resolvectl:-false}" query -4 v6only.example 2>&1)"
recipes_done
finish
