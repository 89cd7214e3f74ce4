// SPDX-License-Identifier: GPL-2.0
/* Register names and values are those of Intel's 82576 datasheet, chapter 8. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "igb.h"
#include "report.h"

#define PAGE_BYTES	4096
#define PATIENCE_MS	20000		/* an emulator on a busy host is slow */

/* The device and its link. */
#define CTRL		0x0000
#define CTRL_SLU	(1 << 6)	/* set link up */
#define CTRL_RST	(1 << 26)
#define STATUS		0x0008
#define STATUS_LU	(1 << 1)	/* link up */
#define MDIC		0x0020		/* registers of the PHY */
#define MDIC_REG(nr)	((nr) << 16)
#define MDIC_PHY	(1 << 21)
#define MDIC_WRITE	(1 << 26)
#define MDIC_READY	(1 << 28)
#define PHY_CONTROL	0
#define PHY_AUTONEG	0x1200		/* enable and restart */

/* Interrupts: first the registers for MSI and INTx, then those for MSI-X. */
#define ICR		0x00c0		/* causes; reading clears them */
#define ICS		0x00c8		/* set causes */
#define IMS		0x00d0		/* allow */
#define IMC		0x00d8		/* forbid */
#define ICR_LSC		(1 << 2)	/* the tests use this cause */
#define GPIE		0x1514
#define GPIE_MSIX	(1 << 4)
#define EICS		0x1520
#define EIMS		0x1524
#define EIMC		0x1528
#define EIAC		0x152c		/* causes that clear themselves */
#define IVAR		0x1700		/* vector of the first queue */
#define IVAR_VALID	(1 << 7)

/* Receiving and sending on the first queue. */
#define RCTL		0x0100
#define RCTL_EN		(1 << 1)
#define RCTL_LOOPBACK	(1 << 6)	/* receive the sent frames */
#define RCTL_BAM	(1 << 15)	/* accept broadcasts */
#define RCTL_SECRC	(1 << 26)	/* without checksum */
#define TCTL		0x0400
#define TCTL_EN		(1 << 1)
#define RX_RING		0xc000
#define TX_RING		0xe000
#define RING_BASE_LOW	0x00
#define RING_BASE_HIGH	0x04
#define RING_BYTES	0x08
#define RING_SRRCTL	0x0c		/* receiving only */
#define SRRCTL_2K	2		/* size of a buffer in KiB */
#define SRRCTL_ADVANCED	(1 << 25)	/* one buffer, this form of descriptor */
#define RING_HEAD	0x10
#define RING_TAIL	0x18
#define RING_CONTROL	0x28
#define RING_ENABLE	(1 << 25)

/* A descriptor; the card reads it and writes it back in this form. */
struct descriptor {
	uint64_t addr;
	uint32_t command;	/* sending: command and length; receiving: status */
	uint32_t status;	/* sending only */
};

#define TX_DATA		((3 << 20) | (1 << 29) | (1 << 25))
#define TX_LAST		(1 << 24)
#define TX_REPORT	(1 << 27)
#define TX_TOTAL(bytes)	((uint32_t)(bytes) << 14)
#define DONE		1

#define RING_LENGTH	16
#define RING_TOTAL	(RING_LENGTH * sizeof(struct descriptor))

/* Offsets in the card's memory. */
#define AT_TX_RING	0
#define AT_RX_RING	RING_TOTAL
#define AT_HEADER	(2 * RING_TOTAL)
#define AT_OUTBOX	PAGE_BYTES
#define AT_INBOX	(2 * PAGE_BYTES)

/* A broadcast with the Ethernet type for experiments. */
static const uint8_t header[IGB_HEADER] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5,
};

static uint32_t get(const struct igb *igb, unsigned int reg)
{
	return *(volatile uint32_t *)(igb->regs + reg);
}

static void put(struct igb *igb, unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(igb->regs + reg) = value;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static void wait_for(struct igb *igb, unsigned int reg, uint32_t mask,
		     uint32_t value, const char *what)
{
	unsigned int ms;

	for (ms = 0; (get(igb, reg) & mask) != value; ms += 5) {
		if (ms > PATIENCE_MS)
			die("%s: %s did not happen in %d ms", igb->dev.bdf, what,
			    PATIENCE_MS);
		sleep_ms(5);
	}
}

/* --- starting ----------------------------------------------------------- */

static void reset(struct igb *igb)
{
	put(igb, IMC, ~0U);
	put(igb, EIMC, ~0U);
	put(igb, CTRL, get(igb, CTRL) | CTRL_RST);
	wait_for(igb, CTRL, CTRL_RST, 0, "the end of a reset");
	put(igb, IMC, ~0U);
	put(igb, EIMC, ~0U);
}

/* Without a link the card receives no frame, not even its own. */
static void link_up(struct igb *igb)
{
	put(igb, CTRL, get(igb, CTRL) | CTRL_SLU);
	put(igb, MDIC, MDIC_WRITE | MDIC_PHY | MDIC_REG(PHY_CONTROL) |
		       PHY_AUTONEG);
	wait_for(igb, MDIC, MDIC_READY, MDIC_READY, "an answer of its PHY");
	wait_for(igb, STATUS, STATUS_LU, STATUS_LU, "its link");
}

static void start_ring(struct igb *igb, unsigned int ring, uint64_t iova)
{
	put(igb, ring + RING_BASE_LOW, iova);
	put(igb, ring + RING_BASE_HIGH, iova >> 32);
	put(igb, ring + RING_BYTES, RING_TOTAL);
	put(igb, ring + RING_HEAD, 0);
	put(igb, ring + RING_TAIL, 0);
	put(igb, ring + RING_CONTROL,
	    get(igb, ring + RING_CONTROL) | RING_ENABLE);
	wait_for(igb, ring + RING_CONTROL, RING_ENABLE, RING_ENABLE,
		 "one of its rings");
}

void igb_start(struct igb *igb)
{
	reset(igb);
	link_up(igb);
	memset(igb->memory, 0, IGB_MEMORY);
	memcpy(igb->memory + AT_HEADER, header, IGB_HEADER);
	igb->sent = 0;
	igb->received = 0;
	put(igb, RX_RING + RING_SRRCTL, SRRCTL_ADVANCED | SRRCTL_2K);
	start_ring(igb, RX_RING, igb->iova + AT_RX_RING);
	put(igb, RCTL, RCTL_EN | RCTL_LOOPBACK | RCTL_BAM | RCTL_SECRC);
	start_ring(igb, TX_RING, igb->iova + AT_TX_RING);
	put(igb, TCTL, get(igb, TCTL) | TCTL_EN);
	/* Clear the cause of the link's coming up. */
	get(igb, ICR);
}

struct igb igb_open(struct container *c, const char *bdf, uint64_t iova)
{
	struct igb igb = { .container = c, .iova = iova };

	igb.dev = device_take(c, bdf);
	igb.regs = device_map(&igb.dev, 0, &igb.regs_bytes);
	igb.memory = container_memory(c, bdf, iova, IGB_MEMORY);
	igb_start(&igb);
	return igb;
}

void igb_close(struct igb *igb)
{
	reset(igb);
	container_memory_free(igb->container, igb->dev.bdf, igb->iova,
			      igb->memory, IGB_MEMORY);
	munmap((void *)igb->regs, igb->regs_bytes);
	container_leave(&igb->dev);
}

/* --- frames ------------------------------------------------------------- */

static volatile struct descriptor *ring_slot(struct igb *igb, size_t ring,
					     unsigned int nr)
{
	return (volatile struct descriptor *)(igb->memory + ring) +
	       nr % RING_LENGTH;
}

static void send_part(struct igb *igb, unsigned int nr, uint64_t iova,
		      uint32_t command, size_t total)
{
	volatile struct descriptor *d = ring_slot(igb, AT_TX_RING, nr);

	d->addr = iova;
	d->command = TX_DATA | command;
	d->status = TX_TOTAL(total);
}

/* The card writes the status into the field of the header buffer, which is not used. */
static volatile struct descriptor *offer_buffer(struct igb *igb, uint64_t iova)
{
	volatile struct descriptor *d =
		ring_slot(igb, AT_RX_RING, igb->received);

	d->addr = iova;
	d->command = 0;
	d->status = 0;
	put(igb, RX_RING + RING_TAIL, (igb->received + 1) % RING_LENGTH);
	return d;
}

static void wait_sent(struct igb *igb, volatile struct descriptor *last)
{
	unsigned int ms;

	for (ms = 0; !(last->status & DONE); ms++) {
		if (ms > PATIENCE_MS)
			die("%s reports no frame as sent in %d ms%s",
			    igb->dev.bdf, PATIENCE_MS,
			    device_is_master(&igb->dev) ? "" :
			    "; its bus mastering is off");
		sleep_ms(1);
	}
}

/* If the card did not use the buffer, the next frame uses it. */
static bool frame(struct igb *igb, uint64_t from, uint64_t to, size_t bytes)
{
	volatile struct descriptor *in = offer_buffer(igb, to);
	const unsigned int nr = 2 * igb->sent++;

	send_part(igb, nr, igb->iova + AT_HEADER, IGB_HEADER,
		  IGB_HEADER + bytes);
	send_part(igb, nr + 1, from, TX_LAST | TX_REPORT | bytes,
		  IGB_HEADER + bytes);
	put(igb, TX_RING + RING_TAIL, (nr + 2) % RING_LENGTH);
	wait_sent(igb, ring_slot(igb, AT_TX_RING, nr + 1));
	if (!(in->command & DONE))
		return false;
	igb->received++;
	return true;
}

static void check_length(const struct igb *igb, size_t bytes)
{
	if (!bytes || bytes > IGB_BYTES)
		die("%s: a frame takes 1 to %d bytes, not %zu", igb->dev.bdf,
		    IGB_BYTES, bytes);
}

bool igb_fetch(struct igb *igb, uint64_t iova, void *to, size_t bytes)
{
	const uint64_t inbox = igb->iova + AT_INBOX;

	check_length(igb, bytes);
	if (!frame(igb, iova, inbox, bytes))
		return false;
	memcpy(to, igb->memory + AT_INBOX + IGB_HEADER, bytes);
	return true;
}

bool igb_store(struct igb *igb, uint64_t iova, const void *from, size_t bytes)
{
	const uint64_t outbox = igb->iova + AT_OUTBOX;

	check_length(igb, bytes);
	memcpy(igb->memory + AT_OUTBOX, from, bytes);
	return frame(igb, outbox, iova, bytes);
}

/* --- interrupts --------------------------------------------------------- */

void igb_allow_vectors(struct igb *igb, uint32_t mask)
{
	put(igb, GPIE, GPIE_MSIX);
	put(igb, EIAC, mask);
	put(igb, EIMS, mask);
}

void igb_forbid_vectors(struct igb *igb, uint32_t mask)
{
	put(igb, EIMC, mask);
}

void igb_raise(struct igb *igb, unsigned int vector)
{
	put(igb, EICS, 1U << vector);
}

void igb_tell_frames(struct igb *igb, unsigned int vector)
{
	put(igb, IVAR, IVAR_VALID | vector);
}

void igb_allow_single(struct igb *igb, bool allow)
{
	put(igb, GPIE, 0);
	put(igb, allow ? IMS : IMC, ICR_LSC);
}

void igb_raise_single(struct igb *igb)
{
	put(igb, ICS, ICR_LSC);
}

void igb_lower_single(struct igb *igb)
{
	get(igb, ICR);
}
