// SPDX-License-Identifier: GPL-2.0
#include "arch.h"
#include "clock.h"
#include "io.h"
#include "pci.h"
#include "rng.h"
#include "test.h"

/* A virtio 1.x device without the legacy interface. */
#define RNG_PCI_ID		0x10441af4
#define CAP_VENDOR		0x09
#define CAP_COMMON		1
#define CAP_NOTIFY		2
/* VERSION_1 and ACCESS_PLATFORM: bits 32 and 33. */
#define FEATURES_HIGH		3

#define STATUS_ACKNOWLEDGE	1
#define STATUS_DRIVER		2
#define STATUS_DRIVER_OK	4
#define STATUS_FEATURES_OK	8

/* So many random bytes are never all zero. */
#define RNG_LEN			64U

#define QUEUE_SIZE		8
#define AVAIL_OFFSET		256
#define USED_OFFSET		512

struct common {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t device_status, generation;
	uint16_t queue_select, queue_size, queue_msix, queue_enable;
	uint16_t queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
#define DESC_WRITE		2

struct ring {
	uint16_t flags, idx, slot[QUEUE_SIZE];
};

static uint32_t bdf = RNG_NONE;
static volatile struct common *common;
static volatile uint16_t *notify;
static uint32_t notify_multiplier;

static volatile struct desc *desc;
static volatile struct ring *avail, *used;

static uint64_t bar_address(unsigned int i)
{
	uint32_t low = pci_read32(bdf, PCI_BAR0 + 4 * i);
	uint64_t high = low & 4 ? pci_read32(bdf, PCI_BAR0 + 4 * i + 4) : 0;

	return high << 32 | (low & ~15U);
}

static volatile void *map_cap(unsigned int pos)
{
	unsigned int bar = pci_read32(bdf, pos + 4) & 7;
	uint64_t addr = bar_address(bar) + pci_read32(bdf, pos + 8);

	CHECK(!(addr % PAGE_SIZE), "virtio registers at 0x%lx", addr);
	return arch_map_mmio(addr);
}

static void find_registers(void)
{
	unsigned int pos = pci_read32(bdf, 0x34) & 0xfc;

	for (; pos; pos = (pci_read32(bdf, pos) >> 8) & 0xfc) {
		uint32_t head = pci_read32(bdf, pos);

		if ((head & 0xff) != CAP_VENDOR)
			continue;
		if (head >> 24 == CAP_COMMON)
			common = map_cap(pos);
		if (head >> 24 == CAP_NOTIFY) {
			notify = map_cap(pos);
			notify_multiplier = pci_read32(bdf, pos + 16);
		}
	}
	CHECK(common && notify, "virtio registers not found");
}

uint32_t rng_find(void)
{
	uint32_t id;

	for (id = 0; bdf == RNG_NONE && id < PCI_BDF(8, 0, 0); id += 8)
		if (pci_read32(id, PCI_ID) == RNG_PCI_ID)
			bdf = id;
	return bdf;
}

static void set_address(volatile uint32_t *reg, uint64_t addr)
{
	reg[0] = addr;
	reg[1] = addr >> 32;
}

static void set_status(uint8_t bit)
{
	common->device_status |= bit;
}

void rng_start(void *ring, uint64_t ring_iova)
{
	uint16_t cmd = pci_read16(bdf, PCI_COMMAND);

	pci_write16(bdf, PCI_COMMAND,
		    cmd | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	if (!common)
		find_registers();
	memset(ring, 0, PAGE_SIZE);
	desc = ring;
	avail = (void *)((char *)ring + AVAIL_OFFSET);
	used = (void *)((char *)ring + USED_OFFSET);

	rng_stop();
	set_status(STATUS_ACKNOWLEDGE);
	set_status(STATUS_DRIVER);
	common->driver_feature_select = 0;
	common->driver_feature = 0;
	common->driver_feature_select = 1;
	common->driver_feature = FEATURES_HIGH;
	set_status(STATUS_FEATURES_OK);
	CHECK(common->device_status & STATUS_FEATURES_OK,
	      "virtio-rng requires other features");
	common->queue_select = 0;
	common->queue_size = QUEUE_SIZE;
	set_address(common->queue_desc, ring_iova);
	set_address(common->queue_driver, ring_iova + AVAIL_OFFSET);
	set_address(common->queue_device, ring_iova + USED_OFFSET);
	common->queue_enable = 1;
	set_status(STATUS_DRIVER_OK);
}

void rng_stop(void)
{
	common->device_status = 0;
	while (common->device_status)
		sleep_ms(1);
}

bool rng_is_master(void)
{
	return pci_read16(bdf, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

bool rng_write(uint64_t iova, uint32_t len)
{
	uint16_t idx = used->idx;
	unsigned int i;

	desc[0].addr = iova;
	desc[0].len = len;
	desc[0].flags = DESC_WRITE;
	avail->slot[avail->idx % QUEUE_SIZE] = 0;
	barrier();
	avail->idx++;
	barrier();
	notify[common->queue_notify_off * notify_multiplier / 2] = 0;
	for (i = 0; i < 5000 && used->idx == idx && rng_is_master(); i++)
		sleep_ms(1);
	CHECK(used->idx != idx || !rng_is_master(),
	      "virtio-rng does not answer");
	return used->idx != idx;
}

bool rng_reaches(uint64_t iova, uint64_t *page)
{
	unsigned int i;

	memset(page, 0, PAGE_SIZE);
	(void)rng_write(iova, RNG_LEN);
	for (i = 0; i < RNG_LEN / sizeof(*page); i++)
		if (page[i])
			return true;
	return false;
}
