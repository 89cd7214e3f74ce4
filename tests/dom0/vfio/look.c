// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "look.h"
#include "report.h"

#define DIR	"/sys/kernel/xpi_look/"

bool have_look(void)
{
	return !access(DIR "device", F_OK);
}

static void tell(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		die("writing \"%s\" to %s: %s; load the module xpi_look", text,
		    path, strerror(errno));
}

static void ask(const char *path, char *answer, int size)
{
	FILE *f = fopen(path, "r");

	if (!f || !fgets(answer, size, f))
		die("%s: %s", path, strerror(errno));
	fclose(f);
}

unsigned int context_of(const char *bdf)
{
	char answer[128];
	unsigned int ctx;

	tell(DIR "device", bdf);
	ask(DIR "device", answer, sizeof(answer));
	if (sscanf(answer, "context %u", &ctx) != 1)
		die("xpi_look says of %s: %s", bdf, answer);
	return ctx;
}

int leaf_order(const char *bdf, uint64_t iova)
{
	char answer[128], number[32];
	int order;

	tell(DIR "device", bdf);
	snprintf(number, sizeof(number), "0x%llx", (unsigned long long)iova);
	tell(DIR "leaf", number);
	ask(DIR "leaf", answer, sizeof(answer));
	if (!strcmp(answer, "nothing\n"))
		return -1;
	if (sscanf(answer, "order %d", &order) != 1)
		die("xpi_look says of %s at %s: %s", bdf, number, answer);
	return order;
}
