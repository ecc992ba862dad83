// SPDX-License-Identifier: GPL-2.0
/*
 * lookup.c: NAME... by getaddrinfo(), of the C library that it is linked with:
 * "NAME ADDRESS" a line. -a: for both families at once, as most programs ask.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list, *i;
	int bad = 0;

	for (int n = 1; n < argc; n++) {
		if (!strcmp(argv[n], "-a")) {
			hints.ai_family = AF_UNSPEC;
			continue;
		}
		int ret = getaddrinfo(argv[n], NULL, &hints, &list);

		if (ret) {
			printf("%s %s\n", argv[n], gai_strerror(ret));
			bad = 1;
			continue;
		}
		for (i = list; i; i = i->ai_next) {
			char text[INET6_ADDRSTRLEN];

			getnameinfo(i->ai_addr, i->ai_addrlen, text, sizeof(text), NULL, 0,
				    NI_NUMERICHOST);
			printf("%s %s\n", argv[n], text);
		}
		freeaddrinfo(list);
	}
	return bad;
}
