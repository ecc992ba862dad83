// SPDX-License-Identifier: GPL-2.0
/*
 * bounce LISTEN UPSTREAM: the least that a relay of DNS over UDP can be: nothing
 * of a message is looked at but its ID, which is changed and changed back; one
 * socket to each side, all that waits is taken and sent by one call. What the
 * benchmark has this for: no relay on sockets takes less than it does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, SIZE = 1500 };

struct asked {
	struct sockaddr_in from;
	char id[2];
};

static struct asked asked[65536];
static char buf[BATCH][SIZE];
static struct iovec iov[BATCH];
static struct sockaddr_in names[BATCH];
static struct mmsghdr msgs[BATCH];

static struct sockaddr_in at53(const char *addr)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(53) };

	if (inet_pton(AF_INET, addr, &a.sin_addr) != 1)
		errx(1, "%s: not an IPv4 address", addr);
	return a;
}

static int take(int fd, int named)
{
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ buf[i], SIZE };
		msgs[i].msg_hdr = (struct msghdr){
			.msg_iov = &iov[i], .msg_iovlen = 1,
			.msg_name = named ? &names[i] : NULL,
			.msg_namelen = named ? sizeof(names[i]) : 0,
		};
	}
	n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		iov[i].iov_len = msgs[i].msg_len;
	return n;
}

static void pass(int fd, int n)
{
	for (int done = 0, sent; done < n; done += sent > 0 ? sent : 1)
		sent = sendmmsg(fd, msgs + done, n - done, 0);
}

int main(int argc, char **argv)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct sockaddr_in a;
	unsigned short next = 0;

	if (argc != 3)
		errx(1, "usage: bounce LISTEN UPSTREAM");
	for (int i = 0; i < 2; i++) {
		p[i].fd = socket(AF_INET, SOCK_DGRAM, 0);
		a = at53(argv[1 + i]);
		if ((i ? connect : bind)(p[i].fd, (struct sockaddr *)&a, sizeof(a)))
			err(1, "%s", argv[1 + i]);
	}
	while (poll(p, 2, -1) > 0) {
		int n = p[0].revents ? take(p[0].fd, 1) : 0;

		for (int i = 0; i < n; i++, next++) {
			asked[next].from = names[i];
			memcpy(asked[next].id, buf[i], 2);
			memcpy(buf[i], &next, 2);
			msgs[i].msg_hdr.msg_name = NULL;
			msgs[i].msg_hdr.msg_namelen = 0;
		}
		pass(p[1].fd, n);
		n = p[1].revents ? take(p[1].fd, 0) : 0;
		for (int i = 0; i < n; i++) {
			struct asked *q;
			unsigned short id;

			memcpy(&id, buf[i], 2);
			q = &asked[id];
			memcpy(buf[i], q->id, 2);
			msgs[i].msg_hdr.msg_name = &q->from;
			msgs[i].msg_hdr.msg_namelen = sizeof(q->from);
		}
		pass(p[0].fd, n);
	}
	err(1, "poll");
}
