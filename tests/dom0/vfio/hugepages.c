// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <sys/mman.h>

#include "huge.h"

uint8_t *new_hugepages(unsigned int nr)
{
	void *mem = mmap(NULL, nr * HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE |
			 MAP_HUGETLB, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}
