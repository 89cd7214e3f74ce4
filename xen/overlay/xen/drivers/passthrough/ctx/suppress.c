/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices in contexts that fault too often.
 *
 * In a context a refused access harms no other domain, and a program may
 * continue after one: the device keeps its bus mastering. Reporting each fault
 * would harm other domains: each costs an interrupt, a line of Xen's log and a
 * record. After FAULTS_MAX faults in a PERIOD the IOMMU reports no more of the
 * device's faults for a PAUSE. These faults are lost and cannot be counted.
 *
 * Reports resume when the PAUSE ends (timer), and when the device is attached.
 * If the device is assigned elsewhere meanwhile, the code that writes its new
 * entries turns reports on. So the list records what the back end was asked to
 * suppress; a listed device that faults again has lost its suppress bits.
 *
 * Protected by pcidevs_lock.
 */
#include <xen/init.h>
#include <xen/iommu.h>
#include <xen/list.h>
#include <xen/pci.h>
#include <xen/time.h>
#include <xen/timer.h>

#include "ctx.h"

#define FAULTS_MAX          10U
#define PERIOD              SECONDS(1)
#define PAUSE               SECONDS(1)
/* Delay before the timer tries again after it found pcidevs_lock taken. */
#define RETRY               MILLISECS(10)

/* Devices whose faults are suppressed, by ctx_fault.list; oldest first. */
static LIST_HEAD(suppressed);
static struct timer resume_timer;

static int back_end_suppress(struct pci_dev *pdev, bool suppress)
{
    return iommu_call(dom_iommu(pdev->ctx->owner)->platform_ops, ctx_suppress,
                      pdev, suppress);
}

static void begin_pause(struct pci_dev *pdev, s_time_t now)
{
    if ( now >= pdev->ctx_fault.quiet )
        printk(XENLOG_G_WARNING
               "%pp: too many faults, not all of them are reported\n",
               &pdev->sbdf);

    pdev->ctx_fault.until = now + PAUSE;
    /* A device that keeps faulting is logged once. */
    pdev->ctx_fault.quiet = now + PAUSE + PERIOD;
    if ( list_empty(&suppressed) )
        set_timer(&resume_timer, pdev->ctx_fault.until);
    list_add_tail(&pdev->ctx_fault.list, &suppressed);
}

bool iommu_ctx_fault_logged(const struct pci_dev *pdev)
{
    return NOW() >= pdev->ctx_fault.quiet;
}

/* Count a fault. True if there are too many for an unsuppressed device. */
static bool too_many(struct pci_dev *pdev, s_time_t now)
{
    if ( now - pdev->ctx_fault.since >= PERIOD )
    {
        pdev->ctx_fault.since = now;
        pdev->ctx_fault.nr = 0;
    }

    return pdev->ctx_fault.nr++ >= FAULTS_MAX;
}

int iommu_ctx_fault_count(struct pci_dev *pdev)
{
    s_time_t now = NOW();
    int rc;

    ASSERT(pcidevs_locked());

    if ( !pdev->ctx_fault.until && !too_many(pdev, now) )
        return 0;

    rc = back_end_suppress(pdev, true);
    if ( rc )
    {
        (void)back_end_suppress(pdev, false);
        return rc;
    }
    if ( !pdev->ctx_fault.until )
        begin_pause(pdev, now);

    return 1;
}

void iommu_ctx_fault_resume(struct pci_dev *pdev)
{
    ASSERT(pcidevs_locked());

    if ( !pdev->ctx_fault.until )
        return;

    list_del(&pdev->ctx_fault.list);
    pdev->ctx_fault.until = 0;
    pdev->ctx_fault.nr = 0;

    /* If the device is assigned elsewhere, its entries are its new owner's. */
    if ( iommu_ctx_of(pdev->domain, pdev) && back_end_suppress(pdev, false) )
        printk(XENLOG_WARNING "%pp: fault reports may stay suppressed\n",
               &pdev->sbdf);
}

static void cf_check resume(void *unused)
{
    /* This is a softirq: do not wait for a lock that may be held for long. */
    if ( !pcidevs_trylock() )
    {
        set_timer(&resume_timer, NOW() + RETRY);
        return;
    }

    while ( !list_empty(&suppressed) )
    {
        struct pci_dev *pdev = list_first_entry(&suppressed, struct pci_dev,
                                                ctx_fault.list);

        if ( pdev->ctx_fault.until > NOW() )
        {
            set_timer(&resume_timer, pdev->ctx_fault.until);
            break;
        }
        iommu_ctx_fault_resume(pdev);
    }

    pcidevs_unlock();
}

static int __init cf_check suppress_init(void)
{
    init_timer(&resume_timer, resume, NULL, 0);

    return 0;
}
__initcall(suppress_init);

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
