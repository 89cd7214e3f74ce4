// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "irq-steps.h"
#include "report.h"

static const char *const index_names[] = { "intx", "msi", "msi-x" };

const char *irq_part;

static const char *name_of(const struct source *s, uint32_t index,
			   const char *test)
{
	static char name[128];
	char which[16] = "";

	if (s->nr > 1)
		snprintf(which, sizeof(which), "-%u", s->nr);
	snprintf(name, sizeof(name), "irq.%s.%s%s.%s.%s", irq_part,
		 s->kind->name, which, index_names[index], test);
	return name;
}

void say(const struct source *s, uint32_t index, const char *test,
	 const char *wrong)
{
	expect(name_of(s, index, test), wrong);
}

void skip_of(const struct source *s, uint32_t index, const char *test,
	     const char *reason)
{
	skip(name_of(s, index, test), reason);
}

void say_all(const char *test, const char *wrong)
{
	char name[128];

	snprintf(name, sizeof(name), "irq.%s.%s", irq_part, test);
	expect(name, wrong);
}

bool under_pvh(void)
{
	char type[8] = "";
	FILE *f = fopen("/sys/hypervisor/guest_type", "r");

	if (!f)
		return false;
	if (!fgets(type, sizeof(type), f))
		type[0] = '\0';
	fclose(f);
	return !strcmp(type, "PVH\n");
}

unsigned int vectors(const struct source *s, uint32_t index)
{
	unsigned int have = irq_count(source_device(s), index, NULL);
	unsigned int use = s->kind->offers[index];

	return have < use ? have : use;
}

void start(struct source *s, struct irqs *irqs)
{
	s->kind->start(s, irqs->index, irqs->nr);
	if (s->kind->noisy)
		while (!irq_silent(irqs, 0))
			irq_take(irqs, 0);
}

const char *enable(struct source *s, struct irqs *irqs, uint32_t index,
		   unsigned int nr)
{
	int rc = irqs_enable(irqs, source_device(s), index, nr);

	if (rc)
		return because("enabling %u interrupts: %s", nr, strerror(-rc));
	start(s, irqs);
	return NULL;
}

const char *disable(struct irqs *irqs)
{
	int rc = irqs_disable(irqs);

	return rc ? because("disabling: %s", strerror(-rc)) : NULL;
}

const char *only(struct irqs *irqs, unsigned int vector)
{
	unsigned int i;

	for (i = 0; i < irqs->nr; i++)
		if (i != vector && irq_take(irqs, i))
			return because("vector %u arrived, but only %u was raised",
				       i, vector);
	return NULL;
}

const char *quiet_down(struct source *s, struct irqs *irqs, unsigned int vector)
{
	int rc;

	/* First; otherwise it would arrive again. */
	s->kind->lower(s, vector);
	if (irqs->index != INTX)
		return NULL;
	rc = irq_unmask(irqs);
	return rc ? because("unmasking: %s", strerror(-rc)) : NULL;
}

const char *arrives(struct source *s, struct irqs *irqs, unsigned int vector)
{
	uint64_t times;

	s->kind->raise(s, irqs->index, vector);
	times = irq_wait(irqs, vector);
	if (times != 1)
		return because("vector %u of %u was raised once and arrived %llu times",
			       vector, irqs->nr, (unsigned long long)times);
	return quiet_down(s, irqs, vector);
}

const char *each_arrives(struct source *s, struct irqs *irqs)
{
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; i < irqs->nr && !wrong; i++) {
		wrong = arrives(s, irqs, i);
		if (!wrong)
			wrong = only(irqs, i);
	}
	return wrong;
}

const char *works(struct source *s, uint32_t index, unsigned int nr)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, index, nr), *disabled;

	if (wrong)
		return wrong;
	wrong = each_arrives(s, &irqs);
	disabled = disable(&irqs);
	irqs_close(&irqs);
	return wrong ? wrong : disabled;
}
