/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The environment of Xen's own functions in addition to vtd-machine.h, for
 * hooked.c.
 */
#ifndef XEN_FAKE_VTD_DRIVER_H
#define XEN_FAKE_VTD_DRIVER_H

#include <xen/iommu-ctx.h>

#define NUMA_NO_NODE 0U
#define iommu_debug false
#define iommu_quarantine true
#define XENLOG_DEBUG ""
#define dprintk(...) fake_printk(__VA_ARGS__)
#define PCI_FUNC(devfn) ((devfn) & 7)

#define MAP_WITH_RMRR (1U << 0)
#define MAP_OWNER_DYING (1U << 1)
#define MAP_ERROR_RECOVERY (1U << 2)
#define UNMAP_ME_PHANTOM_FUNC (1U << 3)
#define QUARANTINE_SKIP(d, pgd_maddr) ((d) == dom_io && !(pgd_maddr))

static struct domain domu = { .domain_id = 5 };

static struct domain *rcu_lock_domain_by_id(domid_t id)
{
	return id == DID_DOM0 ? &dom0 : id == domu.domain_id ? &domu : NULL;
}

#define rcu_lock_domain(d) (d)
#define rcu_unlock_domain(d) ((void)(d))

static void domain_crash(struct domain *d)
{
	FAIL("domain %u is crashed", d->domain_id);
}

#define set_bit(n, map) __set_bit(n, map)

/* Xen keeps the ids: units have enough of them. */
#define check_cleanup_domid_map(d, pdev, iommu) \
	((void)(d), (void)(pdev), (void)(iommu))

#define pci_vtd_quirk(pdev) ((void)(pdev))

/*
 * Devices with ATS. Xen reads under ats_lock whether ATS is enabled, and flushes a
 * device under it. A CPU that flushes does not hold pcidevs_lock.
 */
#define ATS_POS 0x100U
#define ATS_REG_CAP 4
#define ATS_REG_CTL 6
#define ATS_QUEUE_DEPTH_MASK 0x1f
#define ATS_ENABLE (1 << 15)
#define PCI_EXT_CAP_ID_ATS 15
#define PAGE_SHIFT_4K 12
#define DMA_TLB_GLOBAL_FLUSH 1
#define DMA_TLB_DSI_FLUSH 2
#define DMA_TLB_PSI_FLUSH 3
#define iommu_verbose false
#define BUG_ON(cond) ASSERT(!(cond))
#define context_translation_type(c) ((c).lo >> 2 & 3)

static rwlock_t ats_lock;
static struct {
	bool gone;			/* devices do not respond any more */
	uint16_t ctl[NR_DEVS];
	unsigned int flushed[NR_DEVS];
} ats;

static unsigned int index_of(const struct pci_dev *pdev)
{
	CHECK(pdev >= v.dev && pdev < v.dev + NR_DEVS);
	return pdev - v.dev;
}

static unsigned int pci_find_ext_capability(pci_sbdf_t sbdf, unsigned int cap)
{
	CHECK_EQ(cap, PCI_EXT_CAP_ID_ATS);
	CHECK(pci_get_pdev(NULL, sbdf));
	return v.ats && !ats.gone ? ATS_POS : 0;
}

#define ats_device(pdev, drhd) \
	((void)(drhd), (int)pci_find_ext_capability((pdev)->sbdf, \
						    PCI_EXT_CAP_ID_ATS))

uint16_t pci_conf_read16(pci_sbdf_t sbdf, unsigned int reg)
{
	CHECK(ats_lock.writer);
	if (ats.gone)
		return 0xffff;
	return reg == ATS_POS + ATS_REG_CTL ?
		ats.ctl[index_of(pci_get_pdev(NULL, sbdf))] : 0;
}

void pci_conf_write16(pci_sbdf_t sbdf, unsigned int reg, uint16_t value)
{
	CHECK(ats_lock.writer);
	CHECK_EQ(reg, ATS_POS + ATS_REG_CTL);
	ats.ctl[index_of(pci_get_pdev(NULL, sbdf))] = value;
}

struct acpi_drhd_unit *find_ats_dev_drhd(struct vtd_iommu *iommu)
{
	return v.ats ? &drhds[iommu->index] : NULL;
}

static int qinval_device_iotlb_sync(struct vtd_iommu *iommu,
				    struct pci_dev *pdev, uint16_t did,
				    uint16_t size, uint64_t addr)
{
	(void)size;
	(void)addr;
	CHECK(ats_lock.readers || pcidevs_locked());
	CHECK(!ats.gone && v.unit[iommu->index].did_used[did]);
	ats.flushed[index_of(pdev)]++;
	return 0;
}

static void ats_start(void)
{
	unsigned int i;

	memset(&ats, 0, sizeof(ats));
	for (i = 0; i < NR_UNITS; i++)
		INIT_LIST_HEAD(&units[i].ats_devices);
}

/* The host bridge and the ME exist; the test sets the device at 00:01.0. */
static uint32_t wifi_id;

#define CANTIGA 0x2a408086U
#define IS_CTG(id) ((id) == CANTIGA)
#define IS_ILK(id) ((id) == 0x00448086U)
#define IS_CPT(id) ((id) == 0x01008086U)

static uint32_t pci_conf_read32(pci_sbdf_t sbdf, unsigned int reg)
{
	CHECK_EQ(reg, 0);
	return sbdf.sbdf == 0 ? CANTIGA : sbdf.sbdf == 1 << 3 ? wifi_id : 0x8086;
}

/* One unit for 00:03.0, the other for all the rest. */
static uint16_t unit1_devices[] = { 3 << 3 };
static LIST_HEAD(acpi_drhd_units);

static void units_by_scope(void)
{
	INIT_LIST_HEAD(&acpi_drhd_units);
	drhds[0].include_all = true;
	drhds[1].scope.devices = unit1_devices;
	drhds[1].scope.devices_cnt = ARRAY_SIZE(unit1_devices);
	list_add(&drhds[0].list, &acpi_drhd_units);
	list_add(&drhds[1].list, &acpi_drhd_units);
}

int enable_ats_device(struct pci_dev *pdev, struct list_head *list);
void disable_ats_device(struct pci_dev *pdev);
int domain_context_mapping_one(struct domain *domain, struct vtd_iommu *iommu,
			       uint8_t bus, uint8_t devfn,
			       const struct pci_dev *pdev, domid_t domid,
			       paddr_t pgd_maddr, unsigned int mode);
int domain_context_unmap_one(struct domain *domain, struct vtd_iommu *iommu,
			     uint8_t bus, uint8_t devfn);
int me_wifi_quirk(struct domain *domain, uint8_t bus, uint8_t devfn,
		  domid_t domid, paddr_t pgd_maddr, unsigned int mode);
static const struct acpi_drhd_unit *
domain_context_unmap(struct domain *d, uint8_t devfn, struct pci_dev *pdev);

#endif /* XEN_FAKE_VTD_DRIVER_H */
