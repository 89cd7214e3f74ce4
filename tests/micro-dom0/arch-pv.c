// SPDX-License-Identifier: GPL-2.0
/*
 * A PV dom0: Xen made our page tables, which may be changed by hypercall only. A
 * frame's number is the machine's.
 */
#include "arch.h"
#include "hypercall.h"
#include "layout.h"
#include "memmap.h"
#include "test.h"

const char arch_name[] = "pv";
const bool arch_is_pv = true;

#define PTE_PRESENT	0x001UL
#define PTE_RW		0x002UL
#define PTE_USER	0x004UL
#define PTE_PCD		0x010UL
#define PTE_AD		0x060UL
#define PTE_RO_PAGE	(PTE_PRESENT | PTE_USER | PTE_AD)
#define PTE_RW_PAGE	(PTE_RO_PAGE | PTE_RW)

/* Xen's table of the pfn of each machine frame, readable for every PV guest. */
static const uint64_t *const m2p = (const uint64_t *)0xffff800000000000UL;

static const struct pv_start_info *si;
static struct memmap machine;

struct page {
	char bytes[PAGE_SIZE];
};

/* Virtual pages at which foreign frames are mapped; their own frames stay unused. */
static struct page window[48] __attribute__((aligned(4096)));
static unsigned int window_used;
static struct page edge[2] __attribute__((aligned(4096)));
static volatile void *shared_info;

static long set_pte(const volatile void *va, uint64_t pte)
{
	return hypercall(HC_UPDATE_VA_MAPPING, hc_ptr(va), pte, UVMF_INVLPG,
			 0, 0);
}

volatile void *arch_map_mmio(uint64_t addr)
{
	volatile void *va = &window[window_used++];

	CHECK(window_used <= ARRAY_SIZE(window), "no window left");
	EXPECT(set_pte(va, (addr & ~(PAGE_SIZE - 1)) | PTE_RW_PAGE | PTE_PCD), 0);
	return va;
}

void arch_init(void *start_info)
{
	uint32_t iopl = 1;

	si = start_info;
	hypercall(HC_PHYSDEV_OP, PHYSDEVOP_SET_IOPL, hc_ptr(&iopl), 0, 0, 0);
	memmap_read(&machine, XENMEM_MACHINE_MEMORY_MAP);
	shared_info = &window[window_used++];
	set_pte(shared_info, si->shared_info | PTE_RW_PAGE);
	set_pte(&edge[1], 0);
}

const char *arch_cmdline(void)
{
	return si->cmd_line;
}

volatile void *arch_shared_info(void)
{
	return shared_info;
}

uint64_t arch_shared_info_gfn(void)
{
	return si->shared_info >> PAGE_SHIFT;
}

uint64_t arch_root_table_gfn(void)
{
	return gfn_of((const void *)si->pt_base);
}

uint64_t gfn_of(const void *va)
{
	const uint64_t *p2m = (const uint64_t *)si->mfn_list;

	return p2m[((uint64_t)va - PV_VIRT_BASE) >> PAGE_SHIFT];
}

static void protect(void *page, uint64_t prot)
{
	EXPECT(set_pte(page, gfn_of(page) << PAGE_SHIFT | prot), 0);
}

void arch_set_readonly(void *page)
{
	protect(page, PTE_RO_PAGE);
}

void arch_set_writable(void *page)
{
	protect(page, PTE_RW_PAGE);
}

void arch_unmap_page(void *page)
{
	EXPECT(set_pte(page, 0), 0);
}

void *arch_edge_page(void)
{
	return &edge[0];
}

static bool is_ours(uint64_t mfn)
{
	const uint64_t *p2m = (const uint64_t *)si->mfn_list;
	uint64_t pfn = m2p[mfn];

	return pfn < si->nr_pages && p2m[pfn] == mfn;
}

bool arch_next_foreign(uint64_t from, uint64_t *gfn)
{
	uint64_t end = memmap_ram_end(&machine);
	uint64_t mfn;

	for (mfn = from < 0x100 ? 0x100 : from; mfn < end; mfn++) {
		if (!memmap_is_ram(&machine, mfn) || is_ours(mfn))
			continue;
		*gfn = mfn;
		return true;
	}
	return false;
}

static long mmuext(unsigned int cmd, uint64_t mfn)
{
	struct mmuext_op op = { .cmd = cmd, .mfn = mfn };

	return hypercall(HC_MMUEXT_OP, hc_ptr(&op), 1, 0, DOMID_SELF, 0);
}

long arch_pin_l1(uint64_t mfn)
{
	return mmuext(MMUEXT_PIN_L1_TABLE, mfn);
}

long arch_unpin(uint64_t mfn)
{
	return mmuext(MMUEXT_UNPIN_TABLE, mfn);
}

/* For a PV guest the mode counts in which its kernel was loaded. */
long arch_hypercall32(unsigned int nr, const uint32_t args[5])
{
	(void)nr;
	(void)args;
	return -EOPNOTSUPP;
}
