// SPDX-License-Identifier: GPL-2.0
/*
 * I7: the driver is called by tasks, with interrupts off, by soft and by hard
 * interrupts, and in the middle of each other. Under the debug variant lockdep
 * looks on; here it counts that each gets what it asked for, and that Xen and
 * the mappings agree in the end.
 *
 * KUnit may not be told of a failure in an interrupt: see mappings-test.c.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/irq_work.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

#include "driver.h"
#include "fake-hv.h"
#include "interrupt.h"

#define RANGE		0x400U	/* pages that a round may use */
#define ROUNDS		300U

static struct iommu_domain *dom;

static int context_init(struct kunit *test)
{
	int ret = xpi_driver_init(test);

	if (ret)
		return ret;
	dom = xpi_driver_domain(NULL);
	return PTR_ERR_OR_ZERO(dom);
}

static void context_exit(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, xpi_driver_differs(dom, false));
	xpi_driver_free(dom);
	xpi_driver_exit(test);
}

/**
 * struct round - some requests, and what was seen of them
 * @dfn: the range that they use
 * @gfp: may they sleep?
 * @times: how often it was done
 * @wrong: the first thing that went wrong
 */
struct round {
	u64 dfn;
	gfp_t gfp;
	unsigned int times;
	const char *wrong;
};

static u64 pfn_at(u64 dfn)
{
	return iommu_iova_to_phys(dom, XPI_ADDR(dfn)) >> 12;
}

static const char *map_unmap(const struct round *r, u64 pfn, u64 nr, bool later)
{
	size_t bytes = XPI_ADDR(nr), got;
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.queued = later;
	if (iommu_map(dom, XPI_ADDR(r->dfn), XPI_ADDR(pfn), bytes, XPI_RW,
		      r->gfp))
		return "map failed";
	if (pfn_at(r->dfn) != pfn || pfn_at(r->dfn + nr - 1) != pfn + nr - 1)
		return "a page is not where it was put";
	got = later ? iommu_unmap_fast(dom, XPI_ADDR(r->dfn), bytes, &gather)
		    : iommu_unmap(dom, XPI_ADDR(r->dfn), bytes);
	if (got != bytes)
		return "unmap did not unmap all";
	return pfn_at(r->dfn) ? "an unmapped page is still there" : NULL;
}

static const char *all_kinds(const struct round *r)
{
	const char *why = map_unmap(r, 0x1000, 16, false);

	why = why ?: map_unmap(r, XPI_PFN_SCATTERED, 16, true);
	/* Where one still waits to be unmapped. */
	why = why ?: map_unmap(r, XPI_PFN_FOREIGN, 8, true);
	why = why ?: map_unmap(r, 0x2000, 0x200, false);
	if (!why)
		dom->ops->flush_iotlb_all(dom);
	return why;
}

static void do_round(struct round *r)
{
	if (r->wrong)
		return;
	r->wrong = all_kinds(r);
	r->times++;
}

static void expect_done(struct kunit *test, const struct round *r)
{
	KUNIT_EXPECT_NULL_MSG(test, r->wrong, "dfn %#llx: %s", r->dfn, r->wrong);
	KUNIT_EXPECT_GT(test, r->times, 0);
}

static void task(struct kunit *test)
{
	struct round r = { .gfp = GFP_KERNEL };

	do_round(&r);
	expect_done(test, &r);
}

static void interrupts_off(struct kunit *test)
{
	struct round r = { .gfp = GFP_ATOMIC };

	local_irq_disable();
	do_round(&r);
	if (!irqs_disabled())
		r.wrong = "interrupts are on";
	local_irq_enable();
	expect_done(test, &r);
}

struct soft_round {
	struct tasklet_struct tasklet;
	struct round round;
};

static void soft_round_fn(struct tasklet_struct *t)
{
	struct soft_round *s = container_of(t, struct soft_round, tasklet);

	do_round(&s->round);
	if (!in_serving_softirq())
		s->round.wrong = "not in a soft interrupt";
}

static void softirq(struct kunit *test)
{
	struct soft_round s = { .round.gfp = GFP_ATOMIC };

	tasklet_setup(&s.tasklet, soft_round_fn);
	tasklet_schedule(&s.tasklet);
	tasklet_kill(&s.tasklet);
	expect_done(test, &s.round);
}

struct hard_round {
	struct irq_work work;
	struct round round;
};

static void hard_round_fn(struct irq_work *work)
{
	struct hard_round *h = container_of(work, struct hard_round, work);

	xpi_as_device_handler();
	do_round(&h->round);
	if (!in_hardirq())
		h->round.wrong = "not in a hard interrupt";
}

static void hardirq(struct kunit *test)
{
	struct hard_round h = {
		.work = IRQ_WORK_INIT_HARD(hard_round_fn),
		.round.gfp = GFP_ATOMIC,
	};

	irq_work_queue(&h.work);
	irq_work_sync(&h.work);
	expect_done(test, &h.round);
}

/*
 * One CPU's task is interrupted again and again, by hard and soft interrupts
 * that use the same domain, as another CPU does, too. All find each other's
 * requests in the lists and send them.
 */
struct crowd {
	struct work_struct work;
	struct tasklet_struct tasklet;
	struct round task, soft, hard, other;
	unsigned int cpu;	/* to be interrupted */
	bool done;
};

static void crowd_soft_fn(struct tasklet_struct *t)
{
	do_round(&container_of(t, struct crowd, tasklet)->soft);
}

static void crowd_hard_fn(void *info)
{
	struct crowd *c = info;

	xpi_as_device_handler();
	do_round(&c->hard);
	tasklet_schedule(&c->tasklet);
}

static void crowd_work_fn(struct work_struct *work)
{
	struct crowd *c = container_of(work, struct crowd, work);
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		if (smp_call_function_single(c->cpu, crowd_hard_fn, c, false))
			c->other.wrong = "the other CPU cannot be interrupted";
		do_round(&c->other);
		cond_resched();
	}
	smp_call_function_single(c->cpu, crowd_hard_fn, c, true);
	WRITE_ONCE(c->done, true);
}

static void in_each_other(struct kunit *test)
{
	struct crowd c = {
		.task = { .dfn = 0, .gfp = GFP_KERNEL },
		.soft = { .dfn = RANGE, .gfp = GFP_ATOMIC },
		.hard = { .dfn = 2 * RANGE, .gfp = GFP_ATOMIC },
		.other = { .dfn = 3 * RANGE, .gfp = GFP_KERNEL },
	};

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU cannot interrupt another");

	migrate_disable();
	c.cpu = smp_processor_id();
	tasklet_setup(&c.tasklet, crowd_soft_fn);
	INIT_WORK_ONSTACK(&c.work, crowd_work_fn);
	schedule_work_on(cpumask_any_but(cpu_online_mask, c.cpu), &c.work);
	while (!READ_ONCE(c.done)) {
		do_round(&c.task);
		cond_resched();
	}
	flush_work(&c.work);
	destroy_work_on_stack(&c.work);
	tasklet_kill(&c.tasklet);
	migrate_enable();

	kunit_info(test, "rounds: task %u, soft %u, hard %u, other CPU %u",
		   c.task.times, c.soft.times, c.hard.times, c.other.times);
	expect_done(test, &c.task);
	expect_done(test, &c.soft);
	expect_done(test, &c.hard);
	expect_done(test, &c.other);
}

static struct kunit_case context_cases[] = {
	KUNIT_CASE(task),
	KUNIT_CASE(interrupts_off),
	KUNIT_CASE(softirq),
	KUNIT_CASE(hardirq),
	KUNIT_CASE(in_each_other),
	{}
};

static struct kunit_suite context_suite = {
	.name = "xpi-context",
	.init = context_init,
	.exit = context_exit,
	.test_cases = context_cases,
};

kunit_test_suites(&context_suite);
