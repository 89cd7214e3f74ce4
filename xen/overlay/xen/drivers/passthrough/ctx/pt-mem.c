/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of page tables, for pt.c. The pages are anonymous: no domain can
 * reach them. Each counts against the quota of the domain until it is freed.
 */
#include <xen/iommu.h>
#include <xen/mm.h>

#include "ctx.h"
#include "pt-env.h"

static struct iommu_ctx *pt_ctx(struct iommu_pt *pt)
{
    return container_of(pt, struct iommu_ctx, pt);
}

uint64_t pt_table_alloc(struct iommu_pt *pt)
{
    struct iommu_ctx *ctx = pt_ctx(pt);
    struct page_info *pg;
    void *table;

    ctx->bound = iommu_ctx_page_take(ctx);
    if ( ctx->bound != IOMMU_CTX_BOUND_NONE )
        return 0;

    pg = alloc_domheap_page(NULL, 0);
    if ( !pg )
    {
        iommu_ctx_page_give(ctx);
        return 0;
    }

    /* The occupancy. The field has no other use while the page has no owner. */
    pg->u.inuse.type_info = 0;

    table = __map_domain_page(pg);
    /* pt.c writes the whole table back when it links the table. */
    clear_page(table);
    unmap_domain_page(table);

    return page_to_maddr(pg);
}

void pt_table_free(struct iommu_pt *pt, uint64_t maddr)
{
    free_domheap_page(maddr_to_page(maddr));
    iommu_ctx_page_give(pt_ctx(pt));
}

void pt_table_retire(struct iommu_pt *pt, uint64_t maddr)
{
    page_list_add_tail(maddr_to_page(maddr), &pt_ctx(pt)->retired);
}

void pt_table_sync(const struct iommu_pt *pt, const void *addr,
                   unsigned int bytes)
{
    iommu_sync_cache(addr, bytes);
}

void iommu_ctx_free_tables(struct iommu_ctx *ctx, struct page_list_head *tables)
{
    struct page_info *pg;

    while ( (pg = page_list_remove_head(tables)) )
        pt_table_free(&ctx->pt, page_to_maddr(pg));
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
