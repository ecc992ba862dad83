# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# In a user-mode guest, whose root is the host's and read-only.

# writable DIR: what is written there stays in the guest
writable() {
	local d=/run/o/$1
	if touch "$1/.writable" 2>/dev/null; then
		rm "$1/.writable"
		return
	fi
	mkdir -p "$d/up" "$d/work" &&
		mount -t overlay -o "lowerdir=$1,upperdir=$d/up,workdir=$d/work" overlay "$1"
}
