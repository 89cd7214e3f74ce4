/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of Xen's VT-d driver that passthrough/vtd/ctx.c uses, for its test: the
 * compiler includes it by force after xen.h. Layouts are the specification's.
 */
#ifndef XEN_FAKE_VTD_H
#define XEN_FAKE_VTD_H

#define CONFIG_INTEL_IOMMU 1
#define VTDPREFIX ""
#define DOMID_MASK 0x7fff
#define MSI_ADDR_BASE_LO 0xfee00000ULL
#define MSI_ADDR_BASE_MASK (~0xfffffULL)

#define BITS_TO_LONGS(n) (((n) + 63) / 64)
static inline bool test_bit(unsigned int n, const unsigned long *map)
{
	return map[n / 64] >> n % 64 & 1;
}

static inline void __set_bit(unsigned int n, unsigned long *map)
{
	map[n / 64] |= 1UL << n % 64;
}

static inline void __clear_bit(unsigned int n, unsigned long *map)
{
	map[n / 64] &= ~(1UL << n % 64);
}

static inline unsigned int bitmap_weight(const unsigned long *map,
					 unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < BITS_TO_LONGS(nr); i++)
		n += __builtin_popcountl(map[i]);
	return n;
}

/* Returns 1 for bit 0, as Xen's. */
static inline unsigned int flsl(unsigned long x)
{
	return x ? 64 - __builtin_clzl(x) : 0;
}

struct root_entry {
	uint64_t val, rsvd;
};
#define root_present(r) ((r).val & 1)

struct context_entry {
	union {
		struct {
			uint64_t lo, hi;
		};
		__uint128_t full;
	};
};
#define CONTEXT_FPD (1UL << 1)
#define context_present(c) ((c).lo & 1)
#define context_set_present(c) ((void)((c).lo |= 1))
#define context_clear_present(c) ((void)((c).lo &= ~1ULL))
#define context_clear_entry(c) ((void)((c).full = 0))
#define context_fault_disable(c) ((c).lo >> 1 & 1)
#define context_set_fault_enable(c) ((void)((c).lo &= ~CONTEXT_FPD))
#define context_address_width(c) ((c).hi & 7)
#define context_set_address_width(c, w) ((void)((c).hi |= (w)))
#define context_domain_id(c) ((c).hi >> 8 & 0xffff)
#define CONTEXT_TT_MULTI_LEVEL 0
#define CONTEXT_TT_DEV_IOTLB 1
#define CONTEXT_TT_PASS_THRU 2
#define context_set_translation_type(c, tt) \
	((void)((c).lo = ((c).lo & ~0xcULL) | (uint64_t)(tt) << 2))
#define context_set_address_root(c, root) \
	((void)((c).lo = ((c).lo & 0xfff) | (root)))
__uint128_t fake_cmpxchg16b(void *p, void *old, void *new);
#define cmpxchg16b(p, o, n) fake_cmpxchg16b(p, o, n)

#define level_to_agaw(l) ((l) - 2)
#define agaw_to_level(a) ((a) + 2)
#define agaw_to_width(a) (30 + (a) * 9)
#define cap_ndoms(c) (1U << (4 + 2 * ((c) & 7)))
#define cap_mgaw(c) (((c) >> 16 & 0x3f) + 1)
#define cap_caching_mode(c) ((c) >> 7 & 1)
#define cap_rwbf(c) ((c) >> 4 & 1)
#define ecap_coherent(e) ((e) & 1)
#define ecap_sc_support(e) ((e) >> 7 & 1)
#define ecap_snp_ctl(e) ecap_sc_support(e)
#define ecap_dev_iotlb(e) ((e) >> 2 & 1)
#define DMA_PTE_SNP 0x800
extern bool iommu_snoop, ats_enabled;
extern bool rwbf_quirk, iommu_hwdom_passthrough, untrusted_msi;
extern enum { iommu_intremap_off, iommu_intremap_full } iommu_intremap;
extern struct iommu_ops iommu_ops;

struct vtd_iommu {
	unsigned int index, nr_pt_levels;
	uint64_t cap, ecap;
	spinlock_t lock;
	void *reg;
	uint64_t root_maddr;
	struct acpi_drhd_unit *drhd;
	struct list_head ats_devices;
	unsigned int node;
	unsigned long *pseudo_domid_map;
};

struct acpi_drhd_unit {
	struct list_head list;
	uint16_t segment;
	struct {
		int devices_cnt;
		uint16_t *devices;
		unsigned long buses[4];
	} scope;
	bool include_all;
	struct vtd_iommu *iommu;
};
#define NR_UNITS 2
extern struct acpi_drhd_unit drhds[NR_UNITS];
#define for_each_drhd_unit(d) for ((d) = drhds; (d) < drhds + NR_UNITS; (d)++)
struct acpi_drhd_unit *acpi_find_matched_drhd_unit(const struct pci_dev *pdev);

/* One region, for the number of devices that the test sets. */
struct acpi_rmrr_unit {
	uint64_t base_address, end_address;
	uint16_t segment;
	unsigned int nr;
	uint16_t bdf[4];
};
#define NR_RMRRS 2
extern struct acpi_rmrr_unit rmrrs[NR_RMRRS];
#define for_each_rmrr_device(r, b, i)					\
	for ((r) = rmrrs; (r) < rmrrs + NR_RMRRS; (r)++)		\
		for ((i) = 0; (i) < (r)->nr && ((b) = (r)->bdf[i], true); (i)++)

domid_t iommu_alloc_domid(unsigned long *map);
void iommu_free_domid(domid_t domid, unsigned long *map);
int context_set_domain_id(struct context_entry *c, domid_t domid,
			  struct vtd_iommu *iommu);
void cleanup_domid_map(domid_t domid, struct vtd_iommu *iommu);
int get_iommu_did(domid_t domid, const struct vtd_iommu *iommu, bool warn);
domid_t did_to_domain_id(const struct vtd_iommu *iommu, unsigned int did);
uint64_t bus_to_context_maddr(struct vtd_iommu *iommu, uint8_t bus);
void *map_vtd_domain_page(uint64_t maddr);
void unmap_vtd_domain_page(const void *p);
paddr_t domain_pgd_maddr(struct domain *d, paddr_t pgd, unsigned int levels);
void iommu_flush_write_buffer(struct vtd_iommu *iommu);
#define DMA_CCMD_MASK_NOBIT 0
int iommu_flush_context_global(struct vtd_iommu *iommu, bool np);
int iommu_flush_context_device(struct vtd_iommu *iommu, uint16_t did,
			       uint16_t source_id, uint8_t mask, bool np);
int iommu_flush_iotlb_dsi(struct vtd_iommu *iommu, uint16_t did, bool np,
			  bool dev);
int iommu_flush_iotlb_psi(struct vtd_iommu *iommu, uint16_t did, uint64_t addr,
			  unsigned int order, bool np, bool dev);
struct acpi_drhd_unit *find_ats_dev_drhd(struct vtd_iommu *iommu);
int dev_invalidate_iotlb_one(struct vtd_iommu *iommu,
			     const struct pci_dev *pdev, uint16_t did);
int dev_invalidate_iotlb(struct vtd_iommu *iommu, uint16_t did, uint64_t addr,
			 unsigned int order, uint64_t type);
int vtd_enable_ats(struct pci_dev *pdev, struct vtd_iommu *iommu);
void vtd_disable_ats(struct pci_dev *pdev);
#define DMAR_GSTS_REG 0x1c
#define DMA_GSTS_TES (1U << 31)
uint32_t dmar_readl(const void *reg, unsigned int offset);

#define PCI_SLOT(devfn) ((devfn) >> 3 & 0x1f)
int find_upstream_bridge(uint16_t seg, uint8_t *bus, uint8_t *devfn,
			 uint8_t *secbus);
enum pdev_type pdev_type(uint16_t seg, uint8_t bus, uint8_t devfn);
int vtd_find_aliases(const struct pci_dev *pdev, uint16_t alias[2]);
bool me_wifi_affected(const struct pci_dev *pdev);
bool pci_ats_device(uint16_t seg, uint8_t bus, uint8_t devfn);
bool pci_ats_enabled(uint16_t seg, uint8_t bus, uint8_t devfn);

bool vtd_ctx_holds_domid(const struct vtd_iommu *iommu, domid_t domid);
domid_t vtd_ctx_domid(const struct iommu_ctx *ctx, const struct pci_dev *pdev);
paddr_t vtd_ctx_pgtable(const struct iommu_ctx *ctx);
void vtd_ctx_caps(struct iommu_ctx_caps *caps);
int vtd_ctx_init(struct iommu_ctx *ctx, bool everywhere);
void vtd_ctx_fini(struct iommu_ctx *ctx);
bool vtd_ctx_in_use(struct iommu_ctx *ctx);
int vtd_ctx_enter(struct iommu_ctx *ctx, struct pci_dev *pdev);
void vtd_ctx_leave(struct iommu_ctx *ctx, struct pci_dev *pdev);
int vtd_ctx_switch(struct domain *d, struct pci_dev *pdev,
		   const struct iommu_ctx *to);
int vtd_ctx_flush(struct iommu_ctx *ctx, uint64_t first, uint64_t end);
void vtd_ctx_dev_query(const struct pci_dev *pdev,
		       struct iommu_ctx_dev *dev);
int vtd_ctx_aliases(const struct pci_dev *pdev, uint16_t alias[2]);
void vtd_ctx_save(struct vtd_iommu *iommu, const uint16_t *rid,
		  unsigned int nr, struct context_entry *was);
int vtd_ctx_restore(struct vtd_iommu *iommu, const struct pci_dev *pdev,
		    const uint16_t *rid, unsigned int nr,
		    const struct context_entry *was);
int vtd_ctx_dev_resv(const struct pci_dev *pdev, unsigned int index,
		     struct iommu_ctx_resv *resv);
int vtd_ctx_suppress(struct pci_dev *pdev, bool suppress);
bool vtd_ctx_has_id(const struct pci_dev *pdev, pci_sbdf_t id);

#endif /* XEN_FAKE_VTD_H */
