/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A back end and frames for the generic half of contexts, on machine.h. They record
 * all calls and can be made to fail. Each program that is linked with XEN_GENERIC
 * of tests/host/xen.mk includes this once.
 *
 * After every call, and before every continuation, references must equal the leaves
 * that hold them, no lock is held and no table stays mapped.
 */
#ifndef XEN_FAKE_BACKEND_H
#define XEN_FAKE_BACKEND_H

#include "machine.h"

#include <xen/interface/pv-iommu.h>

#include "ctx.h"

#define F_R XEN_PV_IOMMU_F_R
#define F_W XEN_PV_IOMMU_F_W
#define RW (F_R | F_W)
#define MMIO_GFN 0x80000UL
#define BLOCKED XEN_PV_IOMMU_CTX_BLOCKED
#define INVALID XEN_PV_IOMMU_CTX_INVALID
#define NR_DEVS 4

static struct {
	struct pci_dev dev[NR_DEVS];
	int frame_rc[RAM_PAGES];	/* result of getting a frame */
	unsigned long refs, type_refs;	/* currently held */
	unsigned long kept;		/* by leaves of a broken context */
	bool count_kept;		/* let the checks count them */
	unsigned long kept_refs, kept_type_refs;	/* kept until now */
	unsigned long parked;		/* by leaves that wait for a SYNC */
	bool count_parked;		/* as many as the contexts report */
	bool flush_on_map;
	bool flush_failed;		/* at any time */
	bool half_made;			/* other CPUs could see a table without BLOCKED */
	int enter_rc;
	int arch_rc;
	bool in_use;			/* the hardware still uses a context */
	bool conf_busy;			/* a CPU was stopped in an access */
	int suppress_rc;
	unsigned int nr_suppress;	/* number of changes */
	unsigned int outside;		/* faults left to Xen's own rule */
	struct iommu_ctx_dev dev_info;	/* the answer for each device */
} t;

/*
 * The back end
 */
static void be_caps(struct iommu_ctx_caps *caps)
{
	*caps = (struct iommu_ctx_caps){
		.fmt = &iommu_pt_fmt_vtd,
		.levels = 4,
		.pin_level = 3,
		.pgsize_bitmap = PAGE_SIZE_4K | PAGE_SIZE_2M,
		.iova_last = (1ULL << 39) - 1,
		.msi_dfn = 0xfee00,
		.msi_nr = 0x100,
		.flush_on_map = t.flush_on_map,
	};
}

static int be_init(struct iommu_ctx *ctx, bool everywhere)
{
	CHECK_EQ(everywhere, ctx->id == BLOCKED);
	if (everywhere && dom0.iommu.ctxs)
		t.half_made = true;
	ctx->unit = fake_alloc(sizeof(*ctx->unit));
	if (!ctx->unit)
		return -ENOMEM;
	hw_init(ctx);
	return 0;
}

static void be_fini(struct iommu_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < NR_DEVS; i++)
		CHECK(t.dev[i].hw != ctx);
	CHECK(!ctx->unit || !ctx->unit->nr_members);
	hw_fini(ctx);
	XFREE(ctx->unit);
}

static bool be_in_use(struct iommu_ctx *ctx)
{
	check_no_spinlock();
	CHECK(pcidevs_locked());
	CHECK(list_empty(&ctx->members) && !ctx->dying);
	return t.in_use;
}

static int be_enter(struct iommu_ctx *ctx, struct pci_dev *pdev)
{
	(void)pdev;
	CHECK(pcidevs_locked());
	if (ctx->id != BLOCKED && t.enter_rc)
		return t.enter_rc;
	ctx->unit->nr_members++;
	return 0;
}

static void be_leave(struct iommu_ctx *ctx, struct pci_dev *pdev)
{
	CHECK(pcidevs_locked());
	CHECK(pdev->hw != ctx || pdev->domain != &dom0);
	CHECK(ctx->unit->nr_members);
	ctx->unit->nr_members--;
}

static int be_switch(struct domain *d, struct pci_dev *pdev,
		     const struct iommu_ctx *to)
{
	const struct iommu_ctx *from = iommu_ctx_of(d, pdev);

	CHECK(pcidevs_locked());
	check_no_spinlock();
	CHECK(d == pdev->domain);
	CHECK(pdev->hw == from);
	CHECK(!pdev->hw_suppressed);
	if (flush_fails()) {
		note('s');
		return -EIO;
	}
	note('S');
	pdev->hw = (struct iommu_ctx *)to;
	if (from)
		hw_flush(hw_of(from), 0, ~0ULL);
	return 0;
}

static int be_flush(struct iommu_ctx *ctx, uint64_t first, uint64_t end)
{
	check_no_spinlock();
	machine.flushes++;
	if (flush_fails()) {
		note('f');
		return -EIO;
	}
	note('F');
	if (machine.in_flush)
		machine.in_flush();
	hw_flush(hw_of(ctx), first, end ?: ~0ULL);
	return 0;
}

static void be_dev_query(const struct pci_dev *pdev, struct iommu_ctx_dev *dev)
{
	*dev = t.dev_info;
	if (pdev->broken)
		dev->no_ctx = XEN_PV_IOMMU_NO_CTX_QUIRK;
}

static int be_dev_resv(const struct pci_dev *pdev, unsigned int index,
		       struct iommu_ctx_resv *resv)
{
	if (index == 0) {
		*resv = (struct iommu_ctx_resv){
			0xfee00000, 0xfeefffff, XEN_PV_IOMMU_RESV_MSI_HW,
		};
		return 0;
	}
	if (index > pdev->nr_direct)
		return -ENOENT;
	resv->type = pdev->relaxable ? XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE :
				       XEN_PV_IOMMU_RESV_DIRECT;
	if (pdev->many) {
		resv->start = index * 2 * PAGE_SIZE;
		resv->last = resv->start + PAGE_SIZE - 1;
		return 0;
	}
	resv->start = pdev->direct[index - 1][0];
	resv->last = pdev->direct[index - 1][1];
	return 0;
}

/* As in the real back end: a failed change stays, since some units have seen it. */
static int be_suppress(struct pci_dev *pdev, bool suppress)
{
	CHECK(pcidevs_locked());
	check_no_spinlock();
	/* The context code must leave the entries of a device that is away alone. */
	CHECK(pdev->domain == &dom0 && pdev->ctx && pdev->hw == pdev->ctx);
	if (pdev->hw_suppressed == suppress)
		return 0;
	pdev->hw_suppressed = suppress;
	t.nr_suppress++;
	return t.suppress_rc;
}

static bool be_has_id(const struct pci_dev *pdev, pci_sbdf_t id)
{
	CHECK(pcidevs_locked());
	return id.sbdf == pdev->sbdf.sbdf || id.sbdf == pdev->shared_id;
}

static const struct iommu_ops be_ops = {
	.ctx_caps = be_caps,
	.ctx_init = be_init,
	.ctx_fini = be_fini,
	.ctx_in_use = be_in_use,
	.ctx_enter = be_enter,
	.ctx_leave = be_leave,
	.ctx_switch = be_switch,
	.ctx_flush = be_flush,
	.ctx_dev_query = be_dev_query,
	.ctx_dev_resv = be_dev_resv,
	.ctx_suppress = be_suppress,
	.ctx_has_id = be_has_id,
};

struct pci_dev *pci_get_pdev(const struct domain *d, pci_sbdf_t sbdf)
{
	unsigned int i;

	CHECK(pcidevs_locked());
	for (i = 0; i < NR_DEVS; i++)
		if (t.dev[i].sbdf.sbdf == sbdf.sbdf &&
		    (!d || d == t.dev[i].domain))
			return &t.dev[i];
	return NULL;
}

bool pci_conf_is_idle(void)
{
	return !t.conf_busy;
}

uint16_t pci_conf_read16(pci_sbdf_t sbdf, unsigned int reg)
{
	CHECK(!t.conf_busy);
	CHECK_EQ(reg, PCI_COMMAND);
	return pci_get_pdev(NULL, sbdf)->command;
}

void pci_conf_write16(pci_sbdf_t sbdf, unsigned int reg, uint16_t value)
{
	CHECK(!t.conf_busy);
	CHECK_EQ(reg, PCI_COMMAND);
	pci_get_pdev(NULL, sbdf)->command = value;
}

/* Xen's rule without the time: the tenth fault disables a device. */
void pci_check_disable_device(u16 seg, u8 bus, u8 devfn)
{
	struct pci_dev *pdev;

	pcidevs_lock();
	pdev = pci_get_pdev(NULL, PCI_SBDF(seg, bus, devfn));
	t.outside++;
	if (pdev && ++pdev->nr_outside >= 10)
		pdev->command &= ~PCI_COMMAND_MASTER;
	pcidevs_unlock();
}

int pci_iterate_devices(int (*handler)(struct pci_dev *pdev, void *arg),
			void *arg)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < NR_DEVS; i++)
		rc = handler(&t.dev[i], arg) ?: rc;
	return rc;
}

/*
 * Frames. RAM is below RAM_MFN + RAM_PAGES; frames above MMIO_GFN have no
 * references.
 */
int iommu_ctx_arch_permitted(const struct domain *d)
{
	(void)d;
	return t.arch_rc;
}

static int frame_get_one(struct domain *d, uint64_t gfn, unsigned int flags,
			 iommu_leaf_t *leaf)
{
	struct page_info *pg;

	check_no_spinlock();
	CHECK(d == &dom0);
	*leaf = gfn << PAGE_SHIFT | (flags & F_R ? IOMMU_LEAF_R : 0) |
		(flags & F_W ? IOMMU_LEAF_W : 0);
	if (gfn >= MMIO_GFN)
		return 0;
	if (!mfn_valid(_mfn(gfn)))
		return -EACCES;
	if (t.frame_rc[gfn - RAM_MFN])
		return t.frame_rc[gfn - RAM_MFN];
	note('G');
	pg = mfn_to_page(_mfn(gfn));
	pg->refs++;
	t.refs++;
	*leaf |= IOMMU_LEAF_REF;
	if (flags & F_W) {
		pg->type_refs++;
		t.type_refs++;
		*leaf |= IOMMU_LEAF_TYPE;
	}
	return 0;
}

unsigned int iommu_ctx_frames_get(struct domain *d, uint64_t gfn,
				  unsigned int nr, unsigned int flags,
				  iommu_leaf_t *leaf, int *rc)
{
	unsigned int i;

	*rc = 0;
	for (i = 0; i < nr; i++) {
		*rc = frame_get_one(d, gfn + i, flags, &leaf[i]);
		if (*rc)
			break;
	}
	return i;
}

static void frame_put_one(uint64_t mfn, bool type)
{
	struct page_info *pg = mfn_to_page(_mfn(mfn));

	CHECK(pg->refs > 0 && pg->type_refs >= type);
	/* While another leaf holds the frame, that leaf may be the one in reach. */
	if (--pg->refs == 0 && machine.reach[mfn - RAM_MFN])
		FAIL("frame %#" PRIx64 " is given up in reach of devices", mfn);
	pg->type_refs -= type;
	t.refs--;
	t.type_refs -= type;
}

void iommu_ctx_frame_put(iommu_leaf_t leaf)
{
	uint64_t i, mfn = leaf >> PAGE_SHIFT;

	check_no_spinlock();
	if (!(leaf & IOMMU_LEAF_REF))
		return;
	note('P');
	for (i = 0; i < 1ULL << iommu_leaf_order(leaf); i++)
		frame_put_one(mfn + i, leaf & IOMMU_LEAF_TYPE);
}

uint64_t iommu_ctx_frame_to_gfn(const struct domain *d, iommu_leaf_t leaf)
{
	(void)d;
	return leaf >> PAGE_SHIFT;
}

/* Pages without an owner count as dom0's. */
bool iommu_ctx_frame_is_foreign(const struct domain *d, iommu_leaf_t leaf)
{
	struct page_info *pg = mfn_to_page(_mfn(leaf >> PAGE_SHIFT));

	return (leaf & IOMMU_LEAF_REF) && pg->owner && pg->owner != d;
}

/*
 * Calls, and the checks after each
 */
static unsigned long leaves_holding(uint64_t maddr, unsigned int level,
				    uint64_t bit)
{
	const uint64_t *e = (const uint64_t *)
		machine.mem[heap_index(maddr_to_page(maddr))];
	unsigned long n = 0;
	unsigned int i;

	for (i = 0; i < 512; i++) {
		if (!(e[i] & 3))
			continue;
		if (level > 1 && !(e[i] & 0x80))
			n += leaves_holding(e[i] & 0x000ffffffffff000ULL,
					    level - 1, bit);
		else if ((e[i] & bit) == bit)
			n += 1UL << (9 * (level - 1));
	}
	return n;
}

static unsigned long held_by_leaves(uint64_t bit)
{
	unsigned long n = 0;
	unsigned int i;

	for (i = 0; i < HW_CTXS; i++)
		if (machine.hw[i].ctx && machine.hw[i].ctx->pt.root)
			n += leaves_holding(machine.hw[i].ctx->pt.root, 4, bit);
	return n;
}

/* Count the references of parked leaves. */
static unsigned long held_by_parked(uint64_t bits)
{
	const struct iommu_ctx *ctx;
	unsigned long n = 0;
	unsigned int i, k;

	for (i = 0; i < HW_CTXS; i++) {
		ctx = machine.hw[i].ctx;
		for (k = 0; ctx && k < ctx->parked.nr; k++)
			if ((ctx->parked.leaf[k] & bits) == bits)
				n += 1UL << iommu_leaf_order(ctx->parked.leaf[k]);
	}
	return n;
}

static void check_refs(unsigned long refs, uint64_t pte_bits,
		       uint64_t leaf_bits, unsigned long *kept)
{
	unsigned long used = held_by_leaves(pte_bits) +
			     held_by_parked(leaf_bits);

	if (!t.count_kept) {
		CHECK_EQ(refs, used + t.kept);
		return;
	}
	/* Xen keeps references only after a failed flush, and then for ever. */
	CHECK(refs >= used + *kept);
	CHECK(refs == used + *kept || machine.flush_failed);
	*kept = refs - used;
}

/*
 * Xen counts every table page, for its context and for plain or reserve. Pages that
 * a context left after a failed flush are an exception.
 */
static void check_quota(const struct iommu_ctx_tbl *tbl)
{
	unsigned int i, pages = 0, plain = 0, nr = 0, nr_plain = 0;

	for (i = 0; i < HW_CTXS; i++) {
		const struct iommu_ctx *ctx = machine.hw[i].ctx;

		if (!ctx)
			continue;
		pages += ctx->pt_pages;
		plain += ctx->reserve ? 0 : ctx->pt_pages;
		nr += ctx->id != BLOCKED;
		nr_plain += !ctx->reserve;
	}
	CHECK_EQ(tbl->pt_pages, machine.heap_nr);
	CHECK_EQ(tbl->nr, nr);
	CHECK_EQ(tbl->nr_plain, nr_plain);
	CHECK(tbl->pt_pages_plain >= plain && tbl->pt_pages >= pages);
	if (!t.flush_failed) {
		CHECK_EQ(tbl->pt_pages_plain, plain);
		CHECK_EQ(tbl->pt_pages, pages);
	}
}

static void check_rest(void)
{
	unsigned int i;

	CHECK(!machine.held.pci && !machine.mapped);
	check_no_lock();
	check_refs(t.refs, iommu_pt_fmt_vtd.sw_ref, IOMMU_LEAF_REF,
		   &t.kept_refs);
	/* A leaf with only the type bit is Xen's own and holds no reference. */
	check_refs(t.type_refs, iommu_pt_fmt_vtd.sw_ref | iommu_pt_fmt_vtd.sw_type,
		   IOMMU_LEAF_REF | IOMMU_LEAF_TYPE, &t.kept_type_refs);
	t.flush_failed |= machine.flush_failed;
	machine.flush_failed = false;
	/* At the end of a call the test knows the number. */
	if (!machine.cont.made && !t.count_parked)
		CHECK_EQ(held_by_parked(IOMMU_LEAF_REF), t.parked);
	if (dom0.iommu.ctxs)
		check_quota(dom0.iommu.ctxs);
	/*
	 * Xen's records and the hardware agree about every device that is present,
	 * and each suppression will end.
	 */
	for (i = 0; i < NR_DEVS; i++) {
		if (t.dev[i].domain == &dom0)
			CHECK(t.dev[i].ctx == t.dev[i].hw);
		if (t.dev[i].hw_suppressed)
			CHECK(t.dev[i].ctx_fault.until && machine.timer->expires);
	}
}

static unsigned int continuations, max_continuations;

static long call_cmd(unsigned int cmd, void *arg, unsigned long count)
{
	long rc;

	continuations = 0;
	do {
		machine.cont.made = false;
		rc = do_iommu_op(cmd, (void_handle){ arg }, count, 0, 0);
		check_rest();
		if (!machine.cont.made)
			continue;
		CHECK(++continuations < max_continuations);
		CHECK(machine.cont.arg.p == arg && machine.cont.count == count);
		CHECK(!machine.cont.arg2 && !machine.cont.arg3);
		cmd = machine.cont.cmd;
	} while (machine.cont.made);
	return rc;
}

static long call(enum xen_pv_iommu_op op, void *arg, unsigned long count)
{
	return call_cmd(op, arg, count);
}

/* Return the number of the new context, or the error. */
static long ctx_alloc_as(uint32_t flags, uint32_t pt_pages_max)
{
	struct xen_pv_iommu_ctx c = {
		.flags = flags, .pt_pages_max = pt_pages_max,
	};
	long rc = call(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1);

	if (rc == 1)
		CHECK(c.ctx >= 1 && c.ctx <= XEN_PV_IOMMU_CTX_LAST);
	return rc == 1 ? (long)c.ctx : rc;
}

static long ctx_alloc(void)
{
	return ctx_alloc_as(0, 0);
}

/* Allocate a context that may use the reserve, and so the whole quota. */
static HARNESS_UNUSED long ctx_alloc_reserve(void)
{
	return ctx_alloc_as(XEN_PV_IOMMU_CTX_F_RESERVE, 0);
}

static long ctx_free(unsigned int id)
{
	struct xen_pv_iommu_ctx c = { .ctx = id };

	return call(XEN_PV_IOMMU_OP_CTX_FREE, &c, 1);
}

static struct xen_pv_iommu_ctx ctx_info(unsigned int id)
{
	struct xen_pv_iommu_ctx c = { .ctx = id };

	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_INFO, &c, 1), 1);
	return c;
}

/* Return the context in which the IOMMU has a device; 0 is the default table. */
static unsigned int hw_id(unsigned int dev)
{
	return t.dev[dev].hw ? t.dev[dev].hw->id : 0;
}

static struct xen_pv_iommu_attach last_attach;

static long attach_as(unsigned int dev, unsigned int id, uint32_t flags)
{
	last_attach = (struct xen_pv_iommu_attach){
		.dev = { .id = t.dev[dev].sbdf.sbdf }, .ctx = id,
		.flags = flags,
	};
	return call(XEN_PV_IOMMU_OP_ATTACH, &last_attach, 1);
}

static long attach(unsigned int dev, unsigned int id)
{
	return attach_as(dev, id, 0);
}

static long reset(bool to_default)
{
	struct xen_pv_iommu_ctx c = {
		.flags = to_default ? XEN_PV_IOMMU_CTX_F_TO_DEFAULT :
				      XEN_PV_IOMMU_CTX_F_TO_BLOCKED,
	};

	return call(XEN_PV_IOMMU_OP_RESET, &c, 1);
}

static struct xen_pv_iommu_batch map_desc(unsigned int ctx, uint64_t dfn,
					  uint64_t gfn, uint32_t nr)
{
	return (struct xen_pv_iommu_batch){
		.dfn = dfn, .gfn = gfn, .nr = nr, .ctx = ctx, .flags = RW,
		.op = XEN_PV_IOMMU_BATCH_MAP,
	};
}

static struct xen_pv_iommu_batch unmap_desc(unsigned int ctx, uint64_t dfn,
					    uint32_t nr)
{
	return (struct xen_pv_iommu_batch){
		.dfn = dfn, .nr = nr, .ctx = ctx,
		.op = XEN_PV_IOMMU_BATCH_UNMAP,
	};
}

/*
 * One descriptor. Calls return the status of a failing one, whatever the hypercall
 * returned.
 */
static struct xen_pv_iommu_batch last;

static long batch1(struct xen_pv_iommu_batch e)
{
	long rc;

	last = e;
	rc = call(XEN_PV_IOMMU_OP_BATCH, &last, 1);
	if (rc != 1)
		CHECK_EQ(rc, last.status);
	return rc;
}

static long map(unsigned int ctx, uint64_t dfn, uint64_t gfn, uint32_t nr)
{
	return batch1(map_desc(ctx, dfn, gfn, nr));
}

static long map_2m(unsigned int ctx, uint64_t dfn, uint64_t gfn, uint32_t nr)
{
	struct xen_pv_iommu_batch e = map_desc(ctx, dfn, gfn, nr);

	e.order = 9;
	return batch1(e);
}

static long unmap(unsigned int ctx, uint64_t dfn, uint32_t nr)
{
	return batch1(unmap_desc(ctx, dfn, nr));
}

/* Return the frame at dfn, or the error. */
static long look(unsigned int ctx, uint64_t dfn)
{
	struct xen_pv_iommu_lookup l = { .dfn = dfn, .ctx = ctx };
	long rc = call(XEN_PV_IOMMU_OP_LOOKUP, &l, 1);

	return rc == 1 ? (long)l.gfn : rc;
}

static struct xen_pv_iommu_query query(void)
{
	struct xen_pv_iommu_query q = {
		.size = sizeof(q),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
	};

	CHECK_EQ(call(XEN_PV_IOMMU_OP_QUERY, &q, 1), 1);
	return q;
}

/* Assign a device to another domain, and return it, as Xen's PCI code does. */
static void give_away(unsigned int dev)
{
	t.dev[dev].domain = dom_io;
	t.dev[dev].hw = NULL;
	t.dev[dev].hw_suppressed = false;
}

static void come_back(unsigned int dev)
{
	t.dev[dev].domain = &dom0;
	t.dev[dev].hw = t.dev[dev].ctx;
}

int fake_suppress_init(void);

/* Clear the remains of a failed test; suppress.c has its own list. */
static void forget_suppressed(void)
{
	unsigned int i;

	pcidevs_lock();
	for (i = 0; i < NR_DEVS; i++) {
		t.dev[i].ctx = NULL;
		iommu_ctx_fault_resume(&t.dev[i]);
	}
	pcidevs_unlock();
	CHECK_EQ(fake_suppress_init(), 0);
}

/* Start a machine with NR_DEVS devices of dom0 and the domain's table. */
static void start_as(bool flush_on_map, bool translated)
{
	unsigned int i;

	machine_start();
	forget_suppressed();
	memset(&t, 0, sizeof(t));
	dom0.pv = !translated;
	dom0.translated = translated;
	dom0.hardware = true;
	t.flush_on_map = flush_on_map;
	max_continuations = 100000;
	dom0.iommu.platform_ops = &be_ops;
	for (i = 0; i < NR_DEVS; i++) {
		t.dev[i].sbdf.sbdf = 0x100 + i;
		t.dev[i].domain = &dom0;
	}
	query();
	trace_start();
}

static HARNESS_UNUSED void start_on(bool flush_on_map)
{
	start_as(flush_on_map, false);
}

static HARNESS_UNUSED void start(void)
{
	start_on(false);
}

/* Start a translated domain (PVH), which may defer flushes. */
static HARNESS_UNUSED void start_translated(void)
{
	start_as(false, true);
}

/* Start with a context; return its number. */
static HARNESS_UNUSED long start_ctx(void)
{
	start();
	return ctx_alloc();
}

static HARNESS_UNUSED long start_ctx_translated(void)
{
	start_translated();
	return ctx_alloc();
}

/* The same with the first device in it. */
static HARNESS_UNUSED long start_attached(void)
{
	long ctx = start_ctx();

	CHECK_EQ(attach(0, ctx), 1);
	return ctx;
}

static HARNESS_UNUSED long start_attached_translated(void)
{
	long ctx = start_ctx_translated();

	CHECK_EQ(attach(0, ctx), 1);
	return ctx;
}

/* Add a region that the device needs mapped 1:1. */
static HARNESS_UNUSED void give_region(unsigned int dev, uint64_t dfn,
				       uint64_t nr)
{
	uint64_t *r = t.dev[dev].direct[t.dev[dev].nr_direct++];

	r[0] = dfn << PAGE_SHIFT;
	r[1] = ((dfn + nr) << PAGE_SHIFT) - 1;
}

/* Parse a word of dom0-iommu=. */
static HARNESS_UNUSED int param(const char *s)
{
	return iommu_ctx_parse_param(s, strchr(s, '\0'));
}

/* The domain dies; Xen frees its table as far as possible. */
static void table_free(void)
{
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK(!dom0.iommu.ctxs);
	check_rest();
	CHECK_EQ(machine.objects, 0);
	CHECK_EQ(machine.heap_nr, 0);
	machine_start();
}

/* Check that everything was freed but the table and BLOCKED. */
static void end(void)
{
	unsigned int i;

	machine.fail_alloc = machine.fail_flush = -1;
	machine.nr_fail_flush = 0;
	machine.preempt_every = 0;
	machine.bad = NULL;
	for (i = 0; i < NR_DEVS; i++) {
		t.dev[i].domain = &dom0;
		t.dev[i].command = 0;
	}
	CHECK_EQ(reset(true), 1);
	CHECK_EQ(query().nr_ctx, 0);
	CHECK_EQ(t.refs, t.kept);
	/* The pages of BLOCKED. */
	CHECK_EQ(machine.heap_nr, 2);
	CHECK_EQ(query().pt_pages, 2);
	table_free();
}

#endif /* XEN_FAKE_BACKEND_H */
