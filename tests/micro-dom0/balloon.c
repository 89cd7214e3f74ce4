// SPDX-License-Identifier: GPL-2.0
/* Pages that can be returned to Xen or exchanged, once each. */
#include "arch.h"
#include "hypercall.h"
#include "lib.h"

static char page[4][PAGE_SIZE] __attribute__((aligned(4096)));
static char other[PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned int taken;
static bool other_unmapped;

bool arch_balloon_page(uint64_t *gfn)
{
	if (taken == ARRAY_SIZE(page))
		return false;
	*gfn = gfn_of(page[taken]);
	return true;
}

long arch_balloon_out(uint64_t gfn)
{
	struct xen_memory_reservation r = {
		.extent_start = hc_ptr(&gfn),
		.nr_extents = 1,
		.domid = DOMID_SELF,
	};

	/* On PV the own mapping holds a reference too. */
	arch_unmap_page(page[taken++]);
	return hypercall(HC_MEMORY_OP, XENMEM_DECREASE_RESERVATION, hc_ptr(&r),
			 0, 0, 0);
}

uint64_t arch_exchange_page(void)
{
	if (!other_unmapped)
		arch_unmap_page(other);
	other_unmapped = true;
	return gfn_of(other);
}

long arch_exchange(uint64_t mfn)
{
	/* In: the pfn for the new frame. Out: its mfn. */
	uint64_t out = hc_ptr(other) >> PAGE_SHIFT;
	struct xen_memory_exchange x = {
		.in = {
			.extent_start = hc_ptr(&mfn), .nr_extents = 1,
			.domid = DOMID_SELF,
		},
		.out = {
			.extent_start = hc_ptr(&out), .nr_extents = 1,
			.domid = DOMID_SELF,
		},
	};
	long rc = hypercall(HC_MEMORY_OP, XENMEM_EXCHANGE, hc_ptr(&x), 0, 0, 0);

	return rc ? rc : (long)x.nr_exchanged;
}
