/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames on x86, for the test of passthrough/x86/ctx-frames.c: the compiler
 * includes it by force after xen.h.
 */
#ifndef XEN_FAKE_X86_H
#define XEN_FAKE_X86_H

#define MSI_ADDR_BASE_LO 0xfee00000ULL
#define MSI_ADDR_BASE_MASK (~0xfffffULL)
#define PGT_writable_page 7

#define page_get_owner(pg) ((pg)->owner)
struct domain *page_get_owner_and_reference(struct page_info *pg);
void put_page(struct page_info *pg);
bool get_page_type(struct page_info *pg, unsigned long type);
void put_page_and_type(struct page_info *pg);
bool is_special_page(const struct page_info *pg);

#define XSM_TARGET 1
int xsm_iommu_map(int action, struct domain *d, struct domain *owner,
		  bool write);
#define paging_mode_log_dirty(d) ((d)->log_dirty)
void paging_mark_dirty(struct domain *d, mfn_t mfn);

bool iomem_access_permitted(const struct domain *d, unsigned long first,
			    unsigned long last);
struct rangeset;
extern struct rangeset *mmio_ro_ranges;
struct rangeset *rangeset_new(struct domain *d, char *name, unsigned int flags);
void rangeset_destroy(struct rangeset *r);
int rangeset_add_range(struct rangeset *r, unsigned long s, unsigned long e);
bool rangeset_contains_singleton(const struct rangeset *r, unsigned long n);
int remove_xen_ranges(struct rangeset *r);

typedef enum {
	p2m_invalid,
	p2m_ram_rw,
	p2m_ram_ro,
	p2m_mmio_direct,
	p2m_grant_map_rw,
	p2m_grant_map_ro,
	p2m_map_foreign,
} p2m_type_t;
typedef int p2m_access_t;
#define P2M_ALLOC 1
#define IOMMUF_readable 1
#define IOMMUF_writable 2
#define p2m_get_hostp2m(d) (d)
#define p2m_is_any_ram(t) ((t) == p2m_ram_rw || (t) == p2m_ram_ro)
unsigned int p2m_get_iommu_flags(p2m_type_t t, p2m_access_t a, mfn_t mfn);
mfn_t get_gfn_type_access(struct domain *d, unsigned long gfn, p2m_type_t *t,
			  p2m_access_t *a, unsigned int q, unsigned int *order);
void put_gfn(struct domain *d, unsigned long gfn);
gfn_t mfn_to_gfn(const struct domain *d, mfn_t mfn);
#define SHARED_M2P(n) ((n) == ~1UL)

#endif /* XEN_FAKE_X86_H */
