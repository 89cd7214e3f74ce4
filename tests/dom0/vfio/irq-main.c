// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts through VFIO:
 *	vfio-irq whole NAME BDF		all features of one device
 *	vfio-irq quick NAME BDF...	each kind once, one device after the other
 *	vfio-irq table NAME BDF BDF	the MSI-X table of the first, with an edu
 *	vfio-irq kept NAME BDF...	programs cannot access the MSI-X tables
 *	vfio-irq restored NAME BDF...	enabled MSI-X still works after a reset
 *	vfio-irq together NAME BDF...	several devices at once
 *	vfio-irq line NAME BDF BDF	two devices that share a line of INTx
 *	vfio-irq crowd NAME BDF		more vectors than the machine has
 *	vfio-irq victim NAME BDF...	runs until it is killed; prints "running"
 * NAME is a part of the tests' names.
 */
#include <string.h>

#include "irq-steps.h"
#include "report.h"

static void whole(struct source *s, unsigned int nr)
{
	(void)nr;
	test_whole(s);
}

static void quick(struct source *s, unsigned int nr)
{
	unsigned int i;
	uint32_t index;

	for (i = 0; i < nr; i++)
		for (index = INTX; index <= MSIX; index++)
			if (s[i].kind->offers[index])
				say(&s[i], index, "works",
				    works(&s[i], index, vectors(&s[i], index)));
}

static void table(struct source *s, unsigned int nr)
{
	(void)nr;
	test_table(&s[0], &s[1]);
}

static void kept(struct source *s, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		test_kept(&s[i]);
}

static void restored(struct source *s, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		test_restored(&s[i]);
}

static void line(struct source *s, unsigned int nr)
{
	(void)nr;
	test_line(&s[0], &s[1]);
}

static void crowd(struct source *s, unsigned int nr)
{
	(void)nr;
	test_crowd(s);
}

static const struct {
	const char *name;
	unsigned int least, most;
	void (*run)(struct source *s, unsigned int nr);
} modes[] = {
	{ "whole", 1, 1, whole },
	{ "quick", 1, SOURCES_MAX, quick },
	{ "table", 2, 2, table },
	{ "kept", 1, SOURCES_MAX, kept },
	{ "restored", 1, SOURCES_MAX, restored },
	{ "together", 1, SOURCES_MAX, test_together },
	{ "line", 2, 2, line },
	{ "crowd", 1, 1, crowd },
	{ "victim", 1, SOURCES_MAX, run_victim },
};

static void open_all(struct source *s, char **bdfs, unsigned int nr)
{
	unsigned int i, j, same;

	for (i = 0; i < nr; i++) {
		for (j = 0, same = 1; j < i; j++)
			same += s[j].kind == source_kind_of(bdfs[i]);
		source_open(&s[i], bdfs[i], same);
	}
}

int main(int argc, char **argv)
{
	static struct source sources[SOURCES_MAX];
	const unsigned int nr = argc < 3 ? 0 : argc - 3;
	unsigned int i, mode;

	for (mode = 0; mode < sizeof(modes) / sizeof(*modes); mode++)
		if (argc > 3 && !strcmp(argv[1], modes[mode].name) &&
		    nr >= modes[mode].least && nr <= modes[mode].most)
			break;
	if (mode == sizeof(modes) / sizeof(*modes))
		die("usage: vfio-irq whole|quick|table|kept|restored|together|line|crowd|victim NAME BDF...");
	irq_part = argv[2];
	open_all(sources, argv + 3, nr);
	modes[mode].run(sources, nr);
	for (i = 0; i < nr; i++)
		source_close(&sources[i]);
	return report_end();
}
