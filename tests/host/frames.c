// SPDX-License-Identifier: GPL-2.0
/*
 * Tests which frames a domain may map and which references a leaf holds: the real
 * xen/overlay/xen/drivers/passthrough/x86/ctx-frames.c. After every refusal all
 * references are as before.
 */
#include "xen-fake/machine.h"

#define R XEN_PV_IOMMU_F_R
#define W XEN_PV_IOMMU_F_W
#define MMIO XEN_PV_IOMMU_F_MMIO

/* One frame of each kind. */
enum {
	OWN = RAM_MFN,			/* 512 frames, for a large leaf */
	OWN_L1 = OWN + 512,		/* a page table of the domain */
	OWN_SPECIAL,			/* shared_info and similar pages */
	OTHERS,				/* owned by another domain */
	XENS,				/* no owner: Xen's own, or free */
	IOS,				/* RAM of dom_io: counts as a device */
	BAR = 0x80000,			/* not RAM */
	BAR_RO,				/* not RAM, writes are refused */
	FORBIDDEN,			/* no permission */
	LOW = 0x90,			/* I/O below 1 MiB, next to Xen's own */
	TRAMPOLINE,
	TRAMPOLINE_LAST = TRAMPOLINE + 3,
	MSI = 0xfee00,
};

static struct domain domu;
static bool gfn_held;
static p2m_type_t gfn_type;
static unsigned long gfn_mfn;		/* first frame of the p2m entry */
static unsigned int gfn_order, gfn_lookups;
static gfn_t m2p;

/* A range with a hole. */
struct rangeset {
	unsigned long first, last, hole, hole_last;
};

static struct rangeset read_only = {
	.first = BAR_RO, .last = BAR_RO, .hole = ~0UL,
};
static struct rangeset not_xens;
struct rangeset *mmio_ro_ranges = &read_only;
static int boot_rc;			/* result of finding Xen's frames */
int fake_find_xens_frames(void);

static struct page_info *page(unsigned long mfn)
{
	return mfn_to_page(_mfn(mfn));
}

/*
 * Xen's functions
 */
struct domain *page_get_owner_and_reference(struct page_info *pg)
{
	CHECK(pg >= machine.ram && pg < machine.ram + RAM_PAGES);
	if (pg->owner)
		pg->refs++;
	return pg->owner;
}

/* The policy's answer for frames of other domains, and the domains it was called with. */
static int xsm_rc;
static unsigned int xsm_asked, dirtied;
static bool xsm_write;

int xsm_iommu_map(int action, struct domain *d, struct domain *owner,
		  bool write)
{
	CHECK_EQ(action, XSM_TARGET);
	CHECK(d == &dom0 && owner == &domu);
	xsm_asked++;
	xsm_write = write;
	return xsm_rc;
}

void paging_mark_dirty(struct domain *d, mfn_t mfn)
{
	CHECK(d->log_dirty && mfn_to_page(mfn)->owner == d);
	CHECK(mfn_to_page(mfn)->refs > 0);
	dirtied++;
}

void put_page(struct page_info *pg)
{
	CHECK(pg->refs > 0);
	pg->refs--;
}

bool get_page_type(struct page_info *pg, unsigned long type)
{
	CHECK_EQ(type, PGT_writable_page);
	CHECK(pg->refs > 0);
	if (pg->table_type)
		return false;
	pg->type_refs++;
	return true;
}

void put_page_and_type(struct page_info *pg)
{
	CHECK(pg->type_refs > 0);
	pg->type_refs--;
	put_page(pg);
}

bool is_special_page(const struct page_info *pg)
{
	return pg->special;
}

/* As for dom0: almost everything, RAM included. */
bool iomem_access_permitted(const struct domain *d, unsigned long first,
			    unsigned long last)
{
	(void)d;
	return first == last && first != FORBIDDEN;
}

struct rangeset *rangeset_new(struct domain *d, char *name, unsigned int flags)
{
	CHECK(!d && !name && !flags);
	return boot_rc == -ENOMEM ? NULL : &not_xens;
}

void rangeset_destroy(struct rangeset *r)
{
	CHECK(!r || r == &not_xens);
}

int rangeset_add_range(struct rangeset *r, unsigned long s, unsigned long e)
{
	CHECK(s <= e);
	*r = (struct rangeset){ .first = s, .last = e, .hole = ~0UL };
	return 0;
}

int remove_xen_ranges(struct rangeset *r)
{
	r->hole = TRAMPOLINE;
	r->hole_last = TRAMPOLINE_LAST;
	return boot_rc;
}

bool rangeset_contains_singleton(const struct rangeset *r, unsigned long n)
{
	return r->first <= n && n <= r->last &&
	       !(r->hole <= n && n <= r->hole_last);
}

unsigned int p2m_get_iommu_flags(p2m_type_t t, p2m_access_t a, mfn_t mfn)
{
	(void)a;
	(void)mfn;
	switch (t) {
	case p2m_ram_rw:
	case p2m_grant_map_rw:
	case p2m_map_foreign:
		return IOMMUF_readable | IOMMUF_writable;
	case p2m_ram_ro:
	case p2m_grant_map_ro:
		return IOMMUF_readable;
	case p2m_mmio_direct:
		return IOMMUF_readable |
		       (mfn_x(mfn) == BAR_RO ? 0 : IOMMUF_writable);
	default:
		return 0;
	}
}

mfn_t get_gfn_type_access(struct domain *d, unsigned long gfn, p2m_type_t *t,
			  p2m_access_t *a, unsigned int q, unsigned int *order)
{
	(void)d;
	(void)q;
	CHECK(!gfn_held);
	gfn_held = true;
	gfn_lookups++;
	*order = gfn_order;
	*t = gfn_type;
	*a = 0;
	return _mfn(gfn_mfn + (gfn & ((1UL << gfn_order) - 1)));
}

void put_gfn(struct domain *d, unsigned long gfn)
{
	(void)d;
	(void)gfn;
	CHECK(gfn_held);
	gfn_held = false;
}

gfn_t mfn_to_gfn(const struct domain *d, mfn_t mfn)
{
	(void)d;
	(void)mfn;
	return m2p;
}

static void start(void)
{
	unsigned int i;

	machine_start();
	dom0.pv = dom0.iommu_enabled = true;
	dom0.translated = dom0.paging = false;
	for (i = 0; i < 512; i++)
		page(OWN + i)->owner = &dom0;
	page(OWN_L1)->owner = &dom0;
	page(OWN_L1)->table_type = true;
	page(OWN_SPECIAL)->owner = &dom0;
	page(OWN_SPECIAL)->special = true;
	page(OTHERS)->owner = &domu;
	page(IOS)->owner = dom_io;
	gfn_held = false;
	domu = (struct domain){ .domain_id = 1, .pv = true };
	dom0.log_dirty = false;
	xsm_rc = 0;
	xsm_asked = dirtied = 0;
	boot_rc = 0;
	CHECK_EQ(fake_find_xens_frames(), 0);
}

static void start_pvh(p2m_type_t type, unsigned long mfn)
{
	start();
	dom0.pv = false;
	dom0.translated = dom0.paging = true;
	gfn_type = type;
	gfn_mfn = mfn;
	gfn_order = gfn_lookups = 0;
}

static long held(void)
{
	long n = 0;
	unsigned int i;

	for (i = 0; i < RAM_PAGES; i++)
		n += machine.ram[i].refs * 10000L + machine.ram[i].type_refs;
	return n;
}

/* Get a frame and return the result; check that a refusal takes no reference. */
static int get(unsigned long gfn, unsigned int flags, iommu_leaf_t *leaf)
{
	long before = held();
	int rc;
	unsigned int got = iommu_ctx_frames_get(&dom0, gfn, 1, flags, leaf, &rc);

	CHECK_EQ(got, !rc);
	CHECK(!gfn_held);
	if (rc)
		CHECK_EQ(held(), before);
	return rc;
}

static int refusal(unsigned long gfn, unsigned int flags)
{
	iommu_leaf_t leaf;

	return get(gfn, flags, &leaf);
}

/* Return the leaf of an accepted frame, after its references are dropped. */
static iommu_leaf_t accepted(unsigned long gfn, unsigned int flags)
{
	long before = held();
	iommu_leaf_t leaf;

	CHECK_EQ(get(gfn, flags, &leaf), 0);
	iommu_ctx_frame_put(leaf);
	CHECK_EQ(held(), before);
	return leaf;
}

TEST(own_ram)
{
	iommu_leaf_t leaf;

	start();
	CHECK_EQ(get(OWN, R, &leaf), 0);
	CHECK_EQ(leaf, (uint64_t)OWN << 12 | IOMMU_LEAF_R | IOMMU_LEAF_REF);
	CHECK_EQ(page(OWN)->refs, 1);
	CHECK_EQ(page(OWN)->type_refs, 0);
	iommu_ctx_frame_put(leaf);
	CHECK_EQ(held(), 0);
	CHECK_EQ(accepted(OWN, R | W),
		 (uint64_t)OWN << 12 | IOMMU_LEAF_R | IOMMU_LEAF_W |
		 IOMMU_LEAF_REF | IOMMU_LEAF_TYPE);
	CHECK_EQ(accepted(OWN, W), (uint64_t)OWN << 12 | IOMMU_LEAF_W |
		 IOMMU_LEAF_REF | IOMMU_LEAF_TYPE);
}

/* XSA-288, XSA-291: a page that a device can write must not become a page table. */
TEST(writable_holds_type)
{
	iommu_leaf_t leaf;

	start();
	CHECK_EQ(get(OWN, R | W, &leaf), 0);
	CHECK_EQ(page(OWN)->refs, 1);
	CHECK_EQ(page(OWN)->type_refs, 1);
	CHECK(leaf & IOMMU_LEAF_TYPE);
	iommu_ctx_frame_put(leaf);
	CHECK_EQ(held(), 0);
}

/* XSA-288, the opposite case: a device must not write a page table. */
TEST(page_table)
{
	start();
	CHECK_EQ(refusal(OWN_L1, R | W), -ETXTBSY);
	CHECK_EQ(refusal(OWN_L1, W), -ETXTBSY);
	CHECK(accepted(OWN_L1, R) & IOMMU_LEAF_REF);
}

TEST(large_leaf_gives_all_back)
{
	iommu_leaf_t leaf, first = 0;
	unsigned int i;

	start();
	for (i = 0; i < 512; i++) {
		CHECK_EQ(get(OWN + i, R | W, &leaf), 0);
		first = i ? first : leaf;
	}
	iommu_ctx_frame_put(first | 1 << IOMMU_LEAF_ORDER_SHIFT);
	CHECK_EQ(held(), 0);
}

/*
 * XSA-378, XSA-384: a domain may map its own frames only.
 */
TEST(not_its_own)
{
	unsigned int flags;

	start();
	for (flags = R; flags <= (R | W); flags++) {
		CHECK_EQ(refusal(OTHERS, flags), -EACCES);
		CHECK_EQ(refusal(XENS, flags), -EACCES);
		CHECK_EQ(refusal(IOS, flags), -EACCES);
		CHECK_EQ(refusal(OWN_SPECIAL, flags), -EACCES);
		CHECK_EQ(refusal(BAR, flags), -EACCES);
		CHECK_EQ(refusal(1UL << 34, flags), -EACCES);
		CHECK_EQ(refusal(~0UL, flags), -EACCES);
	}
}

/* Ruling 1: the MMIO flag has no effect on a frame that is RAM. */
TEST(mmio_flag_on_ram)
{
	unsigned int flags;

	start();
	for (flags = R; flags <= (R | W); flags++) {
		CHECK_EQ(refusal(OWN, flags | MMIO), -EINVAL);
		CHECK_EQ(refusal(OWN_L1, flags | MMIO), -EINVAL);
		CHECK_EQ(refusal(OWN_SPECIAL, flags | MMIO), -EINVAL);
		CHECK_EQ(refusal(OTHERS, flags | MMIO), -EINVAL);
		CHECK_EQ(refusal(XENS, flags | MMIO), -EINVAL);
	}
}

TEST(mmio)
{
	start();
	CHECK_EQ(accepted(BAR, R | W | MMIO),
		 (uint64_t)BAR << 12 | IOMMU_LEAF_R | IOMMU_LEAF_W);
	CHECK_EQ(accepted(IOS, R | W | MMIO) & 15, IOMMU_LEAF_R | IOMMU_LEAF_W);
	CHECK_EQ(refusal(FORBIDDEN, R | MMIO), -EACCES);
	CHECK_EQ(accepted(BAR_RO, R | MMIO) & 15, IOMMU_LEAF_R);
	CHECK_EQ(refusal(BAR_RO, R | W | MMIO), -EACCES);
	CHECK_EQ(refusal(BAR_RO, W | MMIO), -EACCES);
	CHECK_EQ(refusal(MSI, R | W | MMIO), -EACCES);
	CHECK_EQ(refusal(MSI + 0xff, R | MMIO), -EACCES);
	CHECK(accepted(MSI + 0x100, R | MMIO));
	CHECK_EQ(refusal(1UL << 34, R | MMIO), -EACCES);
}

/* X5: dom_io owns the frames that CPUs execute at start too, like all below 1 MiB. */
TEST(mmio_low_meg)
{
	unsigned long mfn;

	start();
	for (mfn = TRAMPOLINE; mfn <= TRAMPOLINE_LAST; mfn++) {
		CHECK_EQ(refusal(mfn, R | W | MMIO), -EACCES);
		CHECK_EQ(refusal(mfn, W | MMIO), -EACCES);
		CHECK_EQ(accepted(mfn, R | MMIO) & 15, IOMMU_LEAF_R);
	}
	accepted(LOW, R | W | MMIO);
	accepted(TRAMPOLINE_LAST + 1, R | W | MMIO);
	/* Through a p2m it is the same frame. */
	start_pvh(p2m_mmio_direct, TRAMPOLINE);
	CHECK_EQ(refusal(7, R | W | MMIO), -EACCES);
	accepted(7, R | MMIO);
}

/* Without the list of these frames Xen provides no contexts. */
TEST(low_meg_not_known)
{
	static const int rcs[] = { -ENOMEM, -EINVAL };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rcs); i++) {
		start();
		boot_rc = rcs[i];
		CHECK_EQ(fake_find_xens_frames(), rcs[i]);
		CHECK_EQ(fake_printks, 1);
		CHECK_EQ(iommu_ctx_arch_permitted(&dom0), -EOPNOTSUPP);
	}
}

/* Frames have no type references if the guest does not own its page tables. */
TEST(pvh_ram)
{
	iommu_leaf_t leaf;

	start_pvh(p2m_ram_rw, OWN);
	CHECK_EQ(get(7, R | W, &leaf), 0);
	CHECK_EQ(leaf, (uint64_t)OWN << 12 | IOMMU_LEAF_R | IOMMU_LEAF_W |
		 IOMMU_LEAF_REF);
	CHECK_EQ(page(OWN)->type_refs, 0);
	iommu_ctx_frame_put(leaf);
	CHECK_EQ(held(), 0);
	CHECK_EQ(refusal(7, R | MMIO), -EINVAL);
	start_pvh(p2m_ram_ro, OWN);
	CHECK_EQ(refusal(7, R | W), -EACCES);
	CHECK(accepted(7, R) & IOMMU_LEAF_REF);
	start_pvh(p2m_ram_rw, OTHERS);
	CHECK_EQ(refusal(7, R), -EACCES);
}

/* One lookup in the p2m serves all frames of an entry, and no other frame. */
TEST(pvh_frames_of_one_entry)
{
	iommu_leaf_t leaf[8];
	unsigned int i;
	int rc;

	start_pvh(p2m_ram_rw, OWN);
	gfn_order = 2;
	CHECK_EQ(iommu_ctx_frames_get(&dom0, 5, 8, R, leaf, &rc), 8);
	CHECK_EQ(rc, 0);
	CHECK_EQ(gfn_lookups, 3);	/* 5 to 7, 8 to 11, 12 */
	for (i = 0; i < 8; i++) {
		CHECK_EQ(leaf[i] >> 12, OWN + (5 + i) % 4);
		iommu_ctx_frame_put(leaf[i]);
	}
	CHECK_EQ(held(), 0);

	/* The third frame belongs to another domain. */
	page(OWN + 3)->owner = &domu;
	CHECK_EQ(iommu_ctx_frames_get(&dom0, 5, 8, R, leaf, &rc), 2);
	CHECK_EQ(rc, -EACCES);
	CHECK(!gfn_held);
	CHECK_EQ(page(OWN + 1)->refs, 1);
	CHECK_EQ(page(OWN + 2)->refs, 1);
	CHECK_EQ(page(OWN + 3)->refs, 0);
	iommu_ctx_frame_put(leaf[0]);
	iommu_ctx_frame_put(leaf[1]);
}

TEST(pvh_mmio)
{
	start_pvh(p2m_mmio_direct, BAR);
	CHECK_EQ(accepted(7, R | W | MMIO),
		 (uint64_t)BAR << 12 | IOMMU_LEAF_R | IOMMU_LEAF_W);
	CHECK_EQ(refusal(7, R), -EACCES);
	start_pvh(p2m_mmio_direct, BAR_RO);
	CHECK_EQ(refusal(7, R | W | MMIO), -EACCES);
	start_pvh(p2m_mmio_direct, OWN_L1);
	CHECK_EQ(refusal(7, R | MMIO), -EINVAL);
}

TEST(pvh_nothing_there)
{
	start_pvh(p2m_invalid, ~0UL);
	CHECK_EQ(refusal(7, R), -EACCES);
	CHECK_EQ(refusal(7, R | MMIO), -EACCES);
}

/* Ruling 27: no contexts under shadow paging */
TEST(shadow_paging)
{
	start();
	CHECK_EQ(iommu_ctx_arch_permitted(&dom0), 0);
	dom0.paging = true;
	CHECK_EQ(iommu_ctx_arch_permitted(&dom0), -EOPNOTSUPP);
	CHECK(fake_printks);
	dom0.pv = false;
	CHECK_EQ(iommu_ctx_arch_permitted(&dom0), 0);
	dom0.iommu_enabled = false;
	CHECK_EQ(iommu_ctx_arch_permitted(&dom0), -EOPNOTSUPP);
}

/* X11: a page-table entry may turn on shadow paging long after the start. */
TEST(shadow_paging_later)
{
	start();
	dom0.arch.pv.check_l1tf = true;
	CHECK_EQ(iommu_ctx_arch_permitted(&dom0), -EOPNOTSUPP);
	CHECK(strstr(fake_log, "pv-l1tf="));
	/* Xen does not check translated domains for it. */
	dom0.pv = false;
	CHECK_EQ(iommu_ctx_arch_permitted(&dom0), 0);
	dom0.arch.pv.check_l1tf = false;
}

TEST(gfn_of_a_leaf)
{
	iommu_leaf_t ram = (uint64_t)OWN << 12 | IOMMU_LEAF_REF;

	start();
	CHECK_EQ(iommu_ctx_frame_to_gfn(&dom0, ram), OWN);
	start_pvh(p2m_ram_rw, OWN);
	m2p = _gfn(7);
	CHECK_EQ(iommu_ctx_frame_to_gfn(&dom0, ram), 7);
	CHECK_EQ(iommu_ctx_frame_to_gfn(&dom0, (uint64_t)BAR << 12), BAR);
	m2p = INVALID_GFN;
	CHECK_EQ(iommu_ctx_frame_to_gfn(&dom0, ram), XEN_PV_IOMMU_GFN_UNKNOWN);
	m2p = _gfn(~1UL);
	CHECK_EQ(iommu_ctx_frame_to_gfn(&dom0, ram), XEN_PV_IOMMU_GFN_UNKNOWN);
}

/*
 * Pages of other domains, which backends map
 */
#define FOREIGN XEN_PV_IOMMU_F_FOREIGN

/* XSA-384: after the check the owner cannot take the page away. */
TEST(foreign_holds_the_owners_reference)
{
	iommu_leaf_t leaf;

	start();
	CHECK_EQ(get(OTHERS, R | W | FOREIGN, &leaf), 0);
	CHECK_EQ(leaf, (uint64_t)OTHERS << 12 | IOMMU_LEAF_R | IOMMU_LEAF_W |
		 IOMMU_LEAF_REF | IOMMU_LEAF_TYPE);
	CHECK(iommu_ctx_frame_is_foreign(&dom0, leaf));
	/* The owner dies, the page stays. */
	CHECK_EQ(page(OTHERS)->refs, 1);
	CHECK_EQ(page(OTHERS)->type_refs, 1);
	iommu_ctx_frame_put(leaf);
	CHECK_EQ(held(), 0);
	CHECK_EQ(xsm_asked, 1);
	CHECK(xsm_write);
	accepted(OTHERS, R | FOREIGN);
	CHECK(!xsm_write);
	/* Xen does not call the policy for the domain's own frames. */
	CHECK(!iommu_ctx_frame_is_foreign(&dom0, accepted(OWN, R | FOREIGN)));
	CHECK_EQ(xsm_asked, 2);
}

/* Without the flag Xen refuses a page of another domain. */
TEST(foreign_without_flag)
{
	start();
	CHECK_EQ(refusal(OTHERS, R), -EACCES);
	CHECK_EQ(refusal(OTHERS, R | W), -EACCES);
	CHECK_EQ(xsm_asked, 0);
}

/* XSA-378: the policy decides last. */
TEST(foreign_policy_refuses)
{
	start();
	xsm_rc = -EPERM;
	CHECK_EQ(refusal(OTHERS, R | FOREIGN), -EACCES);
	CHECK_EQ(refusal(OTHERS, R | W | FOREIGN), -EACCES);
	CHECK_EQ(xsm_asked, 2);
	accepted(OWN, R | W | FOREIGN);
}

/* Xen never maps pages of dom_io, dom_xen and similar domains as RAM. */
TEST(foreign_system_domains)
{
	static struct domain cow = { .domain_id = 0x7ff3 };

	start();
	CHECK_EQ(refusal(IOS, R | FOREIGN), -EACCES);
	page(OTHERS)->owner = dom_xen;
	CHECK_EQ(refusal(OTHERS, R | FOREIGN), -EACCES);
	page(OTHERS)->owner = &cow;
	CHECK_EQ(refusal(OTHERS, R | W | FOREIGN), -EACCES);
	page(OTHERS)->owner = &domu;
	page(OTHERS)->special = true;
	CHECK_EQ(refusal(OTHERS, R | FOREIGN), -EACCES);
	CHECK_EQ(refusal(XENS, R | FOREIGN), -EACCES);
	CHECK_EQ(xsm_asked, 0);
}

/* XSA-288 for pages of other domains: only pages of PV owners have types. */
TEST(foreign_types_by_owner)
{
	start();
	page(OTHERS)->table_type = true;
	CHECK_EQ(refusal(OTHERS, R | W | FOREIGN), -ETXTBSY);
	accepted(OTHERS, R | FOREIGN);
	/*
	 * X10: shadow paging has made a page table for an owner without PV types,
	 * and a PV caller can name it.
	 */
	domu.pv = false;
	CHECK_EQ(refusal(OTHERS, R | W | FOREIGN), -ETXTBSY);
	CHECK_EQ(refusal(OTHERS, W | FOREIGN), -ETXTBSY);
	accepted(OTHERS, R | FOREIGN);
	page(OTHERS)->table_type = false;
	CHECK(accepted(OTHERS, R | W | FOREIGN) & IOMMU_LEAF_TYPE);
	/* Through a p2m the owner counts, not the domain that maps. */
	start_pvh(p2m_map_foreign, OTHERS);
	CHECK(accepted(7, R | W | FOREIGN) & IOMMU_LEAF_TYPE);
	domu.pv = false;
	CHECK(!(accepted(7, R | W | FOREIGN) & IOMMU_LEAF_TYPE));
}

TEST(foreign_through_the_p2m)
{
	start_pvh(p2m_map_foreign, OTHERS);
	CHECK_EQ(refusal(7, R), -EACCES);
	CHECK_EQ(iommu_ctx_frame_to_gfn(&dom0, accepted(7, R | FOREIGN)),
		 XEN_PV_IOMMU_GFN_UNKNOWN);
	start_pvh(p2m_grant_map_rw, OTHERS);
	accepted(7, R | W | FOREIGN);
	/* A read-only grant stays read-only. */
	start_pvh(p2m_grant_map_ro, OTHERS);
	CHECK_EQ(refusal(7, R | W | FOREIGN), -EACCES);
	CHECK_EQ(refusal(7, W | FOREIGN), -EACCES);
	accepted(7, R | FOREIGN);
	/* The flag does not make RAM of a frame that is not RAM. */
	start_pvh(p2m_mmio_direct, BAR);
	CHECK_EQ(refusal(7, R | FOREIGN), -EACCES);
}

/* Ruling 22: Xen marks pages dirty that a device may have written. */
TEST(dirty_marking)
{
	iommu_leaf_t leaf, first = 0;
	unsigned int i;

	start();
	domu.log_dirty = true;
	accepted(OTHERS, R | FOREIGN);
	CHECK_EQ(dirtied, 0);
	accepted(OTHERS, R | W | FOREIGN);
	CHECK_EQ(dirtied, 1);
	accepted(OWN, R | W);
	CHECK_EQ(dirtied, 1);
	/* Xen marks every page of a large leaf. */
	dom0.log_dirty = true;
	for (i = 0; i < 512; i++) {
		CHECK_EQ(get(OWN + i, R | W, &leaf), 0);
		first = i ? first : leaf;
	}
	iommu_ctx_frame_put(first | 1 << IOMMU_LEAF_ORDER_SHIFT);
	CHECK_EQ(dirtied, 513);
	/* Device memory has no owner whose pages are logged. */
	accepted(BAR, R | W | MMIO);
	CHECK_EQ(dirtied, 513);
	dom0.log_dirty = false;
	CHECK_EQ(held(), 0);
}
