# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The programs behind the tests' network: nginx with TLS and an authoritative
# server on the IPv6-only host, a resolver on the node. Sourced after net.sh.

SRV=${SRV:-/run/nat46-servers}
SERVER_PIDS=

# spawn NETNS COMMAND...: in the background, ended by servers_down
spawn() {
	local ns=$1
	shift
	ip netns exec "$ns" "$@" >>"$SRV/log" 2>&1 </dev/null &
	SERVER_PIDS="$SERVER_PIDS $!"
}

# listens NETNS PORT: a TCP or UDP socket is bound to it
listens() { ip netns exec "$1" ss -Hlntu "sport = :$2" | grep -q .; }

servers_down() {
	# shellcheck disable=SC2086 # a list of pids
	[ -z "$SERVER_PIDS" ] || kill $SERVER_PIDS 2>/dev/null
	SERVER_PIDS=
}

# A certificate authority of our own, and v6only.example's certificate.
certs_make() {
	mkdir -p "$SRV/www"
	[ -s "$SRV/cert.pem" ] && return
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$SRV/ca.key" -out "$SRV/ca.pem" -days 30 \
		-subj "/CN=nf_nat46 test CA" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$SRV/key.pem" -out "$SRV/req.pem" \
		-subj "/CN=v6only.example" 2>/dev/null
	printf 'subjectAltName=DNS:v6only.example,DNS:www.v6only.example\n' >"$SRV/ext"
	openssl x509 -req -in "$SRV/req.pem" -CA "$SRV/ca.pem" -CAkey "$SRV/ca.key" \
		-CAcreateserial -days 30 -extfile "$SRV/ext" -out "$SRV/cert.pem" 2>/dev/null
}

# nginx with TLS on the IPv6-only host; PUT to /up/ stores a file.
nginx_up() {
	certs_make
	mkdir -p "$SRV/www/up" "$SRV/tmp"
	echo "Hello from the IPv6-only host v6only.example" >"$SRV/www/index.html"
	cat >"$SRV/nginx.conf" <<-END
		user root;
		worker_processes 1;
		worker_rlimit_nofile 8192;
		daemon off;
		pid $SRV/nginx.pid;
		error_log $SRV/nginx.log warn;
		events { worker_connections 4096; }
		http {
			access_log $SRV/access.log;
			client_body_temp_path $SRV/tmp/body;
			proxy_temp_path $SRV/tmp/proxy;
			fastcgi_temp_path $SRV/tmp/fcgi;
			uwsgi_temp_path $SRV/tmp/uwsgi;
			scgi_temp_path $SRV/tmp/scgi;
			client_max_body_size 1g;
			sendfile on;
			server {
				listen [::]:443 ssl ipv6only=on;
				listen [::]:80 ipv6only=on;
				server_name v6only.example;
				ssl_certificate $SRV/cert.pem;
				ssl_certificate_key $SRV/key.pem;
				root $SRV/www;
				location /up/ { dav_methods PUT; }
				location = /client {
					default_type text/plain;
					return 200 "\$remote_addr \$remote_port\n";
				}
				location = /server {
					default_type text/plain;
					return 200 "\$server_addr\n";
				}
			}
		}
	END
	spawn internet6 nginx -c "$SRV/nginx.conf"
	wait_for 10 listens internet6 443
}

# The zone "example": names with only AAAA, with both, with only A, with none.
zone_write() {
	cat >"$SRV/example.zone" <<-END
		\$ORIGIN example.
		\$TTL 300
		@ SOA ns hostmaster 1 3600 600 86400 60
		@ NS ns
		ns AAAA $SERVER6
		v6only AAAA $SERVER6
		www.v6only CNAME v6only
		deep CNAME www.v6only
		both A 192.0.2.80
		both AAAA $SERVER6
		v4only A 192.0.2.80
		text TXT "neither"
		mapped AAAA ::ffff:192.0.2.1
		linklocal AAAA fe80::1
		many AAAA 2001:db8:9::71
		many AAAA 2001:db8:9::72
		many AAAA 2001:db8:9::73
	END
	local i
	for i in $(seq 1 200); do echo "n$i AAAA 2001:db8:9::1:$(printf %x "$i")"; done >>"$SRV/example.zone"
}

# nsd, authoritative for "example", on the IPv6-only host.
nsd_up() {
	mkdir -p "$SRV"
	zone_write
	cat >"$SRV/nsd.conf" <<-END
		server:
			ip-address: ::0
			do-ip4: no
			username: ""
			zonesdir: "$SRV"
			pidfile: "$SRV/nsd.pid"
			database: ""
			xfrdfile: "$SRV/xfrd.state"
			zonelistfile: "$SRV/zone.list"
			server-count: 1
		remote-control:
			control-enable: no
		zone:
			name: "example"
			zonefile: "example.zone"
	END
	spawn internet6 nsd -d -c "$SRV/nsd.conf"
	wait_for 10 listens internet6 53
}

# unbound on the node: a resolver that asks nsd over IPv6.
unbound_up() {
	mkdir -p "$SRV"
	cat >"$SRV/unbound.conf" <<-END
		server:
			interface: 127.0.0.1@5300
			do-daemonize: no
			chroot: ""
			username: ""
			directory: "$SRV"
			pidfile: "$SRV/unbound.pid"
			use-syslog: no
			do-not-query-localhost: no
			do-ip6: yes
			module-config: "iterator"
			access-control: 0.0.0.0/0 allow
			local-zone: "example." nodefault
			num-threads: 1
		remote-control:
			control-enable: no
		stub-zone:
			name: "example"
			stub-addr: $SERVER6
	END
	spawn node unbound -d -c "$SRV/unbound.conf"
	wait_for 10 listens node 5300
}
