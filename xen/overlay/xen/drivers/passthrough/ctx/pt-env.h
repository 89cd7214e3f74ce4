/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where pt.c gets its tables from, and how it reaches them. This is Xen's;
 * host tests are compiled with a file of their own that defines the same
 * include guard first.
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
 * These three are in pt-mem.c, which also counts tables against the quota of
 * the domain; pt->nr_tables is kept by pt.c.
 */

/* A zeroed page, or 0 if quota or heap are exhausted. */
uint64_t pt_table_alloc(struct iommu_pt *pt);

/* For a table that no IOMMU can have seen, or none can walk any more. */
void pt_table_free(struct iommu_pt *pt, uint64_t maddr);

/*
 * For a table that an IOMMU may still hold in its caches: it must stay as it is
 * until a flush of the range it covered has completed, and is freed after that.
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
 * The number of entries present in a table. Kept where an owned page has its
 * type: table pages have no owner, so nobody asks for a type of theirs.
 */
static inline unsigned long *pt_table_count(uint64_t maddr)
{
    return &maddr_to_page(maddr)->u.inuse.type_info;
}

/* IOMMUs read entries at any time: never let them see half of one (XSA-347). */
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
