// SPDX-License-Identifier: GPL-2.0
/* One page that can be given back to Xen, once. */
#include "arch.h"
#include "hypercall.h"

static char page[PAGE_SIZE] __attribute__((aligned(4096)));
static bool taken;

bool arch_balloon_page(uint64_t *gfn)
{
	if (taken)
		return false;
	*gfn = gfn_of(page);
	return true;
}

long arch_balloon_out(uint64_t gfn)
{
	struct xen_memory_reservation r = {
		.extent_start = hc_ptr(&gfn),
		.nr_extents = 1,
		.domid = DOMID_SELF,
	};

	taken = true;
	/* On PV our own mapping holds the page too. */
	arch_unmap_page(page);
	return hypercall(HC_MEMORY_OP, XENMEM_DECREASE_RESERVATION, hc_ptr(&r),
			 0, 0, 0);
}
