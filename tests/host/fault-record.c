// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of fault records: the sentence that the driver prints for each. The driver
 * reports invalid contents as such and never interprets them.
 */
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "fault-record.h"

#include "harness.h"

static const struct xen_pv_iommu_fault plain = {
	.dev.type = XEN_PV_IOMMU_DEV_PCI,
	.dev.id = 0x123401a8,
	.iova = 0x200000123,
	.ctx = 5,
	.reason = XEN_PV_IOMMU_FAULT_UNMAPPED,
};

static const char *text_of(const struct xen_pv_iommu_fault *rec)
{
	static char text[XPI_FAULT_TEXT_MAX];
	struct xpi_fault f;

	xpi_fault_check(rec, &f);
	xpi_fault_text(&f, text, sizeof(text));
	return text;
}

static void check_text(const struct xen_pv_iommu_fault *rec, const char *want)
{
	const char *seen = text_of(rec);

	if (strcmp(seen, want))
		FAIL("'%s', not '%s'", seen, want);
}

TEST(fields)
{
	struct xen_pv_iommu_fault rec = plain;
	struct xpi_fault f;

	rec.lost = 3;
	rec.flags = XEN_PV_IOMMU_FAULT_F_WRITE;
	xpi_fault_check(&rec, &f);
	CHECK(f.pci && f.write && !f.disabled && !f.suppressed && !f.has_pasid);
	CHECK_EQ(f.id, 0x123401a8);
	CHECK_EQ(f.iova, 0x200000123);
	CHECK_EQ(f.ctx, 5);
	CHECK_EQ(f.reason, XEN_PV_IOMMU_FAULT_UNMAPPED);
	CHECK_EQ(f.lost, 3);
}

TEST(read_and_write)
{
	struct xen_pv_iommu_fault rec = plain;

	check_text(&rec, "DMA read from iova 0x200000123 refused in context 5: nothing is mapped there");
	rec.flags = XEN_PV_IOMMU_FAULT_F_WRITE;
	check_text(&rec, "DMA write to iova 0x200000123 refused in context 5: nothing is mapped there");
}

TEST(reasons)
{
	struct xen_pv_iommu_fault rec = plain;

	rec.reason = XEN_PV_IOMMU_FAULT_PERM;
	CHECK(strstr(text_of(&rec), ": it is not mapped for reading"));
	rec.flags = XEN_PV_IOMMU_FAULT_F_WRITE;
	CHECK(strstr(text_of(&rec), ": it is not mapped for writing"));
	rec.reason = XEN_PV_IOMMU_FAULT_RANGE;
	CHECK(strstr(text_of(&rec), ": it is beyond what the IOMMU translates"));
	rec.reason = XEN_PV_IOMMU_FAULT_OTHER;
	CHECK(strstr(text_of(&rec), ": Xen gives no reason"));
	rec.reason = XEN_PV_IOMMU_FAULT_RANGE + 1;
	CHECK(strstr(text_of(&rec), ": Xen gives no reason"));
	rec.reason = 0xffff;
	CHECK(strstr(text_of(&rec), ": Xen gives no reason"));
}

TEST(contexts)
{
	struct xen_pv_iommu_fault rec = plain;
	static const u32 none[] = {
		XEN_PV_IOMMU_CTX_LAST + 1, 0xfffd, XEN_PV_IOMMU_CTX_INVALID,
		0x10000, 0x10005, 0xffffffff,
	};
	unsigned int i;

	rec.ctx = XEN_PV_IOMMU_CTX_DEFAULT;
	CHECK(strstr(text_of(&rec), "in context 0 (Xen's own): "));
	rec.ctx = XEN_PV_IOMMU_CTX_BLOCKED;
	CHECK(strstr(text_of(&rec), "in context 65534 (blocked): "));
	rec.ctx = XEN_PV_IOMMU_CTX_LAST;
	CHECK(strstr(text_of(&rec), "in context 65519: "));
	for (i = 0; i < sizeof(none) / sizeof(*none); i++) {
		rec.ctx = none[i];
		CHECK(strstr(text_of(&rec), "in an unknown context: "));
	}
}

TEST(additions)
{
	struct xen_pv_iommu_fault rec = plain;

	rec.flags = XEN_PV_IOMMU_FAULT_F_DISABLED;
	CHECK(strstr(text_of(&rec), "there; Xen has turned its bus mastering off"));
	CHECK(!strstr(text_of(&rec), "too often"));
	rec.flags = XEN_PV_IOMMU_FAULT_F_SUPPRESSED;
	CHECK(strstr(text_of(&rec), "there; the device faults too often: Xen reports no more of its faults for a second"));
	CHECK(!strstr(text_of(&rec), "mastering"));
	rec.pasid = 0xfffff;
	CHECK(!strstr(text_of(&rec), "pasid"));
	rec.flags = XEN_PV_IOMMU_FAULT_F_PASID;
	CHECK(strstr(text_of(&rec), "there; pasid 1048575"));
	rec.pasid = 0x100000;
	CHECK(!strstr(text_of(&rec), "pasid"));
	CHECK(!strstr(text_of(&rec), "lost"));
	rec.lost = 4000000000U;
	CHECK(strstr(text_of(&rec), "there; 4000000000 faults before it were lost"));
}

/* Devices of a device tree have another type; the driver reports an unknown device. */
TEST(other_devices)
{
	struct xen_pv_iommu_fault rec = plain;
	struct xpi_fault f;

	rec.dev.type = XEN_PV_IOMMU_DEV_DT;
	xpi_fault_check(&rec, &f);
	CHECK(!f.pci);
	CHECK_EQ(f.type, XEN_PV_IOMMU_DEV_DT);
	rec.dev.type = 77;
	xpi_fault_check(&rec, &f);
	CHECK(!f.pci);
	CHECK_EQ(f.type, 77);
}

TEST(any_bytes)
{
	struct xen_pv_iommu_fault rec;
	unsigned char *bytes = (unsigned char *)&rec;
	unsigned int round, i;
	const char *text;

	for (round = 0; round < 100000; round++) {
		for (i = 0; i < sizeof(rec); i++)
			bytes[i] = rnd();
		text = text_of(&rec);
		CHECK(strlen(text) < XPI_FAULT_TEXT_MAX - 1);
		CHECK(!strncmp(text, "DMA ", 4) && strstr(text, " refused in "));
	}
}

TEST(short_buffers)
{
	struct xen_pv_iommu_fault rec = plain;
	char whole[XPI_FAULT_TEXT_MAX];
	struct xpi_fault f;
	size_t size;

	memset(&rec.flags, 0xff, sizeof(rec.flags));
	rec.lost = 7;
	xpi_fault_check(&rec, &f);
	xpi_fault_text(&f, whole, sizeof(whole));
	for (size = 1; size <= strlen(whole) + 1; size++) {
		char *buf = malloc(size);

		xpi_fault_text(&f, buf, size);
		CHECK_EQ(strlen(buf), size - 1);
		CHECK(!strncmp(buf, whole, size - 1));
		free(buf);
	}
}
