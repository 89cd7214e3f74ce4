/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flushes that fail on demand. No test can make hardware leave a flush
 * incomplete, but what Xen does then must be tested.
 *
 * ctx-fail-flush=<n>[x<m>]: the n-th flush of contexts fails, and the m - 1
 * after it. Retries count. Off by default.
 */
#include <xen/init.h>
#include <xen/iommu-ctx.h>
#include <xen/lib.h>
#include <xen/param.h>

static unsigned int __ro_after_init fail_first;
static unsigned int __ro_after_init fail_count;
static atomic_t flushes = ATOMIC_INIT(0);

static int __init cf_check parse_fail_flush(const char *s)
{
    fail_first = simple_strtoul(s, &s, 0);
    fail_count = 1;
    if ( *s == 'x' )
        fail_count = simple_strtoul(s + 1, &s, 0);

    return *s ? -EINVAL : 0;
}
custom_param("ctx-fail-flush", parse_fail_flush);

bool iommu_ctx_inject_flush(void)
{
    unsigned int nr;

    if ( !fail_first )
        return false;

    nr = atomic_inc_return(&flushes);
    if ( nr < fail_first || nr - fail_first >= fail_count )
        return false;

    printk(XENLOG_WARNING "IOMMU contexts: flush %u made to fail\n", nr);

    return true;
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
