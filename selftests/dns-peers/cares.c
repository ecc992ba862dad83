// SPDX-License-Identifier: GPL-2.0
/* cares.c: NAME... by c-ares: "NAME ADDRESS" a line. -a: for both families at once. */
#include <arpa/inet.h>
#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

static int bad;

static void done(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	if (status != ARES_SUCCESS) {
		printf("%s %s\n", (char *)arg, ares_strerror(status));
		bad = 1;
		return;
	}
	for (struct ares_addrinfo_node *i = ai->nodes; i; i = i->ai_next) {
		char text[INET6_ADDRSTRLEN];
		const void *a = i->ai_family == AF_INET ?
			(void *)&((struct sockaddr_in *)i->ai_addr)->sin_addr :
			(void *)&((struct sockaddr_in6 *)i->ai_addr)->sin6_addr;

		inet_ntop(i->ai_family, a, text, sizeof(text));
		printf("%s %s\n", (char *)arg, text);
	}
	ares_freeaddrinfo(ai);
}

int main(int argc, char **argv)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	ares_channel channel;

	if (ares_library_init(ARES_LIB_INIT_ALL) || ares_init(&channel))
		return 2;
	for (int n = 1; n < argc; n++) {
		if (!strcmp(argv[n], "-a"))
			hints.ai_family = AF_UNSPEC;
		else
			ares_getaddrinfo(channel, argv[n], NULL, &hints, done, argv[n]);
	}
	for (;;) {
		fd_set r, w;
		struct timeval tv;
		int n;

		FD_ZERO(&r);
		FD_ZERO(&w);
		n = ares_fds(channel, &r, &w);
		if (!n)
			break;
		select(n, &r, &w, NULL, ares_timeout(channel, NULL, &tv));
		ares_process(channel, &r, &w);
	}
	ares_destroy(channel);
	return bad;
}
