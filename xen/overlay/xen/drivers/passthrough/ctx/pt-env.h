/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions by which pt.c gets tables and reaches them. This version is
 * Xen's. Host tests define the same include guard in a file of their own, which
 * they include first.
 *
 * A table is one 4 KiB page named by its machine address; 0 names none.
 */
#ifndef IOMMU_CTX_PT_ENV_H
#define IOMMU_CTX_PT_ENV_H

#include <xen/domain_page.h>
#include <xen/errno.h>
#include <xen/iommu-pt.h>
#include <xen/lib.h>
#include <xen/mm.h>

/*
 * pt-mem.c has these three functions, and counts tables against the quota of
 * the domain; pt.c keeps pt->nr_tables.
 */

/* Allocate a zeroed page. Returns 0 if quota or heap are exhausted. */
uint64_t pt_table_alloc(struct iommu_pt *pt);

/* Free a table that no IOMMU has ever walked, or that none can reach now. */
void pt_table_free(struct iommu_pt *pt, uint64_t maddr);

/*
 * Retire a table that an IOMMU may have cached. The caller must not change it,
 * and frees it only after a flush of the range that it covered.
 */
void pt_table_retire(struct iommu_pt *pt, uint64_t maddr);

/* Write back `bytes` from `addr` on if IOMMUs do not snoop CPU caches. */
void pt_table_sync(const struct iommu_pt *pt, const void *addr,
                   unsigned int bytes);

static inline uint64_t *pt_table_map(uint64_t maddr)
{
    return map_domain_page(maddr_to_mfn(maddr));
}

static inline void pt_table_unmap(const uint64_t *table)
{
    unmap_domain_page(table);
}

/*
 * The number of present entries in a table. Kept where an owned page has its
 * type: table pages have no owner, so Xen never takes a type reference to them.
 */
static inline unsigned long *pt_table_count(uint64_t maddr)
{
    return &maddr_to_page(maddr)->u.inuse.type_info;
}

/* IOMMUs read entries at any time: write all 64 bits at once (XSA-347). */
static inline void pt_entry_write(uint64_t *entry, uint64_t pte)
{
    write_atomic(entry, pte);
}

#endif /* IOMMU_CTX_PT_ENV_H */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
