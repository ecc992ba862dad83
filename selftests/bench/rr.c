// SPDX-License-Identifier: GPL-2.0
/*
 * rr ask ADDRESS N: asks one byte by UDP, again when the answer is there; prints
 * the nanoseconds of a round, in the mean. rr serve: answers, on both families.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define PORT 7000

static int serve(void)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) }, from;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	char c;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return 1;
	for (;;) {
		socklen_t len = sizeof(from);

		if (recvfrom(fd, &c, 1, 0, (struct sockaddr *)&from, &len) == 1)
			sendto(fd, &c, 1, 0, (struct sockaddr *)&from, len);
	}
}

static int connected(const char *to)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	const struct timeval second = { .tv_sec = 1 };
	int v6 = !!strchr(to, ':');
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	if (inet_pton(v6 ? AF_INET6 : AF_INET, to, v6 ? (void *)&a6.sin6_addr : &a4.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)) ||
	    connect(fd, v6 ? (void *)&a6 : (void *)&a4, v6 ? sizeof(a6) : sizeof(a4)))
		return -1;
	return fd;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	double begun;
	char c = 0;
	int fd, i, n;

	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc != 4)
		return 1;
	fd = connected(argv[2]);
	n = atoi(argv[3]);
	if (n < 1)
		return 1;
	begun = now();
	for (i = 0; i < n; i++) {
		if (send(fd, &c, 1, 0) != 1 || recv(fd, &c, 1, 0) != 1) {
			perror("rr");
			return 1;
		}
	}
	printf("%.1f\n", (now() - begun) / n);
	return 0;
}
