// SPDX-License-Identifier: GPL-2.0
/*
 * A PVH dom0: it owns its page tables, which map everything below 4 GiB 1:1. A
 * frame's number is the guest-physical one.
 */
#include "arch.h"
#include "hypercall.h"
#include "memmap.h"
#include "test.h"

const char arch_name[] = "pvh";
const bool arch_is_pv = false;

#define PTE_PRESENT	0x001UL
#define PTE_RW		0x002UL
#define PTE_LARGE	0x080UL

#define XEN_CPUID_FIRST	0x40000000U
#define XEN_CPUID_LAST	0x40010000U
#define XEN_CPUID_EBX	0x566e6558U	/* "XenV" */

struct page {
	uint64_t word[512];
};

/* Made by boot-pvh.S: 2048 entries of 2 MiB, one after the other. */
extern uint64_t pt_l2[2048];

/* One of these replaces a 2 MiB entry in which single pages are protected. */
static struct page l1_tables[4] __attribute__((aligned(4096)));
static unsigned int l1_used;

static struct page edge[2] __attribute__((aligned(4096)));
static struct page shared_info __attribute__((aligned(4096)));
static const struct pvh_start_info *si;
static struct memmap machine, own;

static void cpuid(uint32_t leaf, uint32_t *ebx)
{
	uint32_t a = leaf, c = 0, d;

	asm volatile("cpuid" : "+a" (a), "=b" (*ebx), "+c" (c), "=d" (d));
}

/* CPUID names an MSR: write the page's address there, and Xen fills the page. */
static void fill_hypercall_page(void)
{
	uint64_t page = hc_ptr(hypercall_page);
	uint32_t base, msr;

	for (base = XEN_CPUID_FIRST; base < XEN_CPUID_LAST; base += 0x100) {
		uint32_t sig;

		cpuid(base, &sig);
		if (sig == XEN_CPUID_EBX)
			break;
	}
	cpuid(base + 2, &msr);
	asm volatile("wrmsr" : : "c" (msr), "a" ((uint32_t)page),
		     "d" ((uint32_t)(page >> 32)) : "memory");
}

static uint64_t *pte_of(const void *page)
{
	uint64_t *l2e = &pt_l2[hc_ptr(page) >> 21];
	uint64_t *l1;
	unsigned int i;

	if (*l2e & PTE_LARGE) {
		CHECK(l1_used < ARRAY_SIZE(l1_tables), "no L1 table left");
		l1 = l1_tables[l1_used++].word;
		for (i = 0; i < 512; i++)
			l1[i] = (*l2e & ~0x1fffffUL) + i * PAGE_SIZE +
				(PTE_PRESENT | PTE_RW);
		*l2e = hc_ptr(l1) | PTE_PRESENT | PTE_RW;
	}
	l1 = (uint64_t *)(*l2e & ~(PAGE_SIZE - 1));
	return &l1[(hc_ptr(page) >> PAGE_SHIFT) & 511];
}

static void set_pte(void *page, uint64_t prot)
{
	*pte_of(page) = hc_ptr(page) | prot;
	asm volatile("invlpg (%0)" : : "r" (page) : "memory");
}

/* Registers before and after the call; boot-pvh.S uses these offsets. */
struct call32 {
	uint32_t entry;
	uint32_t args[5];		/* ebx, ecx, edx, esi, edi */
	uint32_t eax;
};

void call32(struct call32 *c);

/* The entry's code works in both modes: set eax, trap, return. */
long arch_hypercall32(unsigned int nr, const uint32_t args[5])
{
	struct call32 c = { .entry = hc_ptr(hypercall_page) + nr * 32 };

	memcpy(c.args, args, sizeof(c.args));
	call32(&c);
	return (int32_t)c.eax;
}

void arch_init(void *start_info)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_SHARED_INFO,
		.gpfn = hc_ptr(&shared_info) >> PAGE_SHIFT,
	};

	si = start_info;
	fill_hypercall_page();
	hypercall(HC_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, hc_ptr(&add), 0, 0, 0);
	memmap_read(&machine, XENMEM_MACHINE_MEMORY_MAP);
	memmap_read(&own, XENMEM_MEMORY_MAP);
	set_pte(&edge[1], 0);
}

const char *arch_cmdline(void)
{
	return si->cmdline_paddr ? (const char *)si->cmdline_paddr : "";
}

volatile void *arch_shared_info(void)
{
	return &shared_info;
}

uint64_t arch_shared_info_gfn(void)
{
	return gfn_of(&shared_info);
}

uint64_t arch_root_table_gfn(void)
{
	return 0;
}

uint64_t gfn_of(const void *va)
{
	return hc_ptr(va) >> PAGE_SHIFT;
}

volatile void *arch_map_mmio(uint64_t addr)
{
	CHECK(addr < 1UL << 32, "device memory at 0x%lx is not mapped", addr);
	return (volatile void *)addr;
}

void arch_set_readonly(void *page)
{
	set_pte(page, PTE_PRESENT);
}

void arch_set_writable(void *page)
{
	set_pte(page, PTE_PRESENT | PTE_RW);
}

void arch_unmap_page(void *page)
{
	set_pte(page, 0);
}

void *arch_edge_page(void)
{
	return &edge[0];
}

bool arch_next_foreign(uint64_t from, uint64_t *gfn)
{
	uint64_t end = memmap_ram_end(&machine);
	uint64_t f;

	/*
	 * RAM of the machine that dom0 did not get is listed as unusable. Other
	 * types do not mean this: the ACPI tables that Xen made are in dom0's RAM.
	 */
	for (f = from < 0x100 ? 0x100 : from; f < end; f++) {
		if (!memmap_is_ram(&machine, f) ||
		    !memmap_has(&own, f, E820_UNUSABLE))
			continue;
		*gfn = f;
		return true;
	}
	return false;
}

/* Only PV has page types. */
long arch_pin_l1(uint64_t mfn)
{
	(void)mfn;
	return -EOPNOTSUPP;
}

long arch_unpin(uint64_t mfn)
{
	(void)mfn;
	return -EOPNOTSUPP;
}
