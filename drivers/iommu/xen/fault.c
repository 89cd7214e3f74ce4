// SPDX-License-Identifier: GPL-2.0
/*
 * Reads Xen's records of refused DMA and reports them.
 *
 * Xen raises a VIRQ when its ring becomes non-empty, so the driver always reads the
 * ring to its end. A device can fault as fast as it can do DMA. So the driver reads
 * a few records, pauses, and continues. Xen counts the records that it has no room
 * for meanwhile.
 *
 * A fault goes to the domain that the device is attached to (this also fires the
 * core's trace event io_page_fault) and, if no handler takes it, to the log. A
 * handler runs under the lock of the devices' list, so it must not attach or release
 * devices.
 *
 * After too many faults Xen turns the device off or reports no more of its faults,
 * and the last record has a flag for this. That record is logged even if a handler
 * takes the fault. It has a rate limit of its own, because the faults before it have
 * used up the other one.
 */
#define pr_fmt(fmt) "xen-pv-iommu: " fmt

#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <xen/events.h>
#include <xen/interface/pv-iommu.h>
#include <xen/interface/xen.h>

#include "device.h"
#include "fault-record.h"
#include "fault.h"
#include "hv.h"
#include "stats.h"

/* Records read in one run of the work, and the pause after them. */
#define AT_ONCE		32U
#define PAUSE		(HZ / 10)

/* Longer than Xen's ring; bounds the loop if a device faults all the time. */
#define DRAIN_MAX	256U

static const struct xpi_hv *fault_hv;
static int fault_irq;

static DEFINE_RATELIMIT_STATE(fault_limit, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

/* For devices that fault too often: such a record may come each second. */
static DEFINE_RATELIMIT_STATE(too_many_limit, 60 * HZ, DEFAULT_RATELIMIT_BURST);

/* -ENOENT: no record is left. */
static int read_fault(const struct xpi_hv *hv, struct xpi_fault *f)
{
	struct xen_pv_iommu_fault rec = {};
	int ret = xpi_hv_one(hv, XEN_PV_IOMMU_OP_FAULT_READ, &rec);

	if (ret)
		return ret;

	xpi_fault_check(&rec, f);
	xpi_stat_add(XPI_STAT_FAULTS, 1);
	xpi_stat_add(XPI_STAT_FAULTS_LOST, f->lost);
	return 0;
}

/* Caller must put it. NULL if this kernel does not know the device. */
static struct pci_dev *find_pdev(const struct xpi_fault *f)
{
	if (!f->pci)
		return NULL;
	return pci_get_domain_bus_and_slot(f->id >> 16, PCI_BUS_NUM(f->id),
					   f->id & 0xff);
}

/* Returns true if a handler has taken the fault. */
static bool report_to_domain(struct pci_dev *pdev, const struct xpi_fault *f)
{
	int flags = f->write ? IOMMU_FAULT_WRITE : IOMMU_FAULT_READ;
	const struct xpi_dev *xdev;
	bool handled = false;

	mutex_lock(&xpi_devs_lock);
	xdev = xpi_dev_find(pdev);
	if (xdev && xdev->attached.domain)
		handled = !report_iommu_fault(xdev->attached.domain, &pdev->dev,
					      f->iova, flags);
	mutex_unlock(&xpi_devs_lock);
	return handled;
}

static bool too_many(const struct xpi_fault *f)
{
	return f->disabled || f->suppressed;
}

static void report_to_log(struct pci_dev *pdev, const struct xpi_fault *f)
{
	char text[XPI_FAULT_TEXT_MAX];

	if (!__ratelimit(too_many(f) ? &too_many_limit : &fault_limit))
		return;

	xpi_fault_text(f, text, sizeof(text));
	if (pdev)
		pci_err(pdev, "%s\n", text);
	else if (f->pci)
		pr_err("%04x:%02x:%02x.%u, which Linux does not know: %s\n",
		       f->id >> 16, PCI_BUS_NUM(f->id), PCI_SLOT(f->id),
		       PCI_FUNC(f->id), text);
	else
		pr_err("device %#x of type %u, which Linux does not know: %s\n",
		       f->id, f->type, text);
}

static void report_fault(const struct xpi_fault *f)
{
	struct pci_dev *pdev = find_pdev(f);
	bool handled = pdev && report_to_domain(pdev, f);

	if (!handled || too_many(f))
		report_to_log(pdev, f);
	pci_dev_put(pdev);
}

static void fault_work(struct work_struct *work)
{
	struct xpi_fault f;
	unsigned int i;
	int ret;

	for (i = 0; i < AT_ONCE; i++) {
		ret = read_fault(fault_hv, &f);
		if (ret == -ENOENT)
			return;
		if (ret) {
			pr_err_ratelimited("Xen's fault records cannot be read: error %d\n",
					   ret);
			return;
		}
		report_fault(&f);
	}
	schedule_delayed_work(to_delayed_work(work), PAUSE);
}

static DECLARE_DELAYED_WORK(fault_dwork, fault_work);

/* During a pause this changes nothing. */
static irqreturn_t fault_interrupt(int irq, void *dev)
{
	schedule_delayed_work(&fault_dwork, 0);
	return IRQ_HANDLED;
}

void xpi_fault_drain(const struct xpi_hv *hv)
{
	struct xpi_fault f;
	u64 n = 0;

	while (n < DRAIN_MAX && !read_fault(hv, &f))
		n += 1;
	if (n)
		pr_info("%llu faults from before this module was loaded are dropped; Xen's log may have them\n",
			n);
}

void xpi_fault_start(const struct xpi_hv *hv, u32 virq)
{
	int ret = -EINVAL;

	if (!virq) {
		pr_info("this Xen reports no faults to Linux; see its own log\n");
		return;
	}

	fault_hv = hv;
	/* The kernel does not check it against the size of its table. */
	if (virq < NR_VIRQS)
		ret = bind_virq_to_irqhandler(virq, 0, fault_interrupt, 0,
					      "xen-pv-iommu", &fault_dwork);
	if (ret < 0) {
		pr_err("faults will only be in Xen's log: VIRQ %u cannot be bound (error %d)\n",
		       virq, ret);
		return;
	}

	fault_irq = ret;
	/* Records from before the VIRQ was bound do not raise it. */
	schedule_delayed_work(&fault_dwork, 0);
}

void xpi_fault_stop(void)
{
	if (!fault_irq)
		return;

	unbind_from_irqhandler(fault_irq, &fault_dwork);
	cancel_delayed_work_sync(&fault_dwork);
	fault_irq = 0;
}
