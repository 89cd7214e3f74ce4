// SPDX-License-Identifier: GPL-2.0
#include "arch.h"
#include "clock.h"
#include "io.h"
#include "pci.h"
#include "test.h"
#include "uhci.h"

#define CLASS_UHCI		0x0c0300U
#define PCI_BAR4		0x20

/* Ports. */
#define USBCMD			0
#define USBCMD_RUN		1
#define USBSTS			2
#define USBSTS_HALTED		0x20
#define USBINTR			4
#define FRNUM			6
#define FRBASEADD		8

#define LIST_SIZE		1024
#define LINK_END		1U

/* A transfer to a device that does not exist. */
struct transfer {
	uint32_t link, control, token, buffer;
};
#define CONTROL_ACTIVE		(1U << 23)
#define TOKEN_OUT		0xe1U
#define TOKEN_DEVICE(n)		((uint32_t)(n) << 8)

static struct edu *const uhci = &edu[EDU_PLACE_UHCI];
static uint16_t port;

static uint32_t find(void)
{
	uint32_t bdf;

	for (bdf = 0; bdf < PCI_BDF(8, 0, 0); bdf++)
		if (pci_read32(bdf, PCI_CLASS) >> 8 == CLASS_UHCI)
			break;
	return bdf;
}

struct edu *uhci_need(void)
{
	uint32_t bdf = uhci->bdf ?: find();
	uint16_t cmd;

	if (bdf == PCI_BDF(8, 0, 0))
		test_skip("the machine has no UHCI controller");
	uhci->bdf = bdf;
	/* Requests that a PCI Express bridge forwards have its secondary bus number. */
	uhci->rid = bdf >> 8 ? bdf & ~0xffU : bdf;
	port = pci_read32(bdf, PCI_BAR4) & ~3U;
	CHECK(port, "the UHCI controller has no ports");
	cmd = pci_read16(bdf, PCI_COMMAND);
	pci_write16(bdf, PCI_COMMAND,
		    cmd | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
	uhci_stop();
	return uhci;
}

bool uhci_is_master(void)
{
	return pci_read16(uhci->bdf, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

void uhci_run(uint64_t iova)
{
	CHECK(iova < 1UL << 32, "UHCI cannot reach 0x%lx", iova);
	outw(0, port + USBINTR);
	outw(0, port + FRNUM);
	outl(iova, port + FRBASEADD);
	outw(USBCMD_RUN, port + USBCMD);
}

void uhci_stop(void)
{
	unsigned int i;

	outw(0, port + USBCMD);
	for (i = 0; i < 1000 && !(inw(port + USBSTS) & USBSTS_HALTED); i++)
		sleep_ms(1);
	CHECK(i < 1000, "the UHCI controller does not stop");
}

void uhci_reset(void)
{
	if (port)
		uhci_stop();
}

bool uhci_works(void *pages, uint64_t iova)
{
	volatile uint32_t *list = pages;
	volatile struct transfer *t = (void *)((char *)pages + PAGE_SIZE);
	unsigned int i;

	for (i = 0; i < LIST_SIZE; i++)
		list[i] = iova + PAGE_SIZE;
	t->link = LINK_END;
	t->token = TOKEN_OUT | TOKEN_DEVICE(9);
	t->control = CONTROL_ACTIVE;
	uhci_run(iova);
	for (i = 0; i < 1000 && t->control & CONTROL_ACTIVE; i++)
		sleep_ms(1);
	uhci_stop();
	return !(t->control & CONTROL_ACTIVE);
}

void uhci_make_end(void *page)
{
	*(volatile uint32_t *)page = LINK_END;
}
