// SPDX-License-Identifier: GPL-2.0
/*
 * The mappings in a kernel: what user space cannot show. These are real pages, calls
 * in hard interrupt context, and interrupts that hit the mappings' other users.
 *
 * KUnit may not be told of a failure in an interrupt. A round therefore keeps
 * what it saw, and the test looks at it afterwards.
 *
 * Pins: VFIO of Linux 6.12 maps 8 KiB in one call and unmaps it in two halves
 * whenever a container is opened.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

#include "mappings.h"
#include "interrupt.h"

#define LAST		((1ULL << 36) - 1)
#define BRANCH_BITS	27	/* pages below one entry of the root */
#define ROUND_PAGES	16U
#define ROUNDS		500U	/* the root has 512 entries */
#define PFN_OF(dfn)	((dfn) + 0x100000)

static struct xpi_mappings mappings;
static atomic_t nodes;		/* allocated now */
static bool no_memory;

static void *node_alloc(gfp_t gfp)
{
	void *node = NULL;

	lockdep_assert_not_held(&mappings.lock);
	if (!no_memory)
		node = (void *)get_zeroed_page(gfp);
	if (node)
		atomic_inc(&nodes);
	return node;
}

static void node_free(void *node)
{
	lockdep_assert_not_held(&mappings.lock);
	atomic_dec(&nodes);
	free_page((unsigned long)node);
}

static const struct xpi_mappings_mem mem = {
	.alloc = node_alloc,
	.free = node_free,
};

static int mappings_init(struct kunit *test)
{
	atomic_set(&nodes, 0);
	no_memory = false;
	return xpi_mappings_init(&mappings, &mem, LAST, GFP_KERNEL);
}

static void mappings_exit(struct kunit *test)
{
	xpi_mappings_fini(&mappings);
	KUNIT_EXPECT_EQ(test, atomic_read(&nodes), 0);
}

/* One mapping from its beginning to its end, and what was seen of it. */
struct round {
	u64 dfn;
	gfp_t gfp;
	bool in_irq;		/* wanted */
	const char *wrong;
};

static const char *map_and_look(const struct round *r)
{
	u64 last = r->dfn + ROUND_PAGES - 1, pfn = 0, i;

	if (!!in_hardirq() != r->in_irq)
		return "not in the context that was wanted";
	if (xpi_mappings_reserve(&mappings, r->dfn, ROUND_PAGES, XPI_ORDER_4K,
				 r->gfp))
		return "reserve failed";
	if (xpi_mappings_add(&mappings, r->dfn, PFN_OF(r->dfn), ROUND_PAGES,
			     XPI_ORDER_4K, 0) != ROUND_PAGES)
		return "set did not record all pages";
	if (!xpi_mappings_lookup(&mappings, last, &pfn) || pfn != PFN_OF(last))
		return "the last page is not where it was put";
	for (i = 0; i < ROUND_PAGES; i++)
		if (!xpi_mappings_lookup(&mappings, r->dfn + i, &pfn) ||
		    pfn != PFN_OF(r->dfn + i) ||
		    xpi_mappings_flags(&mappings, r->dfn + i))
			return "a page is not there or marked";
	return NULL;
}

/* Keeps the first thing that went wrong. */
static void do_round(struct round *r)
{
	u64 pfn;

	if (r->wrong)
		return;
	r->wrong = map_and_look(r);
	if (r->wrong)
		return;
	if (xpi_mappings_remove(&mappings, r->dfn, ROUND_PAGES) != ROUND_PAGES)
		r->wrong = "erase did not forget all pages";
	else if (xpi_mappings_lookup(&mappings, r->dfn, &pfn))
		r->wrong = "an erased page is still there";
}

static void expect_right(struct kunit *test, const struct round *r)
{
	KUNIT_EXPECT_NULL_MSG(test, r->wrong, "dfn %#llx: %s", r->dfn, r->wrong);
}

static void may_sleep(struct kunit *test)
{
	struct round r = { .dfn = 0x12345, .gfp = GFP_KERNEL };

	do_round(&r);
	expect_right(test, &r);
	/* The way down: one node at each of three levels below the root. */
	KUNIT_EXPECT_EQ(test, atomic_read(&nodes), 4);
}

static void halves(struct kunit *test)
{
	u64 pfn = 0;

	KUNIT_ASSERT_EQ(test, 0,
			xpi_mappings_reserve(&mappings, 8, 2, XPI_ORDER_4K,
					     GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, 2,
			xpi_mappings_add(&mappings, 8, 80, 2, XPI_ORDER_4K, 0));
	KUNIT_EXPECT_EQ(test, 1, xpi_mappings_remove(&mappings, 8, 1));
	KUNIT_EXPECT_FALSE(test, xpi_mappings_lookup(&mappings, 8, &pfn));
	KUNIT_ASSERT_TRUE(test, xpi_mappings_lookup(&mappings, 9, &pfn));
	KUNIT_EXPECT_EQ(test, pfn, 81);
	KUNIT_EXPECT_EQ(test, 1, xpi_mappings_remove(&mappings, 9, 1));
	KUNIT_EXPECT_FALSE(test, xpi_mappings_lookup(&mappings, 9, &pfn));
}

/* --- in an interrupt ----------------------------------------------------- */

struct irq_round {
	struct irq_work work;
	struct round round;
};

static void irq_round_fn(struct irq_work *work)
{
	xpi_as_device_handler();
	do_round(&container_of(work, struct irq_round, work)->round);
}

static void round_in_irq(struct round *r)
{
	struct irq_round ir = {
		.work = IRQ_WORK_INIT_HARD(irq_round_fn),
		.round = *r,
	};

	irq_work_queue(&ir.work);
	irq_work_sync(&ir.work);
	*r = ir.round;
}

static void hardirq(struct kunit *test)
{
	struct round r = {
		.dfn = 0x7654321, .gfp = GFP_ATOMIC, .in_irq = true,
	};

	round_in_irq(&r);
	expect_right(test, &r);
	KUNIT_EXPECT_EQ(test, atomic_read(&nodes), 4);
}

static void hardirq_no_memory(struct kunit *test)
{
	struct round r = {
		.dfn = 0x7654321, .gfp = GFP_ATOMIC, .in_irq = true,
	};

	no_memory = true;
	round_in_irq(&r);
	no_memory = false;
	KUNIT_EXPECT_STREQ(test, r.wrong, "reserve failed");

	r.wrong = NULL;
	round_in_irq(&r);
	expect_right(test, &r);
}

/* --- by interrupts of other users ---------------------------------------- */

/*
 * One CPU uses the mappings with interrupts on; another uses it, too, and
 * interrupts the first one, which then uses it once more. All three grow the
 * same branch of the tree, and every interrupt has a new one, in which they
 * race for a node at each of three levels.
 */
struct crowd {
	struct work_struct work;
	struct round interrupted, irq, other;
	unsigned int cpu;	/* to be interrupted */
	unsigned int at;	/* the branch */
	bool done;
};

static void move_to(struct round *r, unsigned int at, unsigned int who)
{
	r->dfn = ((u64)at << BRANCH_BITS) + who * ROUND_PAGES;
}

static void crowd_irq_fn(void *info)
{
	struct crowd *c = info;

	xpi_as_device_handler();
	move_to(&c->irq, READ_ONCE(c->at), 1);
	do_round(&c->irq);
}

static void crowd_interrupt(struct crowd *c)
{
	if (smp_call_function_single(c->cpu, crowd_irq_fn, c, false))
		c->other.wrong = "the other CPU cannot be interrupted";
}

static void crowd_work_fn(struct work_struct *work)
{
	struct crowd *c = container_of(work, struct crowd, work);
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		WRITE_ONCE(c->at, i);
		move_to(&c->other, i, 2);
		/* Each of the others is the first one half of the time. */
		if (i % 2)
			crowd_interrupt(c);
		do_round(&c->other);
		if (!(i % 2))
			crowd_interrupt(c);
		/* An emulator may take a minute for all of them. */
		cond_resched();
	}
	smp_call_function_single(c->cpu, crowd_irq_fn, c, true);
	WRITE_ONCE(c->done, true);
}

static unsigned int another_cpu(unsigned int cpu)
{
	return cpumask_any_but(cpu_online_mask, cpu);
}

static void interrupted(struct kunit *test)
{
	struct crowd c = {
		.interrupted.gfp = GFP_KERNEL,
		.irq = { .gfp = GFP_ATOMIC, .in_irq = true },
		.other.gfp = GFP_KERNEL,
	};
	unsigned int rounds = 0;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU cannot interrupt another");

	migrate_disable();
	c.cpu = smp_processor_id();
	INIT_WORK_ONSTACK(&c.work, crowd_work_fn);
	schedule_work_on(another_cpu(c.cpu), &c.work);
	while (!READ_ONCE(c.done)) {
		move_to(&c.interrupted, READ_ONCE(c.at), 0);
		do_round(&c.interrupted);
		rounds++;
		cond_resched();
	}
	flush_work(&c.work);
	destroy_work_on_stack(&c.work);
	migrate_enable();

	kunit_info(test, "%u rounds beside %u interrupts", rounds, ROUNDS + 1);
	expect_right(test, &c.interrupted);
	expect_right(test, &c.irq);
	expect_right(test, &c.other);
}

static struct kunit_case mappings_cases[] = {
	KUNIT_CASE(may_sleep),
	KUNIT_CASE(halves),
	KUNIT_CASE(hardirq),
	KUNIT_CASE(hardirq_no_memory),
	KUNIT_CASE(interrupted),
	{}
};

static struct kunit_suite mappings_suite = {
	.name = "xpi-mappings",
	.init = mappings_init,
	.exit = mappings_exit,
	.test_cases = mappings_cases,
};

kunit_test_suites(&mappings_suite);
