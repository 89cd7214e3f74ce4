// SPDX-License-Identifier: GPL-2.0
/* Tests of several devices, and of more vectors than the machine has. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "irq-steps.h"
#include "report.h"

#define ROUNDS		50

/* The best kind of interrupt that a device has; for a second device the next best. */
static uint32_t best_kind(const struct source *s)
{
	if (s->kind->offers[MSIX])
		return MSIX;
	return s->nr > 1 ? INTX : MSI;
}

/* In turn: raise one vector of each device; no other device's may arrive. */
static const char *turn(struct source *s, struct irqs *irqs, unsigned int nr,
			unsigned int round)
{
	const char *wrong = NULL;
	unsigned int i, j;

	for (i = 0; i < nr && !wrong; i++) {
		wrong = arrives(&s[i], &irqs[i], round % irqs[i].nr);
		for (j = 0; j < nr && !wrong; j++)
			wrong = only(&irqs[j], IRQS_MAX);
	}
	return wrong;
}

/* All devices raise an interrupt before the program waits for one. */
static const char *all_at_once(struct source *s, struct irqs *irqs, unsigned int nr)
{
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; i < nr; i++)
		s[i].kind->raise(&s[i], irqs[i].index, irqs[i].nr - 1);
	for (i = 0; i < nr && !wrong; i++) {
		if (irq_wait(&irqs[i], irqs[i].nr - 1) != 1)
			wrong = because("the interrupt of %s did not arrive once", s[i].bdf);
		else
			wrong = quiet_down(&s[i], &irqs[i], irqs[i].nr - 1);
	}
	return wrong;
}

static const char *enable_all(struct source *s, struct irqs *irqs, unsigned int nr)
{
	const char *wrong = NULL;
	unsigned int i;
	uint32_t index;

	for (i = 0; i < nr && !wrong; i++) {
		index = best_kind(&s[i]);
		wrong = enable(&s[i], &irqs[i], index, vectors(&s[i], index));
		report_info("together: %s has %u of kind %u", s[i].bdf,
			    irqs[i].nr, index);
	}
	return wrong;
}

void test_together(struct source *s, unsigned int nr)
{
	static struct irqs irqs[SOURCES_MAX];
	const char *wrong = enable_all(s, irqs, nr);
	unsigned int i;

	for (i = 0; i < ROUNDS && !wrong; i++)
		wrong = turn(s, irqs, nr, i);
	say_all("each-by-itself", wrong);
	for (i = 0; i < ROUNDS && !wrong; i++)
		wrong = all_at_once(s, irqs, nr);
	say_all("all-at-once", wrong);
	for (i = 0; i < nr; i++) {
		disable(&irqs[i]);
		irqs_close(&irqs[i]);
	}
}

/* While one device's stays raised, and VFIO masks it, the other's must arrive. */
static const char *past_raised(struct source *a, struct irqs *as,
			       struct source *b, struct irqs *bs)
{
	const char *wrong;

	a->kind->raise(a, INTX, 0);
	if (irq_wait(as, 0) != 1)
		return "the first device's interrupt did not arrive once";
	wrong = arrives(b, bs, 0);
	if (wrong)
		return wrong;
	if (irq_take(as, 0))
		return "the first device's interrupt arrived again";
	return quiet_down(a, as, 0);
}

/* The suite's step has checked that these two devices share a line. */
void test_line(struct source *a, struct source *b)
{
	struct irqs as, bs;
	const char *wrong = enable(a, &as, INTX, 1);

	if (!wrong)
		wrong = enable(b, &bs, INTX, 1);
	if (!wrong)
		wrong = arrives(a, &as, 0);
	if (!wrong)
		wrong = only(&bs, IRQS_MAX);
	if (!wrong)
		wrong = arrives(b, &bs, 0);
	if (!wrong)
		wrong = only(&as, IRQS_MAX);
	say_all("line-each-its-own", wrong);
	if (wrong)
		return;
	say_all("line-past-raised", past_raised(a, &as, b, &bs));
	say_all("line-past-raised-other-way", past_raised(b, &bs, a, &as));
	disable(&as);
	say_all("line-without-first", arrives(b, &bs, 0));
	irqs_close(&as);
	disable(&bs);
	irqs_close(&bs);
}

/* Enable so many vectors at once, and disable them. Returns 0 or -errno. */
static int granted(struct source *s, unsigned int nr)
{
	struct irqs irqs;
	int rc = irqs_enable(&irqs, source_device(s), MSIX, nr);

	if (rc)
		return rc;
	rc = irqs_disable(&irqs);
	irqs_close(&irqs);
	return rc;
}

/* Returns about the highest number that is granted: each try takes seconds. */
static unsigned int most(struct source *s, unsigned int refused)
{
	unsigned int least = 0;

	while (refused - least > 8) {
		const unsigned int half = least + (refused - least) / 2;

		if (granted(s, half))
			refused = half;
		else
			least = half;
	}
	return least;
}

/* The expected errors: without free vectors Xen returns EINVAL, and so does a PV kernel. */
static const char *too_many(int rc)
{
	if (rc != -ENOSPC && rc != -EAGAIN && rc != -EINVAL)
		return because("they were refused, but with %s", strerror(-rc));
	return NULL;
}

/* Xen can report its lack of vectors to a PV domain, but not to a PVH domain. */
static void test_last(struct source *s, unsigned int nr)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, MSIX, nr);

	if (!wrong) {
		wrong = arrives(s, &irqs, nr - 1);
		disable(&irqs);
		irqs_close(&irqs);
	}
	if (wrong && under_pvh())
		skip_of(s, MSIX, "last-of-most", "Linux grants more than Xen has");
	else
		say(s, MSIX, "last-of-most", wrong);
}

/* The device has more vectors than the machine has left. */
void test_crowd(struct source *s)
{
	const unsigned int nr = irq_count(source_device(s), MSIX, NULL);
	const int rc = granted(s, nr);
	const char *wrong = too_many(rc);
	unsigned int before, after;

	if (!rc) {
		skip_of(s, MSIX, "refused", "the machine has room for all vectors");
		return;
	}
	say(s, MSIX, "refused", wrong);
	if (wrong)
		return;
	before = most(s, nr);
	after = most(s, nr);
	report_info("crowd: %u of %u vectors are granted at once", before, nr);
	say(s, MSIX, "enough", unless(before >= vectors(s, MSIX),
				      "fewer are granted than the tests use"));
	say(s, MSIX, "refused-takes-none",
	    before == after ? NULL :
	    because("after refusals %u are granted, before them %u", after, before));
	test_last(s, before);
	say(s, MSIX, "after-refused", works(s, MSIX, vectors(s, MSIX)));
}

void run_victim(struct source *s, unsigned int nr)
{
	static struct irqs irqs[SOURCES_MAX];
	const char *wrong = enable_all(s, irqs, nr);
	unsigned int round;

	for (round = 0; !wrong; round++) {
		wrong = turn(s, irqs, nr, round);
		if (round || wrong)
			continue;
		puts("running");
		fflush(stdout);
	}
	die("%s", wrong);
}
