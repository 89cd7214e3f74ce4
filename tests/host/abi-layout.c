/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixed layout of the hypercall interface. abi.sh compiles this file for every
 * target; nothing of it runs. It is C89 that is C++ too. A line here changes only
 * with a new version of the interface.
 */
#include <stddef.h>
#include <stdint.h>

#include <xen/interface/pv-iommu.h>
/* Included twice to test its include guard. */
#include <xen/interface/pv-iommu.h>

#define GLUE_(a, b) a##b
#define GLUE(a, b) GLUE_(a, b)
#define ASSERT(cond) \
	extern char GLUE(assert_line_, __LINE__)[(cond) ? 1 : -1]

#define SIZE(s, size) ASSERT(sizeof(struct xen_pv_iommu_##s) == (size))
#define FIELD(s, f, offset, size) \
	ASSERT(offsetof(struct xen_pv_iommu_##s, f) == (offset) && \
	       sizeof(((struct xen_pv_iommu_##s *)0)->f) == (size))
#define VALUE(name, value) ASSERT(XEN_PV_IOMMU_##name == (value))

SIZE(dev, 16);
FIELD(dev, type, 0, 4);
FIELD(dev, id, 4, 4);
FIELD(dev, mbz, 8, 8);

SIZE(query, 72);
FIELD(query, size, 0, 4);
FIELD(query, magic_version, 4, 4);
FIELD(query, features, 8, 4);
FIELD(query, max_ctx, 12, 4);
FIELD(query, pgsize_bitmap, 16, 8);
FIELD(query, iova_last, 24, 8);
FIELD(query, max_count, 32, 4);
FIELD(query, max_nr, 36, 4);
FIELD(query, nr_ctx, 40, 4);
FIELD(query, pt_pages_max, 44, 4);
FIELD(query, pt_pages, 48, 4);
FIELD(query, fault_virq, 52, 4);
FIELD(query, mbz, 56, 8);
FIELD(query, pt_pages_reserve, 64, 4);
FIELD(query, ctx_reserve, 68, 4);

SIZE(dev_query, 64);
FIELD(dev_query, dev, 0, 16);
FIELD(dev_query, flags, 16, 4);
FIELD(dev_query, ctx, 20, 4);
FIELD(dev_query, group, 24, 4);
FIELD(dev_query, nr_resv, 28, 4);
FIELD(dev_query, pgsize_bitmap, 32, 8);
FIELD(dev_query, iova_last, 40, 8);
FIELD(dev_query, pasid_bits, 48, 4);
FIELD(dev_query, iommu_id, 52, 4);
FIELD(dev_query, mbz, 56, 8);

SIZE(dev_resv, 48);
FIELD(dev_resv, dev, 0, 16);
FIELD(dev_resv, start, 16, 8);
FIELD(dev_resv, last, 24, 8);
FIELD(dev_resv, index, 32, 4);
FIELD(dev_resv, type, 36, 4);
FIELD(dev_resv, mbz, 40, 8);

SIZE(ctx, 32);
FIELD(ctx, ctx, 0, 4);
FIELD(ctx, flags, 4, 4);
FIELD(ctx, iova_last, 8, 8);
FIELD(ctx, pt_pages_max, 16, 4);
FIELD(ctx, pt_pages, 20, 4);
FIELD(ctx, nr_mapped, 24, 8);

SIZE(attach, 32);
FIELD(attach, dev, 0, 16);
FIELD(attach, ctx, 16, 4);
FIELD(attach, flags, 20, 4);
FIELD(attach, prev_ctx, 24, 4);
FIELD(attach, status, 28, 4);

SIZE(batch, 32);
FIELD(batch, dfn, 0, 8);
FIELD(batch, gfn, 8, 8);
FIELD(batch, nr, 16, 4);
FIELD(batch, done, 20, 4);
FIELD(batch, ctx, 24, 2);
FIELD(batch, op, 26, 1);
FIELD(batch, order, 27, 1);
FIELD(batch, flags, 28, 2);
FIELD(batch, status, 30, 2);

SIZE(lookup, 32);
FIELD(lookup, dfn, 0, 8);
FIELD(lookup, gfn, 8, 8);
FIELD(lookup, ctx, 16, 4);
FIELD(lookup, flags, 20, 2);
FIELD(lookup, order, 22, 2);
FIELD(lookup, mbz, 24, 8);

SIZE(fault, 48);
FIELD(fault, dev, 0, 16);
FIELD(fault, iova, 16, 8);
FIELD(fault, ctx, 24, 4);
FIELD(fault, pasid, 28, 4);
FIELD(fault, reason, 32, 2);
FIELD(fault, flags, 34, 2);
FIELD(fault, lost, 36, 4);
FIELD(fault, time, 40, 8);

ASSERT(__HYPERVISOR_iommu_op == 47);
VALUE(MAGIC, 0x58504900U);
VALUE(MAGIC_MASK, 0xffffff00U);
VALUE(VERSION, 1U);
VALUE(CMD_OP_MASK, 0xffU);
VALUE(CMD_RESUME_SHIFT, 8);
VALUE(COUNT_LIMIT, 0x1000000U);
VALUE(CTX_DEFAULT, 0U);
VALUE(CTX_FIRST, 1U);
VALUE(CTX_LAST, 0xffefU);
VALUE(CTX_BLOCKED, 0xfffeU);
VALUE(CTX_INVALID, 0xffffU);
VALUE(GFN_UNKNOWN, ~(uint64_t)0);
VALUE(OP_QUERY, 0);
VALUE(OP_DEV_QUERY, 1);
VALUE(OP_DEV_RESV, 2);
VALUE(OP_CTX_ALLOC, 3);
VALUE(OP_CTX_FREE, 4);
VALUE(OP_CTX_INFO, 5);
VALUE(OP_ATTACH, 6);
VALUE(OP_BATCH, 7);
VALUE(OP_LOOKUP, 8);
VALUE(OP_FAULT_READ, 9);
VALUE(OP_RESET, 10);
VALUE(OP_CTX_NEXT, 11);
VALUE(OP_LOOKUP_NEXT, 12);
VALUE(OP_CTX_SET, 13);
VALUE(OP_BATCH1, 16);
VALUE(OP_BUF_REGISTER, 17);
VALUE(OP_BUF_UNREGISTER, 18);
VALUE(OP_BATCH_LIST, 19);
VALUE(OP_POOL, 32);
VALUE(OP_REMOTE, 33);
VALUE(OP_NESTED_ALLOC, 34);
VALUE(OP_NESTED_INVALIDATE, 35);
VALUE(OP_PASID_ATTACH, 36);
VALUE(OP_PASID_DETACH, 37);
VALUE(OP_NESTED_QUERY, 38);
VALUE(OP_FAULT_RESPOND, 39);
VALUE(OP_DIRTY_SET, 40);
VALUE(OP_DIRTY_READ, 41);
VALUE(DEV_PCI, 0);
VALUE(DEV_DT, 1);
VALUE(DEV_PCI_MACHINE, 2);
VALUE(DEV_ACPI, 3);
VALUE(FEAT_DEFER, 0x1);
VALUE(FEAT_MMIO, 0x2);
VALUE(FEAT_FOREIGN, 0x4);
VALUE(FEAT_BLOCKED, 0x8);
VALUE(FEAT_FAULTS, 0x10);
VALUE(FEAT_LOOKUP_GFN, 0x20);
VALUE(FEAT_SNOOP_FORCED, 0x40);
VALUE(FEAT_ATS_OK, 0x80);
VALUE(FEAT_NESTED, 0x100);
VALUE(FEAT_DOMU, 0x200);
VALUE(FEAT_MSI_ISOLATED, 0x400);
VALUE(FEAT_LIMITS, 0x800);
VALUE(FEAT_NEXT, 0x1000);
VALUE(FEAT_RELAX, 0x2000);
VALUE(DEV_F_CAN_CTX, 0x1);
VALUE(DEV_F_PROTECTED, 0x2);
VALUE(DEV_F_ATS, 0x4);
VALUE(DEV_F_HAS_DIRECT, 0x8);
VALUE(DEV_F_ALIASED, 0x10);
VALUE(DEV_F_COHERENT_WALK, 0x20);
VALUE(DEV_F_MSI_ISOLATED, 0x40);
VALUE(DEV_F_ABSENT, 0x80);
VALUE(DEV_F_NO_CTX_SHIFT, 24);
VALUE(NO_CTX_NONE, 0);
VALUE(NO_CTX_BRIDGE, 1);
VALUE(NO_CTX_NO_IOMMU, 2);
VALUE(NO_CTX_IS_IOMMU, 3);
VALUE(NO_CTX_QUIRK, 4);
VALUE(NO_CTX_ATS, 5);
VALUE(NO_CTX_SHARED_ID, 6);
VALUE(RESV_RESERVED, 0);
VALUE(RESV_DIRECT, 1);
VALUE(RESV_MSI_HW, 2);
VALUE(RESV_MSI_DOORBELL, 3);
VALUE(RESV_DIRECT_RELAXABLE, 4);
VALUE(CTX_F_BROKEN, 0x1);
VALUE(CTX_F_NESTED, 0x2);
VALUE(CTX_F_RESERVE, 0x4);
VALUE(CTX_F_TO_DEFAULT, 0x100);
VALUE(CTX_F_TO_BLOCKED, 0x200);
VALUE(ATTACH_F_ABSENT, 0x1);
VALUE(ATTACH_F_RELAX, 0x2);
VALUE(BATCH_NOP, 0);
VALUE(BATCH_MAP, 1);
VALUE(BATCH_UNMAP, 2);
VALUE(BATCH_SYNC, 3);
VALUE(F_R, 0x1);
VALUE(F_W, 0x2);
VALUE(F_MMIO, 0x4);
VALUE(F_FOREIGN, 0x8);
VALUE(F_NOFLUSH, 0x10);
VALUE(F_NOEXEC, 0x20);
VALUE(F_PRIV, 0x40);
VALUE(F_GRANT, 0x80);
VALUE(FAULT_F_WRITE, 0x1);
VALUE(FAULT_F_DISABLED, 0x2);
VALUE(FAULT_F_PASID, 0x4);
VALUE(FAULT_F_SUPPRESSED, 0x8);
VALUE(FAULT_OTHER, 0);
VALUE(FAULT_UNMAPPED, 1);
VALUE(FAULT_PERM, 2);
VALUE(FAULT_RANGE, 3);
