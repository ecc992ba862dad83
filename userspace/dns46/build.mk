# SPDX-License-Identifier: GPL-2.0
# What the relay is made of; read by ../Makefile.
DNS46_PURE := dns46/wire.c dns46/build.c dns46/prefix.c dns46/reverse.c dns46/synth.c
DNS46_PKGS := libevent libcrypto libseccomp libcap-ng
DNS46_LIBS := -lldns

UNIT_SRCS_test_dns46_synth := $(DNS46_PURE)
UNIT_SRCS_test_dns46_wire := $(DNS46_PURE)
