// SPDX-License-Identifier: GPL-2.0
/*
 * send DEV COUNT DMAC SRC DST SPORTS DPORTS PAYLOAD SOURCES: sends COUNT UDP
 * datagrams by DEV as whole frames, and prints the nanoseconds that each took, in
 * the mean.
 * SPORTS and DPORTS are LOW-HIGH; source addresses, SOURCES of them from SRC on
 * (IPv4), and ports count up with each datagram, apart from each other.
 *
 * Each is a buffer of its own that nobody holds another share in, its checksum
 * left to the device, with the headroom that the device asks for: as a pod's
 * socket makes them. (pktgen keeps a share of what it sends, so that whoever
 * receives it has to copy its head.)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH	32

struct frame {
	struct virtio_net_hdr vnet;
	struct ether_header eth;
	char ip[sizeof(struct ip6_hdr) + sizeof(struct udphdr) + 1500];
} __attribute__((aligned(8)));

_Static_assert(offsetof(struct frame, ip) == 24, "headers are aligned as they are");

struct range {
	unsigned int lo, n, now;
};

static struct range range(const char *arg)
{
	unsigned int lo, hi;

	if (sscanf(arg, "%u-%u", &lo, &hi) != 2 || lo > hi)
		exit(2);
	return (struct range){ .lo = lo, .n = hi - lo + 1 };
}

static unsigned int next(struct range *r)
{
	const unsigned int v = r->lo + r->now;

	r->now = r->now + 1 < r->n ? r->now + 1 : 0;
	return v;
}

static unsigned int sum(const void *data, unsigned int len, unsigned int s)
{
	const unsigned char *d = data;

	for (; len > 1; len -= 2, d += 2)
		s += d[0] << 8 | d[1];
	return s;
}

static unsigned short fold(unsigned int s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons(s);
}

/* A datagram as its flow's all are; returns its UDP header. */
static struct udphdr *fill(struct frame *f, int v6, const char *dmac, const char *src,
			   const char *dst, unsigned int payload)
{
	const unsigned int len = sizeof(struct udphdr) + payload;
	struct ip6_hdr *ip6 = (void *)f->ip;
	struct ip *ip4 = (void *)f->ip;
	struct udphdr *udp = v6 ? (void *)(ip6 + 1) : (void *)(ip4 + 1);

	memcpy(f->eth.ether_dhost, ether_aton(dmac), ETH_ALEN);
	f->eth.ether_shost[0] = 2;
	f->eth.ether_type = htons(v6 ? ETH_P_IPV6 : ETH_P_IP);
	f->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f->vnet.csum_start = (char *)udp - (char *)&f->eth;
	f->vnet.csum_offset = offsetof(struct udphdr, check);
	udp->len = htons(len);
	if (v6) {
		ip6->ip6_vfc = 0x60;
		ip6->ip6_plen = htons(len);
		ip6->ip6_nxt = IPPROTO_UDP;
		ip6->ip6_hlim = 64;
		if (inet_pton(AF_INET6, src, &ip6->ip6_src) != 1 ||
		    inet_pton(AF_INET6, dst, &ip6->ip6_dst) != 1)
			exit(2);
		udp->check = fold(sum(&ip6->ip6_src, 32, len + IPPROTO_UDP));
	} else {
		ip4->ip_v = 4;
		ip4->ip_hl = 5;
		ip4->ip_len = htons(sizeof(*ip4) + len);
		ip4->ip_off = htons(IP_DF);
		ip4->ip_ttl = 64;
		ip4->ip_p = IPPROTO_UDP;
		if (inet_pton(AF_INET, dst, &ip4->ip_dst) != 1)
			exit(2);
	}
	return udp;
}

/* Makes it one of that flow. */
static void vary(struct frame *f, int v6, struct udphdr *udp, unsigned int src,
		 unsigned int sport, unsigned int dport)
{
	struct ip *ip4 = (void *)f->ip;

	udp->source = htons(sport);
	udp->dest = htons(dport);
	if (v6)
		return;
	ip4->ip_src.s_addr = htonl(src);
	ip4->ip_sum = 0;
	ip4->ip_sum = ~fold(sum(ip4, sizeof(*ip4), 0));
	udp->check = fold(sum(&ip4->ip_src, 8, ntohs(udp->len) + IPPROTO_UDP));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	static struct frame frames[BATCH];
	static struct mmsghdr msgs[BATCH];
	static struct iovec iov[BATCH];
	static struct udphdr *udp[BATCH];
	struct sockaddr_ll sll = { .sll_family = AF_PACKET };
	struct range sport, dport, src = { 0 };
	unsigned int payload, i, n, left, count;
	int v6, fd, one = 1, sent;
	double begun, ns = 0;

	if (argc != 10)
		return 2;
	count = atoi(argv[2]);
	v6 = !!strchr(argv[5], ':');
	sport = range(argv[6]);
	dport = range(argv[7]);
	payload = atoi(argv[8]);
	src.lo = v6 ? 0 : ntohl(inet_addr(argv[4]));
	src.n = atoi(argv[9]);
	sll.sll_ifindex = if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (payload > 1500 || !sll.sll_ifindex || fd < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sll, sizeof(sll))) {
		perror("send");
		return 1;
	}
	for (i = 0; i < BATCH; i++) {
		udp[i] = fill(&frames[i], v6, argv[3], argv[4], argv[5], payload);
		iov[i].iov_base = &frames[i];
		iov[i].iov_len = (char *)(udp[i] + 1) - (char *)&frames[i] + payload;
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	for (left = count; left; left -= n) {
		n = left < BATCH ? left : BATCH;
		for (i = 0; i < n; i++)
			vary(&frames[i], v6, udp[i], next(&src), next(&sport), next(&dport));
		begun = now();
		for (i = 0; i < n; i += sent) {
			sent = sendmmsg(fd, msgs + i, n - i, 0);
			if (sent < 0) {
				perror("sendmmsg");
				return 1;
			}
		}
		ns += now() - begun;
	}
	printf("%.1f\n", ns / count);
	return 0;
}
