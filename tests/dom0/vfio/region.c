// SPDX-License-Identifier: GPL-2.0
/*
 * A device with memory at a fixed address that firmware requires (an RMRR), but of a
 * kind that does not need it after boot:	vfio-region BDF USB-BDF IOVA
 * BDF is an edu, which does the DMA. Both are in one container, in which
 * IOVA, the address of the region, must be an ordinary address.
 */
#include <stdlib.h>

#include "cases.h"
#include "look.h"
#include "probe.h"
#include "report.h"

static void test_nothing_of_xens(const char *usb, const struct bed *bed,
				 uint64_t iova)
{
	if (!have_look())
		return;
	expect("region.context-is-made",
	       unless(context_of(usb), "it is in the default context"));
	expect("region.same-context",
	       unless(context_of(usb) == context_of(bed->dev.bdf),
		      "the devices are in two contexts"));
	expect("region.left-free",
	       unless(leaf_order(usb, iova) < 0, "Xen has mapped the region"));
}

static void test_as_any_iova(struct bed *bed, uint64_t iova)
{
	uint8_t *mem = new_pages(1);

	must_map(bed, iova, mem, PAGE, RW);
	expect("region.device-reads", read_works(bed, iova, mem));
	expect("region.device-writes", write_works(bed, iova, mem));
	must_unmap(bed, iova, PAGE);
	expect("region.unmapped-blocked", not_written(bed, iova, mem));
}

int main(int argc, char **argv)
{
	struct device usb = { 0 };
	struct bed bed = { 0 };
	uint64_t iova;

	if (argc != 4)
		die("usage: vfio-region BDF USB-BDF IOVA, both bound to vfio-pci");
	usb.bdf = argv[2];
	iova = strtoull(argv[3], NULL, 0);
	probe_seed(1);
	/* For the first device VFIO decides whether it accepts the IOMMU. */
	bed.container = container_open();
	container_take(&bed.container, &usb);
	report_pass("region.opened");
	bed.dev = device_open(&bed.container, argv[1]);
	bed.mailbox = new_pages(1);
	bed_map_mailbox(&bed);
	test_nothing_of_xens(usb.bdf, &bed, iova);
	test_as_any_iova(&bed, iova);
	container_leave(&usb);
	bed_close(&bed);
	return report_end();
}
