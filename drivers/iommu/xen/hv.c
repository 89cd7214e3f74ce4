// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls and frame numbers: the only file that talks to Xen.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page-flags.h>
#include <linux/types.h>

#ifdef CONFIG_X86
#include <asm/e820/api.h>
#endif
#include <asm/xen/hypercall.h>
#include <xen/interface/pv-iommu.h>
#include <xen/interface/xen.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "hv.h"
#include "runs.h"
#include "stats.h"
#include "trace.h"

static long iommu_op(unsigned int op, void *array, unsigned int count)
{
#ifdef CONFIG_X86
	return xen_single_call(__HYPERVISOR_iommu_op, op, (unsigned long)array,
			       count, 0, 0);
#else
	return privcmd_call(__HYPERVISOR_iommu_op, op, (unsigned long)array,
			    count, 0, 0);
#endif
}

/* The context of the first element, if there is one. */
static unsigned int ctx_of(unsigned int op, const void *array)
{
	const struct xen_pv_iommu_attach *a = array;
	const struct xen_pv_iommu_batch *d = array;

	switch (op) {
	case XEN_PV_IOMMU_OP_ATTACH:
		return a->ctx;
	case XEN_PV_IOMMU_OP_BATCH:
		return d->ctx;
	default:
		return XEN_PV_IOMMU_CTX_INVALID;
	}
}

static long xen_iommu_op(unsigned int op, void *array, unsigned int count)
{
	long ret;

	xpi_stats_call(op, array, count);
	ret = iommu_op(op, array, count);
	if (trace_hypercall_enabled())
		trace_hypercall(op, ctx_of(op, array), count, ret, false);
	return ret;
}

/* Results are valid if the multicall was made at all. */
static void xen_iommu_multi(unsigned int op, struct xpi_call *calls,
			    unsigned int nr)
{
	struct multicall_entry entry[XPI_MULTI_MAX] = {};
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		entry[i].op = __HYPERVISOR_iommu_op;
		entry[i].args[0] = op;
		entry[i].args[1] = (unsigned long)calls[i].array;
		entry[i].args[2] = calls[i].count;
	}

	xpi_stats_multi(op, calls, nr);
	ret = HYPERVISOR_multicall(entry, nr);
	for (i = 0; i < nr; i++) {
		calls[i].ret = ret ?: (long)entry[i].result;
		trace_hypercall(op, ctx_of(op, calls[i].array), calls[i].count,
				calls[i].ret, true);
	}
}

#ifdef CONFIG_XEN_PV
#define MARKS	(FOREIGN_FRAME_BIT | IDENTITY_FRAME_BIT)

static u32 marks_flags(unsigned long mfn)
{
	return mfn & FOREIGN_FRAME_BIT ? XEN_PV_IOMMU_F_FOREIGN
				       : XEN_PV_IOMMU_F_MMIO;
}

/*
 * The p2m has everything: holes and device memory are identity entries, granted and
 * foreign pages are marked. Consecutive entries with the same marks form a run.
 */
static noinline struct xpi_frame pv_frames(u64 pfn, u32 max, unsigned long mfn)
{
	u32 nr = 1;

	if (mfn == INVALID_P2M_ENTRY)
		return (struct xpi_frame){};

	while (nr < max && __pfn_to_mfn(pfn + nr) == mfn + nr)
		nr++;
	return (struct xpi_frame){
		.gfn = mfn & ~MARKS,
		.nr = nr,
		.flags = mfn & MARKS ? marks_flags(mfn) : 0,
	};
}

/* Only x86 has PV, and there pages have Xen's size. */
static struct xpi_frame pv_frame(u64 pfn, u32 max)
{
	unsigned long mfn = __pfn_to_mfn(pfn);

	/* A page of this domain: common case, once for each entry of a scatterlist. */
	if (max == 1 && !(mfn & MARKS))
		return (struct xpi_frame){ .gfn = mfn, .nr = 1 };
	return pv_frames(pfn, max, mfn);
}
#else
static struct xpi_frame pv_frame(u64 pfn, u32 max)
{
	return (struct xpi_frame){};
}
#endif

/*
 * Return true if a page is another domain's memory. File systems and the swap cache
 * use the same flag on their pages, and a debug kernel stops if it is read on a
 * compound page.
 */
static bool is_foreign(struct page *page)
{
	const struct folio *folio;

	if (PageCompound(page) || !PageForeign(page))
		return false;

	folio = page_folio(page);
	return !folio->mapping && !folio_test_swapcache(folio);
}

/*
 * A map request is in frames of 4 KiB, Xen's page size. If the kernel's pages are
 * larger, several frames are one page.
 */
static unsigned long page_nr(u64 pfn)
{
	return pfn >> (PAGE_SHIFT - XEN_PAGE_SHIFT);
}

/*
 * Return true if the firmware's map lists it as RAM. page_is_ram() takes the lock of
 * the resource tree, which is not safe in interrupts. This map is constant and needs
 * no lock.
 */
static bool is_firmware_ram(u64 pfn)
{
#ifdef CONFIG_X86
	u64 start = pfn << XEN_PAGE_SHIFT;

	return e820__mapped_any(start, start + XEN_PAGE_SIZE, E820_TYPE_RAM);
#else
	return pfn_is_map_memory(page_nr(pfn));
#endif
}

/*
 * A whole section of memory has struct pages, RAM or not. A page that the kernel
 * allocates is RAM; a reserved page is RAM if the firmware's map lists it.
 */
static bool is_ram(u64 pfn, struct page *page)
{
	if (is_zone_device_page(page))
		return false;
	return PageCompound(page) || !PageReserved(page) ||
	       is_firmware_ram(pfn);
}

/* Without PV a frame has one number, and its struct page tells its kind. */
static u16 translated_flags(u64 pfn)
{
	struct page *page;

	if (!pfn_valid(page_nr(pfn)))
		return XEN_PV_IOMMU_F_MMIO;

	/* The kernel may put foreign pages where there is no RAM. */
	page = pfn_to_page(page_nr(pfn));
	if (is_foreign(page))
		return XEN_PV_IOMMU_F_FOREIGN;
	return is_ram(pfn, page) ? 0 : XEN_PV_IOMMU_F_MMIO;
}

static noinline struct xpi_frame translated_frame(u64 pfn, u32 max)
{
	u16 flags = translated_flags(pfn);
	u32 nr = 1;

	while (nr < max && translated_flags(pfn + nr) == flags)
		nr++;
	return (struct xpi_frame){ .gfn = pfn, .nr = nr, .flags = flags };
}

/* Flags that Xen accepts in a map; written once, before the first map. */
static u32 frame_flags = XEN_PV_IOMMU_F_MMIO | XEN_PV_IOMMU_F_FOREIGN;

void xpi_frames_limit(u32 features)
{
	frame_flags = 0;
	if (features & XEN_PV_IOMMU_FEAT_MMIO)
		frame_flags |= XEN_PV_IOMMU_F_MMIO;
	if (features & XEN_PV_IOMMU_FEAT_FOREIGN)
		frame_flags |= XEN_PV_IOMMU_F_FOREIGN;
}

static struct xpi_frame xen_frame(u64 pfn, u32 max)
{
	struct xpi_frame frame = xen_pv_domain() ? pv_frame(pfn, max) :
				 translated_frame(pfn, max);

	frame.flags &= frame_flags;
	return frame;
}

/*
 * Mapping a page costs Xen about 480 instructions in a PV domain, so a whole page of
 * descriptors fits. It costs 2280 where Xen looks frames up in the p2m. An unmap is
 * cheaper.
 */
static unsigned int xen_max_maps(void)
{
	return xen_pv_domain() ? UINT_MAX : 64;
}

const struct xpi_hv xpi_xen_hv = {
	.iommu_op = xen_iommu_op,
	.iommu_multi = xen_iommu_multi,
	.frame = xen_frame,
	.max_maps = xen_max_maps,
};

int xpi_hv_one(const struct xpi_hv *hv, unsigned int op, void *arg)
{
	long ret = hv->iommu_op(op, arg, 1);

	if (ret == 1)
		return 0;
	return IS_ERR_VALUE(ret) ? ret : -EIO;
}
