/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Xen's own functions need around them, besides vtd-machine.h, and what
 * they call that is none of the test's business.
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

/* Ids stay: units have enough of them. */
#define check_cleanup_domid_map(d, pdev, iommu) \
	((void)(d), (void)(pdev), (void)(iommu))

#define pci_vtd_quirk(pdev) ((void)(pdev))

#define ats_device(pdev, drhd) ((void)(pdev), (void)(drhd), 0)
#define enable_ats_device(pdev, list) ((void)(pdev), (void)(list))
#define disable_ats_device(pdev) ((void)(pdev))

struct acpi_drhd_unit *find_ats_dev_drhd(struct vtd_iommu *iommu)
{
	return !iommu ? drhds : NULL;
}

int dev_invalidate_iotlb_one(struct vtd_iommu *iommu,
			     const struct pci_dev *pdev, uint16_t did)
{
	return iommu && pdev && did ? 0 : 0;
}

/* The host bridge and the ME are there; what is at 00:01.0 the test says. */
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
