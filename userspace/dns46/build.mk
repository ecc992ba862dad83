# SPDX-License-Identifier: GPL-2.0
# The relay. Its pure parts are here and tested; the program is not built yet.
DNS46_LIBS := -lldns
UNIT_SRCS_test_dns46_wire := dns46/wire.c dns46/prefix.c
