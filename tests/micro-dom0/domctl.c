// SPDX-License-Identifier: GPL-2.0
#include "arch.h"
#include "clock.h"
#include "domctl.h"
#include "hypercall.h"
#include "iommu.h"
#include "test.h"

#define NOTED_MAX	4
#define HOME		0

/* Neither the machine nor a PVH dom0 has RAM or a device here. */
#define FOREIGN_GFN	0x60000UL

static uint16_t noted[NOTED_MAX];
static unsigned int nr_noted;
static uint16_t owner[EDU_PLACES];
static bool gfn_used[NOTED_MAX];

static long domctl(uint32_t cmd, uint16_t dom, struct domctl *d)
{
	d->cmd = cmd;
	d->version = DOMCTL_VERSION;
	d->domain = dom;
	return hypercall(HC_DOMCTL, hc_ptr(d), 0, 0, 0, 0);
}

static long create(uint32_t flags, uint32_t emulation, uint16_t *dom)
{
	struct domctl d = { .u.create = {
		.flags = flags, .max_vcpus = 1,
		.max_evtchn_port = 1023, .max_grant_frames = -1,
		.max_maptrack_frames = -1, .grant_opts = 1,
		.emulation_flags = emulation,
	} };
	long rc;

	CHECK(nr_noted < NOTED_MAX, "too many domains");
	rc = domctl(DOMCTL_CREATEDOMAIN, 0, &d);
	if (!rc)
		noted[nr_noted++] = *dom = d.domain;
	return rc;
}

uint16_t dom_create(void)
{
	struct domctl mem = { .u.max_mem.kib = 4096 };
	uint16_t dom;

	EXPECT(create(DOMCTL_CDF_IOMMU, 0, &dom), 0);
	EXPECT(domctl(DOMCTL_MAX_MEM, dom, &mem), 0);
	return dom;
}

long try_dom_create_shadowed(uint16_t *dom)
{
	return create(DOMCTL_CDF_HVM, X86_EMU_LAPIC, dom);
}

void dom_destroy(uint16_t dom)
{
	struct domctl d = { 0 };
	unsigned int i;

	for (i = 0; i < nr_noted; i++)
		if (noted[i] == dom)
			noted[i--] = noted[--nr_noted];
	EXPECT(domctl(DOMCTL_DESTROYDOMAIN, dom, &d), 0);
	for (i = 0; i < EDU_PLACES; i++)
		if (owner[i] == dom)
			owner[i] = dev_is_away(&edu[i]) ? DOMID_IO : HOME;
}

bool dom_exists(uint16_t dom)
{
	struct domctl d = { 0 };
	long rc = domctl(DOMCTL_GETDOMAININFO, dom, &d);

	CHECK(!rc || rc == -ESRCH, "getdomaininfo gave %ld", rc);
	return !rc;
}

void dom_expect_gone(uint16_t dom)
{
	unsigned int i;

	/* Xen frees it some ticks after its last reference was dropped. */
	for (i = 0; i < 100 && dom_exists(dom); i++)
		sleep_ms(10);
	CHECK(!dom_exists(dom), "domain %u is still there", dom);
}

uint64_t dom_pages(uint16_t dom)
{
	struct domctl d = { 0 };

	EXPECT(domctl(DOMCTL_GETDOMAININFO, dom, &d), 0);
	return d.u.info.tot_pages;
}

uint64_t dom_populate(uint16_t dom)
{
	uint64_t frame = 0;
	struct xen_memory_reservation r = {
		.extent_start = hc_ptr(&frame), .nr_extents = 1, .domid = dom,
	};

	EXPECT(hypercall(HC_MEMORY_OP, XENMEM_POPULATE_PHYSMAP, hc_ptr(&r), 0,
			 0, 0), 1);
	return frame;
}

long try_foreign_gfn(uint16_t dom, uint64_t mfn, uint64_t *gfn)
{
	int err = 0;
	struct xen_add_to_physmap_batch add = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_GMFN_FOREIGN,
		.size = 1, .foreign_domid = dom, .idxs = hc_ptr(&mfn),
		.gpfns = hc_ptr(gfn), .errs = hc_ptr(&err),
	};
	unsigned int i = 0;
	long rc;

	*gfn = mfn;
	if (arch_is_pv)
		return 0;
	while (i < NOTED_MAX && gfn_used[i])
		i++;
	CHECK(i < NOTED_MAX, "too many frames of others");
	*gfn = FOREIGN_GFN + i;
	rc = hypercall(HC_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP_BATCH, hc_ptr(&add),
		       0, 0, 0);
	if (!rc && !err)
		gfn_used[i] = true;
	return rc ? rc : err;
}

uint64_t foreign_gfn(uint16_t dom, uint64_t mfn)
{
	uint64_t gfn;

	EXPECT(try_foreign_gfn(dom, mfn, &gfn), 0);
	return gfn;
}

void foreign_forget(uint64_t gfn)
{
	struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = gfn };

	if (arch_is_pv)
		return;
	gfn_used[gfn - FOREIGN_GFN] = false;
	EXPECT(hypercall(HC_MEMORY_OP, XENMEM_REMOVE_FROM_PHYSMAP, hc_ptr(&r),
			 0, 0, 0), 0);
}

static long device_op(uint32_t cmd, const struct edu *e, uint16_t dom)
{
	struct domctl d = { .u.device.sbdf = e->bdf };

	return domctl(cmd, dom, &d);
}

bool dev_is_away(const struct edu *e)
{
	struct xen_pv_iommu_dev_query q;

	EXPECT(try_dev_query(e->bdf, &q), 0);
	return q.flags & XEN_PV_IOMMU_DEV_F_ABSENT;
}

void dev_assign(struct edu *e, uint16_t dom)
{
	EXPECT(device_op(DOMCTL_ASSIGN_DEVICE, e, dom), 0);
	owner[e - edu] = dom;
}

void dev_deassign(struct edu *e, uint16_t dom)
{
	EXPECT(device_op(DOMCTL_DEASSIGN_DEVICE, e, dom), 0);
	owner[e - edu] = dev_is_away(e) ? DOMID_IO : HOME;
}

uint64_t free_pages(void)
{
	struct sysctl s = { .cmd = SYSCTL_PHYSINFO, .version = SYSCTL_VERSION };

	EXPECT(hypercall(HC_SYSCTL, hc_ptr(&s), 0, 0, 0, 0), 0);
	return s.u.physinfo.free_pages;
}

void domctl_reset(void)
{
	unsigned int i;

	for (i = 0; i < EDU_PLACES; i++) {
		if (owner[i] != HOME && owner[i] != DOMID_IO)
			dev_deassign(&edu[i], owner[i]);
		if (owner[i] == DOMID_IO)
			dev_deassign(&edu[i], DOMID_IO);
	}
	for (i = 0; i < NOTED_MAX; i++)
		if (gfn_used[i])
			foreign_forget(FOREIGN_GFN + i);
	while (nr_noted)
		dom_destroy(noted[nr_noted - 1]);
}
