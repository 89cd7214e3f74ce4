// SPDX-License-Identifier: GPL-2.0
/*
 * While this module is loaded, an unpatched kernel behaves as with
 * packaging/linux/pvh-dom0-restores-msi-x.patch: after the hypercall that restores a
 * device's messages the kernel also writes them itself.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

/* Return true, which makes the PCI core write the messages. */
static int write_them(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	regs_set_return_value(regs, true);
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "xen_initdom_restore_msi",
	.handler = write_them,
};

static int __init restore_init(void)
{
	return register_kretprobe(&probe);
}

static void __exit restore_exit(void)
{
	unregister_kretprobe(&probe);
}

module_init(restore_init);
module_exit(restore_exit);
MODULE_DESCRIPTION("Makes a PVH dom0 restore MSI-X");
MODULE_LICENSE("GPL");
