// SPDX-License-Identifier: GPL-2.0
/*
 * A DPDK program that receives packets in interrupt mode:	rx-sleep [EAL OPTIONS]
 * It sleeps until an interrupt of the card, without a time limit, receives all
 * packets, prints a line, and sleeps again. Its output:
 *	ready
 *	woken N packets N	after each wakeup; only pings count as packets
 * SIGTERM ends it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#define PORT		0
#define QUEUE		0
#define DESCRIPTORS	128
#define BURST		32

static volatile sig_atomic_t over;

static void end(int sig)
{
	(void)sig;
	over = 1;
}

static void need(int rc, const char *what)
{
	if (rc < 0)
		rte_exit(EXIT_FAILURE, "%s: %s\n", what, rte_strerror(-rc));
}

/* Set up one queue in each direction, and an interrupt for the receive queue. */
static void start(struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = { .intr_conf.rxq = 1 };

	need(rte_eth_dev_configure(PORT, 1, 1, &conf), "configuring the card");
	need(rte_eth_rx_queue_setup(PORT, QUEUE, DESCRIPTORS, SOCKET_ID_ANY,
				    NULL, pool),
	     "its receiving queue");
	need(rte_eth_tx_queue_setup(PORT, QUEUE, DESCRIPTORS, SOCKET_ID_ANY,
				    NULL),
	     "its sending queue");
	need(rte_eth_dev_start(PORT), "starting the card");
	need(rte_eth_promiscuous_enable(PORT), "promiscuous mode");
	need(rte_eth_dev_rx_intr_ctl_q(PORT, QUEUE, RTE_EPOLL_PER_THREAD,
				       RTE_INTR_EVENT_ADD, NULL),
	     "its interrupt");
}

static bool is_ping(struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);

	return eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
	       ip->next_proto_id == IPPROTO_ICMP;
}

static unsigned int take(void)
{
	struct rte_mbuf *bufs[BURST];
	unsigned int pings = 0, i, nr;

	while ((nr = rte_eth_rx_burst(PORT, QUEUE, bufs, BURST))) {
		for (i = 0; i < nr; i++) {
			pings += is_ping(bufs[i]);
			rte_pktmbuf_free(bufs[i]);
		}
	}
	return pings;
}

/* A packet that arrives before the interrupt is enabled still raises the interrupt. */
static void receive(void)
{
	struct rte_epoll_event event;
	unsigned int woken = 0, pings = 0;

	while (!over) {
		need(rte_eth_dev_rx_intr_enable(PORT, QUEUE),
		     "allowing the interrupt");
		if (rte_epoll_wait_interruptible(RTE_EPOLL_PER_THREAD, &event,
						 1, -1) != 1)
			continue;
		need(rte_eth_dev_rx_intr_disable(PORT, QUEUE),
		     "forbidding the interrupt");
		pings += take();
		printf("woken %u packets %u\n", ++woken, pings);
	}
}

int main(int argc, char **argv)
{
	struct sigaction on_term = { .sa_handler = end };
	struct rte_mempool *pool;

	setvbuf(stdout, NULL, _IOLBF, 0);
	need(rte_eal_init(argc, argv), "EAL");
	pool = rte_pktmbuf_pool_create("packets", 1023, 32, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE,
				       rte_socket_id());
	if (!pool)
		rte_exit(EXIT_FAILURE, "no memory for packets: %s\n",
			 rte_strerror(rte_errno));
	start(pool);
	/* Without SA_RESTART the signal ends the sleep. */
	sigaction(SIGTERM, &on_term, NULL);
	puts("ready");
	receive();
	need(rte_eth_dev_stop(PORT), "stopping the card");
	rte_eth_dev_close(PORT);
	rte_eal_cleanup();
	puts("over");
	return EXIT_SUCCESS;
}
