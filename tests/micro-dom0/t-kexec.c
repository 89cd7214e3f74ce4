// SPDX-License-Identifier: GPL-2.0
/*
 * Devices in contexts while the machine is handed over by kexec. Nobody stops
 * them, and Xen frees nothing: what they may reach is what the tables say, as
 * long as the IOMMU is left on. Xen leaves it on, unless it is told to turn it
 * off (iommu=crash-disable); then an iova would be a machine address.
 *
 * The verdicts come from kexec-image.c, which runs in Xen's place.
 */
#include "dma.h"
#include "hypercall.h"
#include "kexec-args.h"
#include "mem.h"
#include "test.h"

/* Values of kexec= on our command line; see the runner. */
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

/* A device that will write a word to @addr, which is in @page, or would be. */
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

/* In a context where it may, in one where it may not, blocked, and in none. */
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
 * Where translation goes off, devices in contexts must have been silenced. How
 * far the mapped one's transfer had come by then nobody knows.
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

	/* Both kinds go where Xen keeps memory for the second one. */
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
