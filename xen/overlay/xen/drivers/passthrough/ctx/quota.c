/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits on what a domain's contexts use: page-table pages and numbers.
 *
 * Contexts are of two kinds. Those with the reserve (CTX_F_RESERVE) may use all
 * that the domain may use. The plain ones must leave the reserve alone:
 * whatever a user does with plain contexts, the domain's own still get page
 * tables and numbers. Each context also has its own limit on page tables.
 *
 * A page counts from its allocation until it is freed, which is after the flush
 * that follows its removal from the tree.
 */
#include <xen/init.h>
#include <xen/iommu.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/time.h>

#include "ctx.h"

#define NR_CTX_LIMIT        4096U
/* Plain contexts get at least the rest of the page tables. */
#define RESERVE_PERCENT_MAX 90U
/* Numbers kept for contexts with the reserve, if there are enough. */
#define NR_CTX_RESERVE      16U
/* Minimum time between two messages about refused page tables. */
#define SAY_INTERVAL        SECONDS(10)

/* dom0-iommu=nr-ctx=<n>: contexts a domain may have at a time. */
static unsigned int __ro_after_init opt_nr_ctx = 1024;
/* dom0-iommu=ctx-mem=<size>: page tables of all its contexts, bytes; 0: auto */
static uint64_t __ro_after_init opt_ctx_mem;
/* dom0-iommu=ctx-reserve=<percent>% or <size>: part of it; bytes if not 0 */
static unsigned int __ro_after_init opt_reserve_percent = 25;
static uint64_t __ro_after_init opt_reserve_size;

static int __init parse_nr_ctx(const char *s, const char *end)
{
    const char *p;
    unsigned long nr = simple_strtoul(s, &p, 0);

    if ( p != end || !nr || nr > NR_CTX_LIMIT )
        return -EINVAL;
    opt_nr_ctx = nr;

    return 0;
}

static int __init parse_ctx_mem(const char *s, const char *end)
{
    const char *p;
    uint64_t size = parse_size_and_unit(s, &p);

    if ( p != end || size < MB(1) )
        return -EINVAL;
    opt_ctx_mem = size;

    return 0;
}

static int __init parse_ctx_reserve(const char *s, const char *end)
{
    const char *p;
    uint64_t size = parse_size_and_unit(s, &p);
    bool percent = *p == '%';

    if ( p == s || p + percent != end ||
         (percent && size > RESERVE_PERCENT_MAX) )
        return -EINVAL;
    opt_reserve_percent = percent ? size : 0;
    opt_reserve_size = percent ? 0 : size;

    return 0;
}

int __init iommu_ctx_parse_param(const char *s, const char *end)
{
    if ( !strncmp(s, "nr-ctx=", 7) )
        return parse_nr_ctx(s + 7, end);
    if ( !strncmp(s, "ctx-mem=", 8) )
        return parse_ctx_mem(s + 8, end);
    if ( !strncmp(s, "ctx-reserve=", 12) )
        return parse_ctx_reserve(s + 12, end);

    return -ENOENT;
}

unsigned int iommu_ctx_nr_max(void)
{
    return opt_nr_ctx;
}

/* A sixteenth of a small number, but at least one and at most half. */
unsigned int iommu_ctx_nr_reserve(void)
{
    unsigned int part = max(opt_nr_ctx / 16, 1U);

    return min(min(part, NR_CTX_RESERVE), opt_nr_ctx / 2);
}

/*
 * 512 pages mapped one by one take one table. With RAM / 128, a quarter of it
 * reserved, one plain context can map all memory in small pages.
 */
static unsigned int pages_max(void)
{
    uint64_t bytes = opt_ctx_mem ?: max_t(uint64_t, MB(64),
                                          pfn_to_paddr(total_pages) / 128);

    return min_t(uint64_t, PFN_DOWN(bytes), INT_MAX);
}

static unsigned int pages_reserve(unsigned int max)
{
    uint64_t most = (uint64_t)max * RESERVE_PERCENT_MAX / 100;
    uint64_t reserve = opt_reserve_size
                       ? PFN_UP(opt_reserve_size)
                       : (uint64_t)max * opt_reserve_percent / 100;

    if ( reserve <= most )
        return reserve;

    printk(XENLOG_WARNING
           "dom0-iommu=ctx-reserve= lowered to %u%% of ctx-mem=\n",
           RESERVE_PERCENT_MAX);

    return most;
}

void iommu_ctx_quota_init(struct iommu_ctx_tbl *tbl)
{
    spin_lock_init(&tbl->quota_lock);
    tbl->pt_pages_max = pages_max();
    tbl->pt_pages_reserve = pages_reserve(tbl->pt_pages_max);
}

/* Pages that a context of this kind can have if all others use nothing. */
static unsigned int pages_usable(const struct iommu_ctx_tbl *tbl, bool reserve)
{
    return tbl->pt_pages_max - (reserve ? 0 : tbl->pt_pages_reserve);
}

static unsigned int limit_of(const struct iommu_ctx_tbl *tbl, bool reserve,
                             unsigned int wanted)
{
    unsigned int usable = pages_usable(tbl, reserve);

    if ( !wanted )
        wanted = reserve ? usable : usable / 2;

    return min(wanted, usable);
}

void iommu_ctx_limits_init(struct iommu_ctx *ctx, bool reserve,
                           unsigned int pt_pages_max)
{
    ctx->reserve = reserve;
    ctx->pt_pages_max = limit_of(ctx->tbl, reserve, pt_pages_max);
}

/* True if one more plain context may exist. Caller must hold tbl->lock. */
static bool plain_number_free(const struct iommu_ctx_tbl *tbl)
{
    return tbl->nr_plain < opt_nr_ctx - iommu_ctx_nr_reserve();
}

bool iommu_ctx_number_take(struct iommu_ctx *ctx)
{
    struct iommu_ctx_tbl *tbl = ctx->tbl;

    if ( tbl->nr >= opt_nr_ctx || (!ctx->reserve && !plain_number_free(tbl)) )
        return false;

    tbl->nr++;
    tbl->nr_plain += !ctx->reserve;

    return true;
}

void iommu_ctx_number_give(struct iommu_ctx *ctx)
{
    ctx->tbl->nr--;
    ctx->tbl->nr_plain -= !ctx->reserve;
}

/* Move a context's usage to the other kind. Caller must hold both locks. */
static void count_as_plain(struct iommu_ctx *ctx)
{
    ctx->tbl->nr_plain++;
    ctx->tbl->pt_pages_plain += ctx->pt_pages;
}

static void count_as_reserve(struct iommu_ctx *ctx)
{
    ctx->tbl->nr_plain--;
    ctx->tbl->pt_pages_plain -= ctx->pt_pages;
}

int iommu_ctx_limits_set(struct iommu_ctx *ctx, bool reserve,
                         unsigned int pt_pages_max)
{
    struct iommu_ctx_tbl *tbl = ctx->tbl;
    int rc = 0;

    write_lock(&tbl->lock);
    spin_lock(&tbl->quota_lock);

    if ( reserve && !ctx->reserve )
        count_as_reserve(ctx);
    else if ( ctx->reserve && !reserve )
    {
        if ( plain_number_free(tbl) )
            count_as_plain(ctx);
        else
            rc = -ENOSPC;
    }
    if ( !rc )
        iommu_ctx_limits_init(ctx, reserve, pt_pages_max);

    spin_unlock(&tbl->quota_lock);
    write_unlock(&tbl->lock);

    return rc;
}

/* Caller must hold tbl->quota_lock. */
static enum iommu_ctx_bound page_bound(const struct iommu_ctx *ctx)
{
    const struct iommu_ctx_tbl *tbl = ctx->tbl;

    if ( ctx->pt_pages >= ctx->pt_pages_max )
        return IOMMU_CTX_BOUND_SELF;
    if ( !ctx->reserve && tbl->pt_pages_plain >= pages_usable(tbl, false) )
        return IOMMU_CTX_BOUND_PLAIN;
    if ( tbl->pt_pages >= tbl->pt_pages_max )
        return IOMMU_CTX_BOUND_DOMAIN;

    return IOMMU_CTX_BOUND_NONE;
}

enum iommu_ctx_bound iommu_ctx_page_take(struct iommu_ctx *ctx)
{
    struct iommu_ctx_tbl *tbl = ctx->tbl;
    enum iommu_ctx_bound bound;

    spin_lock(&tbl->quota_lock);
    bound = page_bound(ctx);
    if ( bound == IOMMU_CTX_BOUND_NONE )
    {
        tbl->pt_pages++;
        tbl->pt_pages_plain += !ctx->reserve;
        ctx->pt_pages++;
    }
    spin_unlock(&tbl->quota_lock);

    return bound;
}

void iommu_ctx_page_give(struct iommu_ctx *ctx)
{
    struct iommu_ctx_tbl *tbl = ctx->tbl;

    spin_lock(&tbl->quota_lock);
    tbl->pt_pages--;
    tbl->pt_pages_plain -= !ctx->reserve;
    ctx->pt_pages--;
    spin_unlock(&tbl->quota_lock);
}

/* Limits the rate of messages: a guest can cause refusals at any rate. */
static bool time_to_say(struct iommu_ctx_tbl *tbl)
{
    s_time_t now = NOW();
    bool say;

    spin_lock(&tbl->quota_lock);
    say = !tbl->said || now - tbl->said >= SAY_INTERVAL;
    if ( say )
        tbl->said = now;
    spin_unlock(&tbl->quota_lock);

    return say;
}

void iommu_ctx_say_refused(const struct domain *d, enum iommu_ctx_bound bound)
{
    struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;
    static const char *const who[] = {
        [IOMMU_CTX_BOUND_SELF] = "one context has reached its limit",
        [IOMMU_CTX_BOUND_PLAIN] = "contexts without the reserve have reached their limit",
        [IOMMU_CTX_BOUND_DOMAIN] = "all contexts together have reached their limit",
    };

    if ( bound == IOMMU_CTX_BOUND_NONE || !time_to_say(tbl) )
        return;

    printk(XENLOG_WARNING
           "%pd: page tables of IOMMU contexts refused: %s; dom0-iommu=ctx-mem= is %u pages, debug key y lists the users\n",
           d, who[bound], tbl->pt_pages_max);
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
