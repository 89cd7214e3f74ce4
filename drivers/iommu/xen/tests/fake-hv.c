// SPDX-License-Identifier: GPL-2.0
/*
 * The hypervisor of the suites. It does what the interface says in the plainest
 * way: an entry a page, a count a frame, no tables. Frames are released when the
 * flush is done that followed the removal of their leaves, and not before.
 *
 * Calls come in any context, with locks of the driver held. The lock of the fake is
 * held across each.
 */
#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "fake-hv.h"

#define LEAF_2M		512U
#define IOVA_LAST	((1ULL << 39) - 1)
#define MAP_FLAGS	(XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W | \
			 XEN_PV_IOMMU_F_MMIO | XEN_PV_IOMMU_F_FOREIGN)

struct xpi_fake xpi_fake;

static void wrong(const char *what)
{
	if (!xpi_fake.wrong)
		xpi_fake.wrong = what;
}

/* A request that no good caller makes. */
static int malformed(const char *what)
{
	wrong(what);
	return -EINVAL;
}

/* Is it time for this fault? */
static int fault_now(struct xpi_fake_fault *f)
{
	if (!f->err || (f->fired && !f->always))
		return 0;
	if (f->in) {
		f->in--;
		return 0;
	}
	f->fired = true;
	return f->err;
}

/*
 * Frames
 */

/* Five is prime to the number of pieces, so no two stay next to each other. */
static u64 scattered_gfn(u64 pfn)
{
	static const u8 shifts[] = { 1, 0, 2, 3 };
	u32 shift = pfn < XPI_PFN_SINGLES ? shifts[pfn >> 12 & 3] : 0;
	u32 at = pfn % 0x1000, piece = at >> shift;

	return pfn - at + at % (1U << shift) + (piece * 5 << shift) % 0x1000;
}

static u16 frame_flags(u64 frame)
{
	static const u8 mixed[] = {
		0, XEN_PV_IOMMU_F_FOREIGN, XEN_PV_IOMMU_F_MMIO, 0,
	};

	if (frame >= XPI_PFN_FOREIGN && frame < XPI_PFN_MMIO)
		return XEN_PV_IOMMU_F_FOREIGN;
	if (frame >= XPI_PFN_MMIO && frame < XPI_PFN_TABLE)
		return XEN_PV_IOMMU_F_MMIO;
	if (frame >= XPI_PFN_MIXED && frame < XPI_PFN_SPARSE)
		return mixed[frame >> 2 & 3];
	return 0;
}

static bool has_frame(u64 pfn)
{
	if (pfn >= XPI_PFN_SPARSE && pfn < XPI_PFN_LINEAR)
		return pfn % 8 != 7;
	return pfn < XPI_PFN_END &&
	       (pfn < XPI_PFN_NONE || pfn >= XPI_PFN_MIXED);
}

static struct xpi_frame one_frame(u64 pfn)
{
	struct xpi_frame frame = { .gfn = pfn, .nr = 1 };

	if (!has_frame(pfn))
		return (struct xpi_frame){};
	frame.flags = frame_flags(pfn);
	if ((pfn >= XPI_PFN_SCATTERED && pfn < XPI_PFN_FOREIGN) ||
	    pfn >= XPI_PFN_SINGLES)
		frame.gfn = scattered_gfn(pfn);
	else if (pfn < XPI_PFN_SCATTERED || pfn >= XPI_PFN_LINEAR)
		frame.gfn += xpi_fake.linear;
	return frame;
}

struct xpi_frame xpi_fake_frame(u64 pfn, u32 max)
{
	struct xpi_frame frame = one_frame(pfn), next;

	if (!max)
		wrong("a translation of no pages");
	for (max = min(max, xpi_fake.look); frame.nr && frame.nr < max; frame.nr++) {
		next = one_frame(pfn + frame.nr);
		if (!next.nr || next.gfn != frame.gfn + frame.nr ||
		    next.flags != frame.flags)
			break;
	}
	return frame;
}

static int may_map(u64 gfn, u16 flags)
{
	if (gfn >= XPI_FAKE_GFNS ||
	    (gfn >= XPI_PFN_ALIEN && gfn < XPI_PFN_MIXED))
		return -EACCES;
	if (gfn >= XPI_PFN_TABLE && gfn < XPI_PFN_ALIEN)
		return flags & XEN_PV_IOMMU_F_W ? -ETXTBSY : 0;
	return frame_flags(gfn) & ~flags ? -EACCES : 0;
}

static void put_frames(struct xpi_fake_ctx *ctx)
{
	u32 i;

	for (i = 0; i < ctx->nr_held; i++) {
		u16 *refs = &xpi_fake.refs[ctx->held[i]];

		if (!*refs) {
			wrong("(fake) a reference is missing");
			continue;
		}
		--*refs;
		xpi_fake.nr_refs--;
	}
	ctx->nr_held = 0;
}

static void flush(struct xpi_fake_ctx *ctx)
{
	xpi_fake.flushes++;
	put_frames(ctx);
}

/*
 * Contexts
 */

struct xpi_fake_ctx *xpi_fake_ctx(u32 id)
{
	struct xpi_fake_ctx *ctx = &xpi_fake.ctx[id % XPI_FAKE_CTXS];

	return ctx->used && xpi_fake.id[id % XPI_FAKE_CTXS] == id ? ctx : NULL;
}

unsigned int xpi_fake_nr_ctx(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < XPI_FAKE_CTXS; i++)
		nr += xpi_fake.ctx[i].used;
	return nr;
}

static bool has_limits(void)
{
	return xpi_fake.features & XEN_PV_IOMMU_FEAT_LIMITS;
}

static int check_limits(const struct xen_pv_iommu_ctx *c)
{
	if (c->flags & ~XEN_PV_IOMMU_CTX_F_RESERVE || c->iova_last ||
	    c->pt_pages || c->nr_mapped)
		return malformed("limits with other fields that are not zero");
	if ((c->flags || c->pt_pages_max) && !has_limits())
		return malformed("limits for a Xen that has none");
	return 0;
}

/* May one more context be without the reserve? */
static bool plain_left(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < XPI_FAKE_CTXS; i++)
		nr += xpi_fake.ctx[i].used && !xpi_fake.ctx[i].reserve;
	return !has_limits() || nr + xpi_fake.ctx_reserve < xpi_fake.max_ctx;
}

static void set_limits(struct xpi_fake_ctx *ctx,
		       const struct xen_pv_iommu_ctx *c)
{
	u32 usable = xpi_fake.pt_pages_max;

	ctx->reserve = c->flags & XEN_PV_IOMMU_CTX_F_RESERVE;
	if (!ctx->reserve)
		usable -= xpi_fake.pt_pages_reserve;
	ctx->tables_asked = c->pt_pages_max;
	ctx->tables_max = usable;
	if (c->pt_pages_max)
		ctx->tables_max = min(c->pt_pages_max, usable);
	else if (!ctx->reserve && has_limits())
		ctx->tables_max = usable / 2;
}

struct xpi_fake_ctx *xpi_fake_add_ctx(u32 id)
{
	struct xpi_fake_ctx *ctx = &xpi_fake.ctx[id % XPI_FAKE_CTXS];
	const struct xen_pv_iommu_ctx no_limits = {};

	if (ctx->used)
		return NULL;
	/* A context that is not used has neither mappings nor frames. */
	memset(ctx, 0, offsetof(struct xpi_fake_ctx, held));
	ctx->used = true;
	set_limits(ctx, &no_limits);
	xpi_fake.id[id % XPI_FAKE_CTXS] = id;
	return ctx;
}

/* Cyclically, so that a stale number is no other context for a while. */
static int ctx_alloc(struct xen_pv_iommu_ctx *c)
{
	bool reserve = c->flags & XEN_PV_IOMMU_CTX_F_RESERVE;
	unsigned int tries;
	int err = check_limits(c);

	if (err)
		return err;
	if (c->ctx)
		return malformed("CTX_ALLOC with a number");
	if (xpi_fake_nr_ctx() >= xpi_fake.max_ctx || (!reserve && !plain_left()))
		return -ENOSPC;

	for (tries = 0; tries < XPI_FAKE_CTXS; tries++) {
		u32 id = xpi_fake.next_ctx++;
		struct xpi_fake_ctx *ctx = xpi_fake_add_ctx(id);

		if (!ctx)
			continue;
		set_limits(ctx, c);
		c->ctx = id;
		c->iova_last = IOVA_LAST;
		return 0;
	}
	return -ENOSPC;
}

static int ctx_set(struct xen_pv_iommu_ctx *c)
{
	struct xpi_fake_ctx *ctx = xpi_fake_ctx(c->ctx);
	bool reserve = c->flags & XEN_PV_IOMMU_CTX_F_RESERVE;
	int err = check_limits(c);

	if (err)
		return err;
	if (!has_limits())
		return malformed("CTX_SET to a Xen that has none");
	if (!ctx) {
		wrong("CTX_SET of a context that is not there");
		return -ENOENT;
	}
	if (ctx->reserve && !reserve && !plain_left())
		return -ENOSPC;
	set_limits(ctx, c);
	return 0;
}

static void drop_page(struct xpi_fake_ctx *ctx, u64 dfn)
{
	struct xpi_fake_pte *pte = &ctx->pte[dfn];

	if (!pte->flags)
		return;
	if (ctx->nr_held == ARRAY_SIZE(ctx->held))
		flush(ctx);
	ctx->held[ctx->nr_held++] = pte->gfn;
	ctx->nr_mapped--;
	pte->flags = 0;
}

static void ctx_drop(struct xpi_fake_ctx *ctx)
{
	u64 dfn;

	for (dfn = 0; dfn < xpi_fake.dfns; dfn++)
		drop_page(ctx, dfn);
	flush(ctx);
	ctx->used = false;
}

static int ctx_free(struct xen_pv_iommu_ctx *c)
{
	struct xpi_fake_ctx *ctx = xpi_fake_ctx(c->ctx);
	unsigned int i;

	if (!ctx) {
		wrong("CTX_FREE of a context that is not there");
		return -ENOENT;
	}
	for (i = 0; i < XPI_FAKE_DEVS; i++)
		if (xpi_fake.dev[i].ctx == c->ctx)
			return -EBUSY;
	ctx_drop(ctx);
	return 0;
}

/* One that still masters holds iovas that mean nothing in DEFAULT. */
static void leave_ctx(struct xpi_fake_dev *dev, bool to_default)
{
	if (dev->ctx == XEN_PV_IOMMU_CTX_DEFAULT)
		return;
	dev->ctx = to_default && !dev->masters ? XEN_PV_IOMMU_CTX_DEFAULT
					       : XEN_PV_IOMMU_CTX_BLOCKED;
}

/* Leaves of a table lie side by side; how many tables are in use? */
static u32 tables_of(const struct xpi_fake_ctx *ctx)
{
	u32 dfn, nr = 0;

	if (!ctx->used)
		return 0;
	for (dfn = 0; dfn < xpi_fake.dfns; dfn++) {
		if (!ctx->pte[dfn].flags || ctx->pte[dfn].order)
			continue;
		nr++;
		dfn |= LEAF_2M - 1;
	}
	return nr;
}

static u32 nr_tables(bool plain_only)
{
	u32 i, nr = 0;

	for (i = 0; i < XPI_FAKE_CTXS; i++)
		if (!plain_only || !xpi_fake.ctx[i].reserve)
			nr += tables_of(&xpi_fake.ctx[i]);
	return nr;
}

static bool table_left(const struct xpi_fake_ctx *ctx)
{
	u32 max = xpi_fake.pt_pages_max;

	if (nr_tables(false) >= max || tables_of(ctx) >= ctx->tables_max)
		return false;
	return ctx->reserve || nr_tables(true) < max - xpi_fake.pt_pages_reserve;
}

static int ctx_info(struct xen_pv_iommu_ctx *c)
{
	const struct xpi_fake_ctx *ctx = xpi_fake_ctx(c->ctx);

	if (c->flags)
		return malformed("CTX_INFO with flags");
	if (!ctx && c->ctx != XEN_PV_IOMMU_CTX_BLOCKED)
		return -ENOENT;
	c->iova_last = IOVA_LAST;
	c->pt_pages_max = xpi_fake.pt_pages_max;
	if (!ctx)
		return 0;
	c->flags = (ctx->broken ? XEN_PV_IOMMU_CTX_F_BROKEN : 0) |
		   (ctx->reserve ? XEN_PV_IOMMU_CTX_F_RESERVE : 0);
	c->pt_pages_max = ctx->tables_max;
	c->pt_pages = tables_of(ctx);
	c->nr_mapped = ctx->nr_mapped;
	return 0;
}

static int reset(struct xen_pv_iommu_ctx *c)
{
	unsigned int i;

	if (c->ctx || (c->flags != XEN_PV_IOMMU_CTX_F_TO_DEFAULT &&
		       c->flags != XEN_PV_IOMMU_CTX_F_TO_BLOCKED))
		return malformed("RESET without a place to go");

	for (i = 0; i < XPI_FAKE_DEVS; i++)
		leave_ctx(&xpi_fake.dev[i],
			  c->flags == XEN_PV_IOMMU_CTX_F_TO_DEFAULT);
	for (i = 0; i < XPI_FAKE_CTXS; i++)
		if (xpi_fake.ctx[i].used)
			ctx_drop(&xpi_fake.ctx[i]);
	return 0;
}

/*
 * Queries
 */

static int do_query(struct xen_pv_iommu_query *q)
{
	if (q->size < 16 || q->size > 4096 ||
	    (q->magic_version & XEN_PV_IOMMU_MAGIC_MASK) != XEN_PV_IOMMU_MAGIC)
		return malformed("QUERY with a bad handshake");

	*q = (struct xen_pv_iommu_query){
		.size = sizeof(*q),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
		.features = xpi_fake.features,
		.max_ctx = xpi_fake.max_ctx,
		.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
		.iova_last = IOVA_LAST,
		.max_count = xpi_fake.max_count,
		.max_nr = xpi_fake.max_nr,
		.nr_ctx = xpi_fake_nr_ctx(),
		.pt_pages_max = xpi_fake.pt_pages_max,
		.pt_pages = nr_tables(false),
		.fault_virq = xpi_fake.fault_virq,
		.pt_pages_reserve = xpi_fake.pt_pages_reserve,
		.ctx_reserve = xpi_fake.ctx_reserve,
	};
	return 0;
}

static struct xpi_fake_dev *find_dev(const struct xen_pv_iommu_dev *name)
{
	unsigned int i;

	if (name->type != XEN_PV_IOMMU_DEV_PCI || name->mbz) {
		wrong("a device with a bad name");
		return NULL;
	}
	for (i = 0; i < XPI_FAKE_DEVS; i++)
		if (xpi_fake.dev[i].sbdf == name->id)
			return &xpi_fake.dev[i];
	return NULL;
}

static int dev_query(struct xen_pv_iommu_dev_query *q)
{
	const struct xpi_fake_dev *dev = find_dev(&q->dev);

	if (!dev)
		return -ENODEV;
	q->flags = dev->flags;
	q->ctx = dev->ctx;
	q->group = dev->sbdf;
	q->nr_resv = dev->nr_resv;
	q->pgsize_bitmap = dev->pgsizes;
	q->iova_last = dev->iova_last;
	return 0;
}

static int dev_resv(struct xen_pv_iommu_dev_resv *r)
{
	const struct xpi_fake_dev *dev = find_dev(&r->dev);

	if (!dev)
		return -ENODEV;
	if (r->index >= dev->nr_resv || r->index >= XPI_FAKE_RESVS)
		return -ENOENT;
	r->start = dev->resv[r->index].start;
	r->last = dev->resv[r->index].last;
	r->type = dev->resv[r->index].type;
	return 0;
}

static bool is_reserved(const struct xpi_fake_dev *dev, u64 dfn, bool relaxed)
{
	u32 i, type;

	for (i = 0; i < dev->nr_resv; i++) {
		type = dev->resv[i].type;
		if ((type == XEN_PV_IOMMU_RESV_DIRECT ||
		     (type == XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE && !relaxed)) &&
		    dfn >= dev->resv[i].start / SZ_4K &&
		    dfn <= dev->resv[i].last / SZ_4K)
			return true;
	}
	return false;
}

static int attach(struct xen_pv_iommu_attach *a)
{
	struct xpi_fake_dev *dev = find_dev(&a->dev);
	bool own = a->ctx != XEN_PV_IOMMU_CTX_DEFAULT &&
		   a->ctx != XEN_PV_IOMMU_CTX_BLOCKED;
	struct xpi_fake_ctx *ctx = own ? xpi_fake_ctx(a->ctx) : NULL;
	bool relaxed = a->flags;
	u64 dfn;

	if (a->flags & ~XEN_PV_IOMMU_ATTACH_F_RELAX)
		return malformed("ATTACH with flags");
	if (relaxed && !(xpi_fake.features & XEN_PV_IOMMU_FEAT_RELAX))
		return malformed("ATTACH with F_RELAX, of which QUERY says nothing");
	if (relaxed && !own)
		wrong("ATTACH with F_RELAX to DEFAULT or BLOCKED");
	if (!dev)
		return -ENODEV;
	if (own && !ctx) {
		wrong("ATTACH to a context that is not there");
		return -ENOENT;
	}
	/* Where a 1:1 region must go there must be nothing else. */
	for (dfn = 0; ctx && dfn < xpi_fake.dfns; dfn++)
		if (ctx->pte[dfn].flags && is_reserved(dev, dfn, relaxed))
			return -EADDRINUSE;

	if (dev->ctx != a->ctx)
		dev->relaxed = relaxed;
	a->flags = 0;
	a->prev_ctx = dev->ctx;
	dev->ctx = a->ctx;
	return 0;
}

/*
 * Map and unmap
 */

static bool table_is_empty(const struct xpi_fake_ctx *ctx, u64 dfn)
{
	u64 first = ALIGN_DOWN(dfn, LEAF_2M), at;

	for (at = first; at < first + LEAF_2M; at++)
		if (ctx->pte[at].flags)
			return false;
	return true;
}

/*
 * All of the leaf or none. Like Xen, the fake looks at the frames first: the error
 * of a frame comes before -EEXIST.
 */
static int may_map_leaf(const struct xpi_fake_ctx *ctx, u64 dfn, u64 gfn,
			u32 size, u16 flags)
{
	u32 i;
	int err = fault_now(&xpi_fake.page_fault);

	if (err) {
		xpi_fake.page_fault.maps = true;
		return err;
	}
	for (i = 0; i < size && !err; i++)
		err = may_map(gfn + i, flags);
	if (err)
		return err;
	for (i = 0; i < size; i++) {
		if (ctx->pte[dfn + i].flags)
			return -EEXIST;
		if (is_reserved(&xpi_fake.dev[0], dfn + i,
				xpi_fake.dev[0].relaxed) ||
		    is_reserved(&xpi_fake.dev[1], dfn + i,
				xpi_fake.dev[1].relaxed))
			return -EADDRINUSE;
	}
	if (size == 1 && xpi_fake.pt_pages_max != U32_MAX &&
	    table_is_empty(ctx, dfn) && !table_left(ctx))
		return -ENOMEM;
	return 0;
}

static u32 leaf_size(const struct xen_pv_iommu_batch *d, u64 dfn, u64 gfn)
{
	return d->order >= 9 && IS_ALIGNED(dfn | gfn, LEAF_2M) &&
	       d->nr - d->done >= LEAF_2M ? LEAF_2M : 1;
}

static int leaf_hook(const struct xen_pv_iommu_batch *d, u32 size)
{
	return xpi_fake.leaf ? xpi_fake.leaf(d, size) : 0;
}

static int map_leaf(struct xpi_fake_ctx *ctx, struct xen_pv_iommu_batch *d)
{
	u64 dfn = d->dfn + d->done, gfn = d->gfn + d->done;
	u32 i, size = leaf_size(d, dfn, gfn);
	int err = leaf_hook(d, size) ?:
		  may_map_leaf(ctx, dfn, gfn, size, d->flags);

	if (err)
		return err;
	for (i = 0; i < size; i++) {
		ctx->pte[dfn + i] = (struct xpi_fake_pte){
			.gfn = gfn + i,
			.order = size == 1 ? 0 : 9,
			.flags = d->flags,
		};
		xpi_fake.refs[gfn + i]++;
	}
	xpi_fake.nr_refs += size;
	xpi_fake.pages += size;
	ctx->nr_mapped += size;
	d->done += size;
	return 0;
}

static u32 size_of_leaf(const struct xpi_fake_pte *pte)
{
	return pte->flags && pte->order ? LEAF_2M : 1;
}

static int unmap_leaf(struct xpi_fake_ctx *ctx, struct xen_pv_iommu_batch *d)
{
	u64 dfn = d->dfn + d->done;
	int err = leaf_hook(d, size_of_leaf(&ctx->pte[dfn]));
	u32 i, size;

	if (err)
		return err;
	/* The hook may have let another CPU in. */
	size = size_of_leaf(&ctx->pte[dfn]);
	if (!IS_ALIGNED(dfn, size) || d->nr - d->done < size) {
		wrong("UNMAP of a part of a leaf");
		return -ERANGE;
	}
	for (i = 0; i < size; i++)
		drop_page(ctx, dfn + i);
	d->done += size;
	return 0;
}

static int check_map(const struct xen_pv_iommu_batch *d)
{
	if (d->order != 0 && d->order != 9)
		return malformed("MAP with an order that there is not");
	if (d->flags & ~MAP_FLAGS ||
	    !(d->flags & (XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W)))
		return malformed("MAP with bad flags");
	if (d->flags & XEN_PV_IOMMU_F_MMIO &&
	    !(xpi_fake.features & XEN_PV_IOMMU_FEAT_MMIO))
		return -EOPNOTSUPP;
	if (d->flags & XEN_PV_IOMMU_F_FOREIGN &&
	    !(xpi_fake.features & XEN_PV_IOMMU_FEAT_FOREIGN))
		return -EOPNOTSUPP;
	return 0;
}

static int check_unmap(const struct xen_pv_iommu_batch *d)
{
	if (d->gfn || d->order || d->flags & ~XEN_PV_IOMMU_F_NOFLUSH)
		return malformed("UNMAP with fields that are not zero");
	if (d->flags & XEN_PV_IOMMU_F_NOFLUSH &&
	    !(xpi_fake.features & XEN_PV_IOMMU_FEAT_DEFER))
		return -EOPNOTSUPP;
	return 0;
}

static int check_desc(const struct xen_pv_iommu_batch *d)
{
	bool range = d->op == XEN_PV_IOMMU_BATCH_MAP ||
		     d->op == XEN_PV_IOMMU_BATCH_UNMAP;

	if (range && (!d->nr || d->nr > xpi_fake.max_nr || d->done > d->nr))
		return malformed("a descriptor of a bad length");
	if (range && (d->dfn >= xpi_fake.dfns ||
		      d->nr > xpi_fake.dfns - d->dfn))
		return malformed("a dfn that this fake cannot hold");

	switch (d->op) {
	case XEN_PV_IOMMU_BATCH_MAP:
		return check_map(d);
	case XEN_PV_IOMMU_BATCH_UNMAP:
		return check_unmap(d);
	case XEN_PV_IOMMU_BATCH_SYNC:
	case XEN_PV_IOMMU_BATCH_NOP:
		return d->nr ? malformed("SYNC or NOP with a range") : 0;
	default:
		return malformed("a descriptor of an unknown kind");
	}
}

static int do_desc(struct xen_pv_iommu_batch *d, bool *flush_due)
{
	struct xpi_fake_ctx *ctx = xpi_fake_ctx(d->ctx);
	int err = check_desc(d);

	if (err)
		return err;
	if (!ctx) {
		wrong("a descriptor for a context that is not there");
		return -ENOENT;
	}
	if (ctx->broken)
		return -EIO;

	xpi_fake.descs++;
	xpi_fake.maps += d->op == XEN_PV_IOMMU_BATCH_MAP;
	xpi_fake.unmaps += d->op == XEN_PV_IOMMU_BATCH_UNMAP;
	if (d->op == XEN_PV_IOMMU_BATCH_SYNC)
		*flush_due = true;
	if (d->op == XEN_PV_IOMMU_BATCH_UNMAP &&
	    !(d->flags & XEN_PV_IOMMU_F_NOFLUSH))
		*flush_due = true;
	while (!err && d->done < d->nr)
		err = d->op == XEN_PV_IOMMU_BATCH_MAP ? map_leaf(ctx, d)
						      : unmap_leaf(ctx, d);
	return err;
}

/* One flush for the whole array, and also for what came before an error. */
static long do_batch(struct xen_pv_iommu_batch *d, unsigned int count)
{
	struct xpi_fake_ctx *ctx = xpi_fake_ctx(d->ctx);
	bool flush_due = false;
	unsigned int i;
	int err = 0;

	for (i = 0; i < count && !err; i++) {
		if (d[i].ctx != d->ctx)
			wrong("an array for two contexts");
		err = do_desc(&d[i], &flush_due);
		d[i].status = min(err, 0);
	}
	if (flush_due && ctx)
		flush(ctx);
	if (!err)
		return count;
	return err == -EIO || (err < 0 && i == 1) ? err : (long)i - 1;
}

/*
 * Looking on
 */

static int lookup(struct xen_pv_iommu_lookup *l)
{
	const struct xpi_fake_ctx *ctx = xpi_fake_ctx(l->ctx);
	const struct xpi_fake_pte *pte;

	if (l->mbz || l->ctx == XEN_PV_IOMMU_CTX_DEFAULT)
		return malformed("LOOKUP of what cannot be looked at");
	if (!ctx || l->dfn >= xpi_fake.dfns || !ctx->pte[l->dfn].flags)
		return -ENOENT;

	pte = &ctx->pte[l->dfn];
	l->gfn = xpi_fake.features & XEN_PV_IOMMU_FEAT_LOOKUP_GFN &&
		 !(pte->flags & XEN_PV_IOMMU_F_FOREIGN) ?
		 pte->gfn : XEN_PV_IOMMU_GFN_UNKNOWN;
	l->order = pte->order;
	l->flags = pte->flags;
	return 0;
}

static int fault_read(struct xen_pv_iommu_fault *f)
{
	if (!(xpi_fake.features & XEN_PV_IOMMU_FEAT_FAULTS))
		return -EOPNOTSUPP;
	if (!xpi_fake.nr_faults)
		return -ENOENT;
	*f = xpi_fake.fault;
	xpi_fake.nr_faults--;
	return 0;
}

/*
 * Calls
 */

static long one_element(unsigned int op, void *array)
{
	int err;

	switch (op) {
	case XEN_PV_IOMMU_OP_QUERY:
		err = do_query(array);
		break;
	case XEN_PV_IOMMU_OP_DEV_QUERY:
		err = dev_query(array);
		break;
	case XEN_PV_IOMMU_OP_DEV_RESV:
		err = dev_resv(array);
		break;
	case XEN_PV_IOMMU_OP_CTX_ALLOC:
		err = ctx_alloc(array);
		break;
	case XEN_PV_IOMMU_OP_CTX_FREE:
		err = ctx_free(array);
		break;
	case XEN_PV_IOMMU_OP_CTX_INFO:
		err = ctx_info(array);
		break;
	case XEN_PV_IOMMU_OP_CTX_SET:
		err = ctx_set(array);
		break;
	case XEN_PV_IOMMU_OP_LOOKUP:
		err = lookup(array);
		break;
	case XEN_PV_IOMMU_OP_FAULT_READ:
		err = fault_read(array);
		break;
	case XEN_PV_IOMMU_OP_ATTACH:
		err = attach(array);
		((struct xen_pv_iommu_attach *)array)->status = err;
		break;
	case XEN_PV_IOMMU_OP_RESET:
		err = reset(array);
		break;
	default:
		wrong("an operation that the driver does not use");
		err = -EOPNOTSUPP;
	}
	return err ?: 1;
}

/* The call is refused before its array is looked at. */
static int call_fault(unsigned int op, const void *array, unsigned int count)
{
	const struct xen_pv_iommu_batch *d = array;
	struct xpi_fake_fault *f = &xpi_fake.call_fault;
	int err = f->ops & BIT(op) ? fault_now(f) : 0;
	unsigned int i;

	for (i = 0; err && op == XEN_PV_IOMMU_OP_BATCH && i < count; i++) {
		f->maps |= d[i].op == XEN_PV_IOMMU_BATCH_MAP;
		f->unmaps |= d[i].op == XEN_PV_IOMMU_BATCH_UNMAP;
	}
	return err;
}

static long fake_op_locked(unsigned int op, void *array, unsigned int count)
{
	int err;

	if (op >= ARRAY_SIZE(xpi_fake.calls))
		return malformed("an operation that there is not");
	xpi_fake.calls[op]++;
	if (!count || count > xpi_fake.max_count ||
	    (op != XEN_PV_IOMMU_OP_BATCH && count != 1))
		return malformed("an array of a bad length");
	if (op == XEN_PV_IOMMU_OP_BATCH &&
	    !IS_ALIGNED((unsigned long)array, sizeof(struct xen_pv_iommu_batch)))
		wrong("descriptors that may lie in two pages");

	err = call_fault(op, array, count);
	if (err)
		return err;
	return op == XEN_PV_IOMMU_OP_BATCH ? do_batch(array, count)
					   : one_element(op, array);
}

long xpi_fake_call(unsigned int op, void *array, unsigned int count)
{
	unsigned long irqflags = xpi_fake_lock();
	long ret = fake_op_locked(op, array, count);

	xpi_fake_unlock(irqflags);
	return ret;
}

static long fake_op(unsigned int op, void *array, unsigned int count)
{
	return xpi_fake.call ? xpi_fake.call(op, array, count)
			     : xpi_fake_call(op, array, count);
}

static void fake_multi(unsigned int op, struct xpi_call *calls, unsigned int nr)
{
	unsigned long irqflags = xpi_fake_lock();
	unsigned int i;

	if (nr < 2 || nr > XPI_MULTI_MAX)
		wrong("a multicall of a bad length");
	xpi_fake.multis++;
	xpi_fake_unlock(irqflags);
	for (i = 0; i < nr; i++)
		calls[i].ret = fake_op(op, calls[i].array, calls[i].count);
}

static unsigned int fake_max_maps(void)
{
	return xpi_fake.max_maps;
}

const struct xpi_hv xpi_fake_hv = {
	.iommu_op = fake_op,
	.iommu_multi = fake_multi,
	.frame = xpi_fake_frame,
	.max_maps = fake_max_maps,
};

/*
 * For the tests
 */

static void add_dev(unsigned int i, u32 sbdf)
{
	xpi_fake.dev[i] = (struct xpi_fake_dev){
		.sbdf = sbdf,
		.flags = XEN_PV_IOMMU_DEV_F_CAN_CTX |
			 XEN_PV_IOMMU_DEV_F_PROTECTED,
		.ctx = XEN_PV_IOMMU_CTX_DEFAULT,
		.pgsizes = SZ_4K | SZ_2M,
		.iova_last = IOVA_LAST,
	};
}

void xpi_fake_clear_counts(void)
{
	memset(xpi_fake.calls, 0, sizeof(xpi_fake.calls));
	xpi_fake.multis = 0;
	xpi_fake.descs = 0;
	xpi_fake.maps = 0;
	xpi_fake.unmaps = 0;
	xpi_fake.flushes = 0;
	xpi_fake.pages = 0;
}

/* Leaves nothing behind, and touches only what was used. */
static void drop_all(void)
{
	unsigned int i;

	for (i = 0; i < XPI_FAKE_CTXS; i++)
		if (xpi_fake.ctx[i].used)
			ctx_drop(&xpi_fake.ctx[i]);
	if (xpi_fake.nr_refs)
		memset(xpi_fake.refs, 0, sizeof(xpi_fake.refs));
}

void xpi_fake_reset(void)
{
	u32 next = max(xpi_fake.next_ctx, XEN_PV_IOMMU_CTX_FIRST);

	drop_all();
	memset(&xpi_fake, 0, offsetof(struct xpi_fake, id));
	xpi_fake.next_ctx = next % 0x1000 ?: XEN_PV_IOMMU_CTX_FIRST;
	xpi_fake.features = XEN_PV_IOMMU_FEAT_BLOCKED |
			    XEN_PV_IOMMU_FEAT_DEFER | XEN_PV_IOMMU_FEAT_MMIO |
			    XEN_PV_IOMMU_FEAT_FOREIGN |
			    XEN_PV_IOMMU_FEAT_RELAX | XEN_PV_IOMMU_FEAT_LIMITS;
	xpi_fake.max_ctx = XPI_FAKE_CTXS;
	xpi_fake.max_count = 1024;
	xpi_fake.max_maps = U32_MAX;
	xpi_fake.max_nr = 4096;
	xpi_fake.pt_pages_max = U32_MAX;
	xpi_fake.dfns = XPI_FAKE_DFNS;
	xpi_fake.look = 1;
	add_dev(0, 0x100);
	add_dev(1, 0x208);
}
