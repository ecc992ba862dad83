# SPDX-License-Identifier: GPL-2.0
# What the relay is made of; read by ../Makefile.
DNS46_PURE := dns46/wire.c dns46/build.c dns46/prefix.c dns46/reverse.c dns46/svcb.c dns46/synth.c
DNS46_LEASE := dns46/addrs.c dns46/store_file.c dns46/lease.c dns46/lease_life.c dns46/log.c
DNS46_SRCS := $(DNS46_PURE) $(DNS46_LEASE) dns46/kernel.c dns46/config.c dns46/upstream.c \
	dns46/upstream_udp.c dns46/upstream_tcp.c dns46/query.c dns46/recent.c dns46/activation.c dns46/server.c \
	dns46/server_tcp.c dns46/sandbox.c dns46/metrics.c dns46/relay.c dns46/main.c
DNS46_PKGS := libevent libcrypto libseccomp libcap-ng
DNS46_LIBS := -lldns

UNIT_SRCS_test_dns46_synth := $(DNS46_PURE)
UNIT_SRCS_test_dns46_wire := dns46/wire.c dns46/prefix.c
UNIT_SRCS_test_dns46_recent := dns46/recent.c
UNIT_SRCS_test_dns46_fuzz := $(DNS46_PURE)
UNIT_SRCS_test_dns46_lease := $(DNS46_PURE) $(DNS46_LEASE)
UNIT_SRCS_test_dns46_store := $(DNS46_PURE) $(DNS46_LEASE)
