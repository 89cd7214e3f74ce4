/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The debug key lists the contexts, what they hold, and their devices.
 */
#include <xen/init.h>
#include <xen/iommu.h>
#include <xen/keyhandler.h>
#include <xen/softirq.h>

#include "ctx.h"

static void dump_members(const struct iommu_ctx *ctx)
{
    const struct pci_dev *pdev;

    list_for_each_entry ( pdev, &ctx->members, ctx_list )
        printk("    %pp%s%s%s\n", &pdev->sbdf,
               pdev->domain == ctx->owner ? "" : " (away)",
               pdev->ctx_fault.until ? " (faults suppressed)" : "",
               pdev->broken ? " (broken)" : "");
}

static void dump_ctx(struct iommu_ctx *ctx)
{
    spin_lock(&ctx->lock);
    printk("  ctx %#x:%s%s%s%s refs %d, tables %u (%u empty) of %u, parked %u\n",
           ctx->id, ctx->broken ? " broken" : "", ctx->dying ? " dying" : "",
           list_empty(&ctx->direct) ? "" : " direct",
           ctx->reserve ? " reserve" : "", atomic_read(&ctx->refs),
           ctx->pt_pages, ctx->pt.nr_empty, ctx->pt_pages_max, ctx->parked.nr);
    printk("    pages %"PRIu64", leaves %"PRIu64" 4k %"PRIu64" 2M\n",
           ctx->pt.nr_mapped, ctx->pt.nr_leaves[0], ctx->pt.nr_leaves[1]);
    spin_unlock(&ctx->lock);

    dump_members(ctx);
}

static void dump_table(const struct domain *d, struct iommu_ctx_tbl *tbl)
{
    struct iommu_ctx *ctx;
    unsigned int id = 0;

    printk("%pd: %u IOMMU contexts, %u without reserve, last %u\n",
           d, tbl->nr, tbl->nr_plain, tbl->last_id);
    printk("  tables %u of %u, %u of %u without reserve\n",
           tbl->pt_pages, tbl->pt_pages_max, tbl->pt_pages_plain,
           tbl->pt_pages_max - tbl->pt_pages_reserve);
    printk("  faults %u, lost %u\n", tbl->faults.nr, tbl->faults.lost);
    dump_ctx(tbl->blocked);

    while ( radix_tree_gang_lookup(&tbl->tree, (void **)&ctx, id, 1) )
    {
        dump_ctx(ctx);
        id = ctx->id + 1;
        process_pending_softirqs();
    }
}

/*
 * pcidevs_lock keeps devices in place, and contexts from being created and
 * freed.
 */
static void cf_check dump_contexts(unsigned char key)
{
    const struct domain *d;

    pcidevs_lock();
    rcu_read_lock(&domlist_read_lock);
    for_each_domain ( d )
    {
        struct iommu_ctx_tbl *tbl = iommu_ctx_table_ready(d);

        if ( tbl )
            dump_table(d, tbl);
    }
    rcu_read_unlock(&domlist_read_lock);
    pcidevs_unlock();
}

static int __init cf_check dump_init(void)
{
    register_keyhandler('y', dump_contexts, "dump IOMMU contexts", 1);

    return 0;
}
__initcall(dump_init);

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
