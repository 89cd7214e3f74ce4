// SPDX-License-Identifier: GPL-2.0
/*
 * Access control services (ACS): a group's isolation depends on them.
 *
 * A root port, or a port of a switch, with ACS on forwards requests from below to
 * the IOMMU, and not to a peer device. The IOMMU core groups a device by the ports
 * that have ACS on when it probes the device. But ACS is a register of the port,
 * which is 0 after D3cold and after a reset, as in the recovery from an error. The
 * PCI core restores it only if pci_request_acs() was called before it found the
 * devices. The kernel of a PV domain calls it, the kernel of a PVH domain may not;
 * there Xen had turned ACS on.
 *
 * So the driver checks the ports above a device before a user gets the device: a
 * user can make the device access any address, a peer's included. A kernel driver
 * does not.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/types.h>

#include "acs.h"
#include "device.h"
#include "group.h"

/* The core requires these to be on, if a device has them. */
#define WANTED	(PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

static u16 acs_read(struct pci_dev *pdev, int where)
{
	u16 word = 0;

	pci_read_config_word(pdev, where, &word);
	return word;
}

/* The required services that are off; all of them if it has no ACS. */
static u16 acs_missing(struct pci_dev *pdev, int pos)
{
	if (!pos)
		return WANTED;
	return acs_read(pdev, pos + PCI_ACS_CAP) & WANTED &
	       ~acs_read(pdev, pos + PCI_ACS_CTRL);
}

bool xpi_acs_is_on(struct pci_dev *pdev)
{
	return !acs_missing(pdev, pci_find_ext_capability(pdev,
							  PCI_EXT_CAP_ID_ACS));
}

/* Returns true if ACS is on. */
static bool acs_restore(struct pci_dev *pdev, const struct xpi_dev *xdev)
{
	int pos = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_ACS);
	u16 missing = acs_missing(pdev, pos);

	if (!missing)
		return true;
	if (pos)
		pci_write_config_word(pdev, pos + PCI_ACS_CTRL,
				      acs_read(pdev, pos + PCI_ACS_CTRL) |
				      missing);
	if (!xpi_acs_is_on(pdev)) {
		pci_err(xdev->pdev, "not given to a user: %s has lost the access control that its group stands on, and cannot turn it on again; remove both and rescan\n",
			pci_name(pdev));
		return false;
	}
	pci_notice(pdev, "access control was lost in a reset or in sleep; it is on again, for %s\n",
		   pci_name(xdev->pdev));
	return true;
}

static bool acs_restore_all(const struct xpi_dev *xdev)
{
	struct pci_dev *pdev = xdev->pdev;
	unsigned int i;

	for (i = 0; pdev && i < XPI_MAX_HOPS; i++) {
		if (xdev->acs & BIT(i) && !acs_restore(pdev, xdev))
			return false;
		pdev = pci_upstream_bridge(pdev);
	}
	return true;
}

/* The lowest port above that had ACS on; NULL if none had. */
static struct pci_dev *acs_lowest(const struct xpi_dev *xdev)
{
	struct pci_dev *pdev = xdev->pdev;
	unsigned int i;

	for (i = 0; pdev && i < XPI_MAX_HOPS; i++) {
		if (xdev->acs & BIT(i))
			return pdev;
		pdev = pci_upstream_bridge(pdev);
	}
	return NULL;
}

void xpi_acs_save(struct xpi_dev *xdev)
{
	struct pci_dev *bridge = pci_upstream_bridge(xdev->pdev);
	struct pci_dev *pdev = xdev->pdev;
	unsigned int i;

	/* A port in D3cold does not respond. */
	if (bridge)
		pm_runtime_get_sync(&bridge->dev);
	/* The driver takes no device with a longer path, see group.h. */
	for (i = 0; pdev && i < XPI_MAX_HOPS; i++) {
		if (xpi_acs_is_on(pdev))
			xdev->acs |= BIT(i);
		pdev = pci_upstream_bridge(pdev);
	}
	if (bridge)
		pm_runtime_put(&bridge->dev);
}

int xpi_acs_hold(struct xpi_dev *xdev)
{
	bool before = xdev->awake;

	/* A device that is awake keeps all ports above it awake. */
	if (!before)
		xdev->awake = acs_lowest(xdev);
	if (!before && xdev->awake)
		pm_runtime_get_sync(&xdev->awake->dev);
	if (acs_restore_all(xdev))
		return 0;
	if (!before)
		xpi_acs_release(xdev);
	return -ENODEV;
}

void xpi_acs_release(struct xpi_dev *xdev)
{
	if (xdev->awake)
		pm_runtime_put(&xdev->awake->dev);
	xdev->awake = NULL;
}
