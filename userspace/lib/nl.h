/* SPDX-License-Identifier: GPL-2.0 */
/* What the library's own files share. */
#ifndef NAT46_NL_H
#define NAT46_NL_H

struct nl_sock;

struct nat46_nl {
	struct nl_sock *sk;
	int family;
};

#endif /* NAT46_NL_H */
