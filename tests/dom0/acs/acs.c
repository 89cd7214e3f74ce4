// SPDX-License-Identifier: GPL-2.0
/*
 * Reports which access control services are on in the PCI Express ports. With
 * lose=1 the ports first lose their state and the kernel restores it. The same
 * happens after D3cold, and after a reset in the recovery from an error.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/pci.h>

static bool lose;
module_param(lose, bool, 0400);
MODULE_PARM_DESC(lose, "make the ports lose their state first");

static void lose_state(struct pci_dev *pdev, int pos)
{
	pci_save_state(pdev);
	pci_write_config_word(pdev, pos + PCI_ACS_CTRL, 0);
	pci_restore_state(pdev);
}

static void look_at(struct pci_dev *pdev)
{
	int pos = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_ACS);
	u16 ctrl = 0;

	if (!pos || !pci_is_bridge(pdev))
		return;

	if (lose)
		lose_state(pdev, pos);
	pci_read_config_word(pdev, pos + PCI_ACS_CTRL, &ctrl);
	pr_info("xpi_acs: %s has %#x\n", pci_name(pdev), ctrl);
}

static int __init acs_init(void)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev)
		look_at(pdev);
	return 0;
}

static void __exit acs_exit(void)
{
}

module_init(acs_init);
module_exit(acs_exit);
MODULE_DESCRIPTION("Reports access control services of ports, also after a loss of their state");
MODULE_LICENSE("GPL");
