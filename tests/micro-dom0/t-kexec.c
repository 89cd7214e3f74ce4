// SPDX-License-Identifier: GPL-2.0
/*
 * Devices in contexts while an image is started by kexec. The devices are not stopped,
 * and Xen frees no memory: while the IOMMU is on, the tables limit what they reach. Xen
 * leaves it on without the option iommu=crash-disable. If Xen turns it off, an iova would
 * be a machine address.
 *
 * kexec-image.c, which runs in place of Xen, reports the results.
 */
#include "dma.h"
#include "hypercall.h"
#include "kexec-args.h"
#include "mem.h"
#include "test.h"

/* Values of kexec= on the command line; see the runner. */
enum how { REBOOT = 1, CRASH, CRASH_DISABLE };

extern char kexec_image[], kexec_image_end[];

static struct kexec_args *const args = (struct kexec_args *)kexec_image;

static enum how need_kexec(void)
{
	enum how how = option("kexec", 0);
	struct kexec_range range = { .range = KEXEC_RANGE_CRASH };

	if (!how)
		test_skip("needs --kexec");
	if (!arch_is_pv) {
		EXPECT(hypercall(HC_KEXEC_OP, KEXEC_GET_RANGE, hc_ptr(&range),
				 0, 0, 0), -ENOSYS);
		test_skip("Xen 4.20 has no kexec for a PVH dom0");
	}
	return how;
}

/* Add a device that writes a word to @addr, which leads to @page if it is mapped. */
static struct edu_job add_job(unsigned int i, const char *name,
			      const struct place *p, uint64_t addr,
			      uint64_t *page)
{
	struct kexec_job *j = &args->job[i];

	memset(j, 0, sizeof(*j));
	format(j->name, sizeof(j->name), "%s", name);
	j->regs = p->e->bar;
	j->bdf = p->e->bdf;
	j->iova = addr;
	j->page = iova(gfn_of(page));
	j->value = random_u64();
	j->canary = ~j->value;
	load(p, j->value);
	page[0] = j->canary;
	return (struct edu_job){ p->e, true, addr, WORD };
}

/* Devices in a context with the mapping, in one without it, in BLOCKED, in DEFAULT. */
static void add_jobs(struct edu_job *jobs)
{
	uint64_t *page[KEXEC_JOBS];
	struct place p[KEXEC_JOBS];
	unsigned int i;

	for (i = 0; i < KEXEC_JOBS; i++) {
		page[i] = page_alloc();
		p[i] = place(i);
	}
	map(p[0].ctx, DFN, gfn_of(page[0]), 1, RW);
	jobs[0] = add_job(0, "mapped", &p[0], iova(DFN), page[0]);
	jobs[1] = add_job(1, "unmapped", &p[1], iova(gfn_of(page[1])), page[1]);
	jobs[2] = add_job(2, "blocked", &p[2], iova(gfn_of(page[2])), page[2]);
	jobs[3] = add_job(3, "default", &p[3], iova(gfn_of(page[3])), page[3]);
	attach(p[2].e, XEN_PV_IOMMU_CTX_BLOCKED);
	attach(p[3].e, XEN_PV_IOMMU_CTX_DEFAULT);
}

/*
 * If Xen turns translation off, it must first turn off devices in contexts. Whether the
 * transfer of the mapped device was finished by then is not defined.
 */
static void set_fates(bool translates)
{
	struct kexec_job *j = args->job;

	args->translates = translates;
	j[0].in_flight = translates ? KEXEC_LANDS : KEXEC_EITHER;
	j[0].later = translates ? KEXEC_LANDS : KEXEC_BLOCKED;
	j[3].in_flight = KEXEC_LANDS;
	j[3].later = KEXEC_LANDS;
}

static void load_image(unsigned int type)
{
	struct kexec_range range = { .range = KEXEC_RANGE_CRASH };
	struct kexec_segment segment = {
		.buf = hc_ptr(kexec_image),
		.buf_size = kexec_image_end - kexec_image,
		.dest_size = KEXEC_IMAGE_SIZE,
	};
	struct kexec_load load = {
		.type = type,
		.arch = EM_X86_64,
		.nr_segments = 1,
		.segments = hc_ptr(&segment),
	};

	/* Both kinds use the memory that Xen reserves for a crash image. */
	EXPECT(hypercall(HC_KEXEC_OP, KEXEC_GET_RANGE, hc_ptr(&range), 0, 0, 0),
	       0);
	CHECK(range.size >= 2 * KEXEC_IMAGE_SIZE, "Xen has no crashkernel=");
	segment.dest_maddr = range.start;
	load.entry_maddr = range.start + KEXEC_IMAGE_ENTRY;
	EXPECT(hypercall(HC_KEXEC_OP, KEXEC_LOAD, hc_ptr(&load), 0, 0, 0), 0);
}

static void jump(void)
{
	enum how how = need_kexec();
	uint32_t type = how == REBOOT ? KEXEC_TYPE_DEFAULT : KEXEC_TYPE_CRASH;
	struct edu_job jobs[KEXEC_JOBS];
	unsigned int i;

	add_jobs(jobs);
	set_fates(how != CRASH_DISABLE);
	format(args->prefix, sizeof(args->prefix), "micro.%s.kexec.", arch_name);
	test_tally(&args->passed, &args->failed, &args->skipped);
	load_image(type);
	for (i = 0; i < KEXEC_JOBS; i++)
		edu_begin(&jobs[i]);
	hypercall(HC_KEXEC_OP, KEXEC_EXEC, hc_ptr(&type), 0, 0, 0);
	CHECK(false, "the image was not started");
}

const struct test kexec_tests[] = {
	{ .name = "kexec.jump", .fn = jump },
	{ }
};
