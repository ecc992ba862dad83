# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A node with systemd, in a user-mode guest: its units run as on a machine. Sourced
# first; `systemd_enter NETNS` installs this tree's programs and units, starts a
# systemd whose machine is that network namespace, and has the calling script run
# again beside it: "systemctl enable --now dns46" there is what it is on a node.
# Needs lib/writable.sh. (Without seccomp, which user-mode Linux hasn't: SystemCallFilter= and its like
# are not in force.)

# systemd_machine: what a machine has that a guest has not: a /usr to install to,
# modules where modprobe looks by itself, no units but ours
systemd_machine() {
	local b
	writable /usr && writable /lib && mkdir -p /lib/modules && mount -t tmpfs modules /lib/modules &&
		cp -a /run/m/lib/modules/. /lib/modules/ || return 1
	rm -rf /usr/lib/systemd/system/*.wants /etc/systemd/system/*.wants /usr/lib/systemd/system-generators
	printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/default.target
	for b in nat46 dns46; do install -m 755 "$(command -v $b)" /usr/sbin/; done
	make -s -C "$NAT46_SRC/deploy" install
}

# systemd_enter NETNS: returns in the second run only
systemd_enter() {
	local outer inner
	[ -z "${SYSTEMD_RUNS-}" ] || return 0
	systemd_machine && ip netns add "$1" || { echo "not ok - a machine for systemd"; exit 1; }
	# process 1 of namespaces of its own
	# shellcheck disable=SC2016 # the inner shell's
	env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin ip netns exec "$1" unshare --fork --pid --mount-proc --cgroup \
		sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec /lib/systemd/systemd --log-target=console --show-status=0' \
		</dev/null >/run/systemd.log 2>&1 &
	outer=$!
	for _ in $(seq 100); do
		[ ! -S /run/systemd/private ] || break
		sleep 0.1
	done
	inner=$(pgrep -P $outer)
	[ -S /run/systemd/private ] && [ -n "$inner" ] ||
		{ echo "not ok - systemd runs"; sed 's/^/#   /' /run/systemd.log; exit 1; }
	# its clients must be of its PID namespace
	SYSTEMD_RUNS=1 exec nsenter -m -p -C -t "$inner" bash "$(realpath "$0")"
}
