// SPDX-License-Identifier: GPL-2.0
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "source.h"

#define IOVA		0x200000000UL
#define ALL_VECTORS	0x3ffU		/* igb's */

/* --- edu: one interrupt, MSI if that is enabled --------------------------- */

static void open_edu(struct source *s)
{
	s->edu = device_open(&s->container, s->bdf);
}

static void close_edu(struct source *s)
{
	edu_lower(&s->edu.edu);
	device_close(&s->edu);
}

static void lower_edu(struct source *s, unsigned int vector)
{
	(void)vector;
	edu_lower(&s->edu.edu);
}

static void start_edu(struct source *s, uint32_t index, unsigned int nr)
{
	(void)index;
	(void)nr;
	edu_lower(&s->edu.edu);
}

static void raise_edu(struct source *s, uint32_t index, unsigned int vector)
{
	(void)index;
	(void)vector;
	edu_raise(&s->edu.edu);
}

/* --- igb: ten vectors, MSI, INTx ------------------------------------------ */

static void open_igb(struct source *s)
{
	s->igb = igb_open(&s->container, s->bdf, IOVA);
}

static void close_igb(struct source *s)
{
	igb_close(&s->igb);
}

static void start_igb(struct source *s, uint32_t index, unsigned int nr)
{
	igb_start(&s->igb);
	if (index == VFIO_PCI_MSIX_IRQ_INDEX)
		igb_allow_vectors(&s->igb, (1U << nr) - 1);
	else
		igb_allow_single(&s->igb, true);
}

static void raise_igb(struct source *s, uint32_t index, unsigned int vector)
{
	if (index == VFIO_PCI_MSIX_IRQ_INDEX)
		igb_raise(&s->igb, vector);
	else
		igb_raise_single(&s->igb);
}

/* Causes of MSI-X clear themselves, those of the others stay until they are read. */
static void lower_igb(struct source *s, unsigned int vector)
{
	(void)vector;
	igb_lower_single(&s->igb);
}

static void hold_igb(struct source *s, uint32_t index, bool on)
{
	if (index != VFIO_PCI_MSIX_IRQ_INDEX)
		igb_allow_single(&s->igb, !on);
	else if (on)
		igb_forbid_vectors(&s->igb, ALL_VECTORS);
	else
		igb_allow_vectors(&s->igb, ALL_VECTORS);
}

/* --- nvme: a vector for each queue pair, INTx ----------------------------- */

static void open_nvme(struct source *s)
{
	s->nvme = nvme_open(&s->container, s->bdf, IOVA);
}

static void close_nvme(struct source *s)
{
	nvme_close(&s->nvme);
}

static void start_nvme(struct source *s, uint32_t index, unsigned int nr)
{
	(void)index;
	nvme_start(&s->nvme, nr < NVME_PAIRS ? nr : NVME_PAIRS, nr - 1);
}

/* Where there are more vectors than pairs the last pair has the last vector. */
static unsigned int pair_of(unsigned int vector)
{
	return vector < NVME_PAIRS ? vector : NVME_PAIRS - 1;
}

static void raise_nvme(struct source *s, uint32_t index, unsigned int vector)
{
	(void)index;
	nvme_submit(&s->nvme, pair_of(vector));
}

static void lower_nvme(struct source *s, unsigned int vector)
{
	nvme_take(&s->nvme, pair_of(vector));
}

/* -------------------------------------------------------------------------- */

static const struct source_kind kinds[] = {
	{
		.name = "edu", .ids = "0x1234 0x11e8",
		.offers = { 1, 1, 0 },
		.open = open_edu, .close = close_edu, .start = start_edu,
		.raise = raise_edu, .lower = lower_edu,
	}, {
		.name = "igb", .ids = "0x8086 0x10c9",
		.offers = { 1, 1, 10 },
		.open = open_igb, .close = close_igb, .start = start_igb,
		.raise = raise_igb, .lower = lower_igb, .hold = hold_igb,
	}, {
		.name = "nvme", .ids = "0x1b36 0x0010",
		.offers = { 1, 0, NVME_PAIRS }, .noisy = true,
		.open = open_nvme, .close = close_nvme, .start = start_nvme,
		.raise = raise_nvme, .lower = lower_nvme,
	},
};

static void read_id(const char *bdf, const char *what, char *to, int size)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, what);
	f = fopen(path, "r");
	if (!f || !fgets(to, size, f))
		die("%s does not read; is there a device at %s?", path, bdf);
	fclose(f);
	to[strcspn(to, "\n")] = '\0';
}

const struct source_kind *source_kind_of(const char *bdf)
{
	char vendor[16], device[16], ids[40];
	size_t i;

	read_id(bdf, "vendor", vendor, sizeof(vendor));
	read_id(bdf, "device", device, sizeof(device));
	snprintf(ids, sizeof(ids), "%s %s", vendor, device);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].ids, ids))
			return &kinds[i];
	die("%s (%s) is no edu, igb or NVMe of QEMU's; no other device is known to interrupt on command",
	    bdf, ids);
}

void source_open(struct source *s, const char *bdf, unsigned int nr)
{
	*s = (struct source){
		.bdf = bdf,
		.nr = nr,
		.kind = source_kind_of(bdf),
		.container = container_open(),
	};
	s->kind->open(s);
}

void source_close(struct source *s)
{
	s->kind->close(s);
	container_close(&s->container);
}

void source_reopen(struct source *s)
{
	source_close(s);
	source_open(s, s->bdf, s->nr);
}

const struct device *source_device(const struct source *s)
{
	if (s->edu.bdf)
		return &s->edu;
	return s->igb.dev.bdf ? &s->igb.dev : &s->nvme.dev;
}
