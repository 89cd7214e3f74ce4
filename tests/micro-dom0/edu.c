// SPDX-License-Identifier: GPL-2.0
#include "arch.h"
#include "clock.h"
#include "edu.h"
#include "io.h"
#include "pci.h"
#include "test.h"

#define EDU_ID			0x00
#define EDU_LIVE		0x04

#define DMA_TIME		(100 * MSEC)
#define DMA_TIMEOUT		(20000 * MSEC)

struct edu edu[EDU_PLACES];
unsigned int nr_edu;
unsigned int edu_remastered;

void edu_set_up(struct edu *e, uint32_t bdf, uint32_t rid)
{
	uint16_t cmd = pci_read16(bdf, PCI_COMMAND);

	e->bdf = bdf;
	e->rid = rid;
	e->bar = pci_read32(bdf, PCI_BAR0) & ~15u;
	pci_write16(bdf, PCI_COMMAND,
		    cmd | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	e->regs = arch_map_mmio(e->bar);
}

void edu_find(void)
{
	uint32_t bdf;

	for (bdf = 0; bdf < 256 && nr_edu < EDU_MAX; bdf++)
		if (pci_read32(bdf, PCI_ID) == EDU_PCI_ID)
			edu_set_up(&edu[nr_edu++], bdf, bdf);
}

void edu_restore(void)
{
	const struct edu *e;

	for (e = edu; e < edu + nr_edu; e++) {
		/* For Xen the device of a PVH dom0 still has its old address. */
		pci_write16(e->bdf, PCI_COMMAND, 0);
		pci_write32(e->bdf, PCI_BAR0, e->bar);
		pci_write16(e->bdf, PCI_COMMAND,
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	}
}

void edu_need(unsigned int nr)
{
	if (nr_edu < nr)
		test_skip("needs %u edu devices, has %u", nr, nr_edu);
}

uint32_t edu_live(const struct edu *e)
{
	return *(volatile uint32_t *)(e->regs + EDU_LIVE);
}

void edu_set_live(const struct edu *e, uint32_t value)
{
	*(volatile uint32_t *)(e->regs + EDU_LIVE) = value;
}

static bool is_master(const struct edu *e)
{
	return pci_read16(e->bdf, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

static void ensure_master(const struct edu *e)
{
	uint16_t cmd;

	if (is_master(e))
		return;
	edu_remastered++;
	cmd = pci_read16(e->bdf, PCI_COMMAND);
	pci_write16(e->bdf, PCI_COMMAND, cmd | PCI_COMMAND_MASTER);
	CHECK(is_master(e), "bus mastering of %x cannot be turned on", e->bdf);
}

void edu_begin(const struct edu_job *j)
{
	ensure_master(j->e);
	edu_regs_start(j->e->regs, j->write, j->iova, j->len);
}

static void wait(const struct edu *e, uint64_t deadline)
{
	while (edu_regs_busy(e->regs)) {
		CHECK(clock_ns() < deadline, "edu %x: DMA never ended", e->bdf);
		sleep_ms(1);
	}
}

void edu_run_apart(const struct edu_job *jobs, unsigned int nr, unsigned int ms)
{
	uint64_t now;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		edu_begin(&jobs[i]);
		if (ms)
			sleep_ms(ms);
	}
	now = clock_ns();
	sleep_until(now + DMA_TIME);
	for (i = 0; i < nr; i++)
		wait(jobs[i].e, now + DMA_TIMEOUT);
	barrier();
}

void edu_end(const struct edu_job *job)
{
	wait(job->e, clock_ns() + DMA_TIMEOUT);
	barrier();
}

void edu_run(const struct edu_job *jobs, unsigned int nr)
{
	edu_run_apart(jobs, nr, 0);
}

void edu_write(struct edu *e, uint64_t iova, unsigned int len)
{
	struct edu_job job = { .e = e, .write = true, .iova = iova, .len = len };

	edu_run(&job, 1);
}

void edu_read(struct edu *e, uint64_t iova, unsigned int len)
{
	struct edu_job job = { .e = e, .iova = iova, .len = len };

	edu_run(&job, 1);
}
