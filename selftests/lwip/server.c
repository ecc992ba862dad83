// SPDX-License-Identifier: GPL-2.0
/*
 * An IPv6-only server on lwIP, a TCP/IP stack that shares nothing with Linux's:
 * HTTP with a body that can be checked (GET /BYTES) and uploads that are summed
 * (PUT), and datagrams sent back. For selftests/lwip.sh.
 *
 *	lwip-server TAP ADDRESS	(the router's advertisement gives the way back)
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <lwip/api.h>
#include <lwip/ethip6.h>
#include <lwip/ip6.h>
#include <lwip/netif.h>
#include <lwip/sys.h>
#include <lwip/tcpip.h>
#include <lwip/udp.h>
#include <netif/ethernet.h>

static struct netif tap;
static const char *device, *address;
static int fd;

/*
 * The device. lwIP's own driver, as Debian builds it, reads into buffers that
 * are too small for a frame.
 */
static err_t transmit(struct netif *n, struct pbuf *p)
{
	char frame[2000];

	if (p->tot_len > sizeof(frame))
		return ERR_BUF;
	pbuf_copy_partial(p, frame, p->tot_len, 0);
	return write(fd, frame, p->tot_len) < 0 ? ERR_IF : ERR_OK;
}

static void receive(void *arg)
{
	char frame[2000];
	ssize_t n;

	while ((n = read(fd, frame, sizeof(frame))) > 0) {
		struct pbuf *p = pbuf_alloc(PBUF_RAW, n, PBUF_RAM);

		if (!p)
			continue;
		pbuf_take(p, frame, n);
		if (tap.input(p, &tap) != ERR_OK)
			pbuf_free(p);
	}
}

static err_t init(struct netif *n)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	fd = open("/dev/net/tun", O_RDWR);
	strncpy(r.ifr_name, device, sizeof(r.ifr_name) - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		return ERR_IF;
	n->name[0] = 't';
	n->name[1] = 'p';
	n->mtu = 1500;
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, "\x02\x12\x34\x56\x78\x9a", 6);
	/* without MLD it joins no solicited-node group, and no neighbour finds it */
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		   NETIF_FLAG_MLD6;
	n->linkoutput = transmit;
	n->output_ip6 = ethip6_output;
	sys_thread_new("receive", receive, NULL, 0, 0);
	return ERR_OK;
}

static void echo(void *arg, struct udp_pcb *u, struct pbuf *p, const ip_addr_t *addr, u16_t port)
{
	udp_sendto(u, p, addr, port);
	pbuf_free(p);
}

static void bring_up(void *arg)
{
	struct udp_pcb *u = udp_new_ip_type(IPADDR_TYPE_V6);
	ip6_addr_t addr;
	s8_t i;

	if (!netif_add(&tap, NULL, NULL, NULL, NULL, init, tcpip_input) ||
	    !ip6addr_aton(address, &addr)) {
		fprintf(stderr, "lwip-server: no device, or no address\n");
		exit(1);
	}
	netif_set_default(&tap);
	netif_set_up(&tap);
	netif_set_link_up(&tap);
	netif_create_ip6_linklocal_address(&tap, 1);
	netif_add_ip6_address(&tap, &addr, &i);
	udp_bind(u, IP6_ADDR_ANY, 4433);
	udp_recv(u, echo, NULL);
	sys_sem_signal(arg);
}

/* All of the request's head; what follows it stays in @rest. */
static int head(struct netconn *c, char *buf, size_t size, size_t *len, size_t *body)
{
	struct netbuf *nb;
	char *end;

	*len = 0;
	while (netconn_recv(c, &nb) == ERR_OK) {
		u16_t n = netbuf_len(nb);

		if (*len + n >= size)
			n = size - 1 - *len;
		netbuf_copy(nb, buf + *len, n);
		netbuf_delete(nb);
		*len += n;
		buf[*len] = 0;
		end = strstr(buf, "\r\n\r\n");
		if (end) {
			*body = end + 4 - buf;
			return 0;
		}
	}
	return -1;
}

static void send_body(struct netconn *c, size_t n)
{
	static char block[8192];
	char text[100];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i * 7 + i / 251;
	snprintf(text, sizeof(text), "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
	netconn_write(c, text, strlen(text), NETCONN_COPY);
	while (n) {
		size_t part = n < sizeof(block) ? n : sizeof(block);

		if (netconn_write(c, block, part, NETCONN_COPY) != ERR_OK)
			return;
		n -= part;
	}
}

static void take_body(struct netconn *c, const char *request, size_t have, size_t body)
{
	const char *field = strstr(request, "Content-Length: ");
	size_t left = field ? strtoul(field + 16, NULL, 10) : 0, total = left;
	unsigned long sum = 0;
	struct netbuf *nb;
	char text[100];

	if (strstr(request, "100-continue"))
		netconn_write(c, "HTTP/1.1 100 Continue\r\n\r\n", 25, NETCONN_COPY);
	for (; body < have; body++, left--)
		sum += (unsigned char)request[body];
	while (left && netconn_recv(c, &nb) == ERR_OK) {
		do {
			unsigned char *p;
			u16_t n;

			netbuf_data(nb, (void **)&p, &n);
			left -= n;
			while (n--)
				sum += *p++;
		} while (netbuf_next(nb) >= 0);
		netbuf_delete(nb);
	}
	snprintf(text, sizeof(text), "HTTP/1.0 200 OK\r\n\r\n%zu %lu\n", total - left, sum);
	netconn_write(c, text, strlen(text), NETCONN_COPY);
}

static void http(void *arg)
{
	static char request[4096];
	struct netconn *l = netconn_new(NETCONN_TCP_IPV6), *c;
	size_t len, body;

	netconn_bind(l, IP6_ADDR_ANY, 80);
	netconn_listen(l);
	while (netconn_accept(l, &c) == ERR_OK) {
		if (!head(c, request, sizeof(request), &len, &body)) {
			if (!strncmp(request, "GET /", 5))
				send_body(c, strtoul(request + 5, NULL, 10));
			else
				take_body(c, request, len, body);
		}
		netconn_close(c);
		netconn_delete(c);
	}
}

int main(int argc, char **argv)
{
	sys_sem_t done;

	if (argc != 3) {
		fprintf(stderr, "usage: lwip-server TAP ADDRESS\n");
		return 2;
	}
	device = argv[1];
	address = argv[2];
	sys_sem_new(&done, 0);
	tcpip_init(bring_up, &done);
	sys_sem_wait(&done);
	sys_thread_new("http", http, NULL, 0, 0);
	for (;;)
		pause();
}
