// SPDX-License-Identifier: GPL-2.0
/* activation.c: see activation.h. */
#include "activation.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "prefix.h"

enum { FIRST_FD = 3, FDS_MAX = 64 };

static uint64_t taken;

static int passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int n;

	if (!pid || !fds || strtol(pid, NULL, 10) != getpid())
		return 0;
	n = strtol(fds, NULL, 10);
	return n < 0 ? 0 : n < FDS_MAX ? n : FDS_MAX;
}

static bool bound_to(int fd, const struct endpoint *e, int type)
{
	const struct sockaddr *want = (const struct sockaddr *)&e->ss;
	struct sockaddr_storage ss = { 0 };
	struct in6_addr a, b;
	socklen_t len = sizeof(ss), tlen = sizeof(int);
	int is;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &is, &tlen) || is != type ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) || ss.ss_family != want->sa_family)
		return false;
	a = addr_of_sockaddr((struct sockaddr *)&ss);
	b = addr_of_sockaddr(want);
	/* the port is at the same place in both families */
	return !memcmp(&a, &b, sizeof(a)) && ((struct sockaddr_in *)&ss)->sin_port ==
					     ((const struct sockaddr_in *)want)->sin_port;
}

int activation_take(const struct endpoint *e, int type)
{
	for (int i = 0, n = passed(); i < n; i++) {
		int fd = FIRST_FD + i;

		if (taken & 1ULL << i || !bound_to(fd, e, type))
			continue;
		taken |= 1ULL << i;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		return fd;
	}
	return -1;
}

void activation_end(void)
{
	for (int i = 0, n = passed(); i < n; i++) {
		if (taken & 1ULL << i)
			continue;
		log_err("a socket of the service manager is none that \"listen\" names; it is closed");
		close(FIRST_FD + i);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}
