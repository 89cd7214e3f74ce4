/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices in contexts that fault too often.
 *
 * In a context a refused access harms no other domain, and a program may go on
 * after it: the device keeps its bus mastering. Reporting each fault would harm
 * others, as it takes an interrupt, a line of Xen's log and a record. After
 * FAULTS_MAX faults in a PERIOD the device's IOMMU is told to report no more of
 * its faults for a PAUSE. These are lost and cannot be counted.
 *
 * Reports resume when the PAUSE is over, by the timer, and when the device is
 * attached. A device that is assigned elsewhere meanwhile reports there: Xen's
 * code that writes its new entries turns reports on. So the list has what the
 * back end was asked for; a device that still faults has lost it on the way.
 *
 * pcidevs_lock protects all of it.
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
/* Until the timer tries again where it has found pcidevs_lock taken. */
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
    /* A device that goes on and on is logged once. */
    pdev->ctx_fault.quiet = now + PAUSE + PERIOD;
    if ( list_empty(&suppressed) )
        set_timer(&resume_timer, pdev->ctx_fault.until);
    list_add_tail(&pdev->ctx_fault.list, &suppressed);
}

bool iommu_ctx_fault_logged(const struct pci_dev *pdev)
{
    return NOW() >= pdev->ctx_fault.quiet;
}

/* One more; whether these are too many for a device that is not suppressed. */
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

    /* The entries of a device that is away are its new owner's. */
    if ( iommu_ctx_of(pdev->domain, pdev) && back_end_suppress(pdev, false) )
        printk(XENLOG_WARNING "%pp: faults may not be reported again\n",
               &pdev->sbdf);
}

static void cf_check resume(void *unused)
{
    /* The lock may be held for long, and this is a softirq. */
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
