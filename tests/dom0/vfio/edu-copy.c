// SPDX-License-Identifier: GPL-2.0
/*
 * Makes an edu device without a driver copy memory from one bus address to
 * another:   edu-copy BDF FROM TO BYTES
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "edu.h"
#include "report.h"

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		die("edu-copy: \"%s\" is not a number", text);
	return value;
}

int main(int argc, char **argv)
{
	uint64_t from, to, bytes;
	struct edu edu;

	if (argc != 5)
		die("usage: edu-copy BDF FROM TO BYTES");
	from = number(argv[2]);
	to = number(argv[3]);
	bytes = number(argv[4]);
	if (!bytes || bytes > EDU_BUFFER_SIZE)
		die("edu-copy: the device copies 1 to %d bytes, not %s",
		    EDU_BUFFER_SIZE, argv[4]);
	edu = edu_open(argv[1]);
	edu_fetch(&edu, from, bytes);
	edu_store(&edu, to, bytes);
	return 0;
}
