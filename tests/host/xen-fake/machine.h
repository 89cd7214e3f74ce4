/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine of xen.h: memory, locks, guest memory, and an IOMMU that caches
 * everything that it has read.
 *
 * The IOMMU reads a context's tree whenever its lock is taken or released, and at
 * allocations in between. This covers nearly every state of the tree. It caches
 * each leaf and each table that it finds until a flush covers them. Devices can
 * reach a frame as long as machine.reach[] counts it. Dropping a reference or
 * freeing a table page before that ends the test: XSA-346, XSA-480.
 *
 * machine.trace records events by one letter each, without repetitions: G a
 * reference is taken, M leaves appear, C leaves are cleared, F flush, f a flush
 * that fails, P a reference is dropped, T a table page is freed, S a device is
 * switched, s a switch that fails, W work goes on in a continuation.
 */
#ifndef XEN_FAKE_MACHINE_H
#define XEN_FAKE_MACHINE_H

#include "harness.h"

#include <xen/iommu-ctx.h>

#define HEAP_MFN 0x200000UL
#define HEAP_PAGES 2048
#define RAM_MFN 0x1000UL
#define RAM_PAGES 8192
#define HW_CTXS 64
#define HW_DFNS 8192

struct hw_ctx {
	struct iommu_ctx *ctx;		/* NULL: unused */
	iommu_leaf_t leaf[HW_DFNS];	/* cached; 0: not */
	uint64_t mapped;		/* at the last look */
};

/* Locks by their rank; a CPU must not take one of a lower rank under a higher one. */
struct held {
	unsigned int pci, reads, writes, syncs, ctxs, leafs;
};

static struct {
	struct page_info heap[HEAP_PAGES], ram[RAM_PAGES];
	uint8_t (*mem)[PAGE_SIZE];	/* of heap */
	bool heap_used[HEAP_PAGES];
	unsigned int heap_nr, heap_max, mapped;
	struct {
		struct hw_ctx *hw;	/* NULL: the IOMMU never read it */
		uint64_t first, end;	/* dfns that it covers */
	} table[HEAP_PAGES];
	struct hw_ctx hw[HW_CTXS];
	unsigned int reach[RAM_PAGES];	/* cached leaves that have the frame */

	unsigned int objects;		/* of xzalloc */
	int fail_alloc;			/* allocations until one fails; -1 */
	int fail_flush;			/* flushes until they fail; -1 */
	unsigned int nr_fail_flush;	/* number of flushes that fail */
	bool failed, flush_failed;

	struct held held;		/* by the CPU that runs */
	struct held other;		/* by the CPU that waits for it */
	bool leafs_nest;		/* Xen's own code nests these locks */
	bool may_wait, waited;		/* on_other_cpu() */
	jmp_buf wait;
	void (*in_flush)(void);		/* called in the middle of a flush */
	char trace[256];
	unsigned int flushes;

	unsigned int virqs;
	s_time_t now;
	struct timer *timer;		/* the last one that was set */
	void (*key)(unsigned char key);

	const char *bad, *bad_end;	/* guest memory that is missing */
	bool bad_ro;			/* it is read-only */
	int preempt_every, preempt_count;
	unsigned int maps, maps_longest;	/* between two checks for preemption */
	unsigned int ctx_holds, pci_holds;	/* how often a lock was taken */
	struct {
		bool made;
		unsigned int cmd;
		void_handle arg;
		unsigned long count, arg2, arg3;
	} cont;
} machine;

unsigned int fake_printks, fake_cpu;
static char fake_log[8192];
unsigned long total_pages = 1UL << 18;
unsigned int paddr_bits = 46;
static struct domain dom_xen_ = { .domain_id = DOMID_XEN };
static struct domain dom_io_ = { .domain_id = DOMID_IO };
static struct domain dom0 = {
	.pv = true, .iommu_enabled = true, .hardware = true,
};
struct domain *dom_xen = &dom_xen_, *dom_io = &dom_io_;
struct domain *hardware_domain = &dom0;
static struct vcpu vcpu0 = { .domain = &dom0 };
struct vcpu *current = &vcpu0;

static void note(char c)
{
	size_t n = strlen(machine.trace);

	if ((!n || machine.trace[n - 1] != c) && n < sizeof(machine.trace) - 1)
		machine.trace[n] = c;
}

static void trace_start(void)
{
	memset(machine.trace, 0, sizeof(machine.trace));
	machine.flushes = 0;
}

#define CHECK_TRACE(want)						\
	do {								\
		if (strcmp(machine.trace, want))			\
			FAIL("this happened: %s", machine.trace);	\
	} while (0)

void fake_assert(const char *file, int line, const char *what)
{
	const char *name = strrchr(file, '/');

	harness_fail("assertion at %s:%d: %s", name ? name + 1 : file, line,
		     what);
}

/* Prints Xen's own formats, %pd and %pp, as an address and a letter. */
void fake_printk(const char *fmt, ...)
{
	size_t n = strlen(fake_log);
	va_list ap;

	fake_printks++;
	va_start(ap, fmt);
	vsnprintf(fake_log + n, sizeof(fake_log) - n, fmt, ap);
	va_end(ap);
}

static void machine_start(void)
{
	uint8_t (*mem)[PAGE_SIZE] = machine.mem ?:
		calloc(HEAP_PAGES, sizeof(*machine.mem));

	memset(&machine, 0, sizeof(machine));
	machine.mem = mem;
	machine.fail_alloc = machine.fail_flush = -1;
	memset(&dom0.iommu, 0, sizeof(dom0.iommu));
	machine.heap_max = HEAP_PAGES;
	fake_printks = 0;
	fake_log[0] = 0;
	fake_cpu = 0;
}

static void hw_look_everywhere(void);

/*
 * Allocations
 */
static bool alloc_fails(void)
{
	if (machine.fail_alloc < 0 || machine.fail_alloc-- > 0)
		return false;
	machine.failed = true;
	return true;
}

void *fake_alloc(size_t bytes)
{
	void *p = alloc_fails() ? NULL : calloc(1, bytes);

	machine.objects += !!p;
	return p;
}

void fake_free(void *p)
{
	machine.objects -= !!p;
	free(p);
}

struct page_info *mfn_to_page(mfn_t mfn)
{
	static struct page_info nowhere;

	if (mfn_x(mfn) - HEAP_MFN < HEAP_PAGES)
		return &machine.heap[mfn_x(mfn) - HEAP_MFN];
	if (mfn_x(mfn) - RAM_MFN < RAM_PAGES)
		return &machine.ram[mfn_x(mfn) - RAM_MFN];
	return &nowhere;	/* as in Xen: for comparisons only */
}

mfn_t page_to_mfn(const struct page_info *pg)
{
	if (pg >= machine.heap && pg < machine.heap + HEAP_PAGES)
		return _mfn(HEAP_MFN + (pg - machine.heap));
	return _mfn(RAM_MFN + (pg - machine.ram));
}

bool mfn_valid(mfn_t mfn)
{
	return mfn_x(mfn) - HEAP_MFN < HEAP_PAGES ||
	       mfn_x(mfn) - RAM_MFN < RAM_PAGES;
}

struct page_info *alloc_domheap_page(struct domain *d, unsigned int flags)
{
	unsigned int i;

	(void)flags;
	CHECK(!d);
	hw_look_everywhere();
	if (alloc_fails())
		return NULL;
	for (i = 0; i < HEAP_PAGES && machine.heap_used[i]; i++)
		;
	if (machine.heap_nr >= machine.heap_max)
		return NULL;
	machine.heap_used[i] = true;
	machine.heap_nr++;
	machine.heap[i].u.inuse.type_info = 0x5a5a;
	memset(machine.mem[i], 0xaa, PAGE_SIZE);
	return &machine.heap[i];
}

static unsigned int heap_index(const struct page_info *pg)
{
	CHECK(pg >= machine.heap && pg < machine.heap + HEAP_PAGES);
	CHECK(machine.heap_used[pg - machine.heap]);
	return pg - machine.heap;
}

void free_domheap_page(struct page_info *pg)
{
	unsigned int i = heap_index(pg);

	if (machine.table[i].hw)
		FAIL("a table is freed that the IOMMU may still hold");
	memset(machine.mem[i], 0xbb, PAGE_SIZE);
	machine.heap_used[i] = false;
	machine.heap_nr--;
	note('T');
}

void *map_domain_page(mfn_t mfn)
{
	machine.mapped++;
	machine.maps++;
	return machine.mem[heap_index(mfn_to_page(mfn))];
}

void unmap_domain_page(const void *p)
{
	CHECK(p && machine.mapped);
	machine.mapped--;
}

void iommu_sync_cache(const void *addr, unsigned int bytes)
{
	(void)addr;
	(void)bytes;
}

/*
 * The IOMMU
 */
static struct hw_ctx *hw_of(const struct iommu_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < HW_CTXS; i++)
		if (machine.hw[i].ctx == ctx)
			return &machine.hw[i];
	return NULL;
}

static void reach_add(iommu_leaf_t leaf, int n)
{
	uint64_t i, mfn = leaf >> PAGE_SHIFT;

	for (i = 0; i < 1ULL << iommu_leaf_order(leaf); i++)
		if (mfn + i - RAM_MFN < RAM_PAGES)
			machine.reach[mfn + i - RAM_MFN] += n;
}

static void hw_see_leaf(struct hw_ctx *hw, uint64_t dfn, uint64_t pte,
			unsigned int level)
{
	iommu_leaf_t leaf = (pte & 0x000ffffffffff000ULL) | (pte & 3) |
			    (level - 1) << IOMMU_LEAF_ORDER_SHIFT;

	/* The first cached entry stays, even if it is stale. */
	if (dfn >= HW_DFNS || hw->leaf[dfn])
		return;
	hw->leaf[dfn] = leaf;
	reach_add(leaf, 1);
}

static void hw_see_table(struct hw_ctx *hw, uint64_t maddr, unsigned int level,
			 uint64_t dfn)
{
	unsigned int i, n = heap_index(maddr_to_page(maddr));
	const uint64_t *entry = (const uint64_t *)machine.mem[n];
	uint64_t span = 1ULL << (9 * (level - 1));

	machine.table[n].hw = hw;
	machine.table[n].first = dfn;
	machine.table[n].end = dfn + 512 * span;
	for (i = 0; i < 512; i++, dfn += span) {
		if (!(entry[i] & 3))
			continue;
		if (level == 1 || entry[i] & 0x80)
			hw_see_leaf(hw, dfn, entry[i], level);
		else
			hw_see_table(hw, entry[i] & 0x000ffffffffff000ULL,
				     level - 1, dfn);
	}
}

static void hw_look(struct hw_ctx *hw)
{
	const struct iommu_pt *pt = &hw->ctx->pt;

	if (!pt->root)
		return;
	hw_see_table(hw, pt->root, pt->levels, 0);
	if (pt->nr_mapped != hw->mapped)
		note(pt->nr_mapped > hw->mapped ? 'M' : 'C');
	hw->mapped = pt->nr_mapped;
}

/* Called between two steps of a change, often at allocations. */
static void hw_look_everywhere(void)
{
	unsigned int i;

	for (i = 0; i < HW_CTXS; i++)
		if (machine.hw[i].ctx && machine.hw[i].ctx->lock.held)
			hw_look(&machine.hw[i]);
}

/* A flush of any part drops a large leaf. */
static void hw_flush(struct hw_ctx *hw, uint64_t first, uint64_t end)
{
	uint64_t i;

	for (i = 0; i < HW_DFNS && i < end; i++) {
		uint64_t leaf = hw->leaf[i];

		if (!leaf || i + (1ULL << iommu_leaf_order(leaf)) <= first)
			continue;
		reach_add(leaf, -1);
		hw->leaf[i] = 0;
	}
	for (i = 0; i < HEAP_PAGES; i++)
		if (machine.table[i].hw == hw && machine.table[i].first >= first &&
		    machine.table[i].end <= end)
			machine.table[i].hw = NULL;
}

static bool flush_fails(void)
{
	if (machine.fail_flush > 0)
		machine.fail_flush--;
	else if (machine.fail_flush == 0 && machine.nr_fail_flush > 0) {
		machine.nr_fail_flush--;
		machine.failed = machine.flush_failed = true;
		return true;
	}
	return false;
}

static void hw_init(struct iommu_ctx *ctx)
{
	struct hw_ctx *hw = hw_of(NULL);

	CHECK(hw);
	memset(hw, 0, sizeof(*hw));
	hw->ctx = ctx;
}

static void hw_fini(struct iommu_ctx *ctx)
{
	struct hw_ctx *hw = hw_of(ctx);

	if (!hw)
		return;
	hw_flush(hw, 0, ~0ULL);
	hw->ctx = NULL;
}

/*
 * Locks. Their order is that of iommu-ctx.h: pcidevs, the table's, sync_lock, a
 * context's lock, those of back ends and rings. Each lock operation checks it. A
 * CPU never holds two of a kind.
 */
static struct hw_ctx *hw_of_lock(const spinlock_t *lock)
{
	unsigned int i;

	for (i = 0; i < HW_CTXS; i++)
		if (machine.hw[i].ctx && &machine.hw[i].ctx->lock == lock)
			return &machine.hw[i];
	return NULL;
}

static bool is_sync_lock(const spinlock_t *lock)
{
	unsigned int i;

	for (i = 0; i < HW_CTXS; i++)
		if (machine.hw[i].ctx && &machine.hw[i].ctx->sync_lock == lock)
			return true;
	return false;
}

static unsigned int *held_of(const spinlock_t *lock)
{
	if (hw_of_lock(lock))
		return &machine.held.ctxs;
	return is_sync_lock(lock) ? &machine.held.syncs : &machine.held.leafs;
}

/* Another CPU holds the lock: the running CPU stops here. */
static void wait_for_lock(void)
{
	if (!machine.may_wait)
		FAIL("a lock is taken twice");
	machine.waited = true;
	longjmp(machine.wait, 1);
}

void spin_lock(spinlock_t *lock)
{
	struct hw_ctx *hw = hw_of_lock(lock);
	unsigned int *held = held_of(lock);

	if (lock->held)
		wait_for_lock();
	CHECK(machine.leafs_nest || !machine.held.leafs);
	CHECK(held == &machine.held.leafs || !machine.held.ctxs);
	CHECK(held != &machine.held.syncs || !machine.held.syncs);
	lock->held = true;
	++*held;
	machine.ctx_holds += !!hw;
	if (hw)
		hw_look(hw);
}

bool spin_trylock(spinlock_t *lock)
{
	if (lock->held)
		return false;
	spin_lock(lock);
	return true;
}

void spin_unlock(spinlock_t *lock)
{
	struct hw_ctx *hw = hw_of_lock(lock);

	CHECK(lock->held);
	lock->held = false;
	--*held_of(lock);
	if (hw)
		hw_look(hw);
}

static bool any_spinlock(void)
{
	return machine.held.syncs || machine.held.ctxs || machine.held.leafs;
}

void read_lock(rwlock_t *lock)
{
	CHECK(!lock->writer && !any_spinlock());
	CHECK(!machine.held.reads && !machine.held.writes);
	lock->readers++;
	machine.held.reads++;
}

void read_unlock(rwlock_t *lock)
{
	CHECK(lock->readers);
	lock->readers--;
	machine.held.reads--;
}

void write_lock(rwlock_t *lock)
{
	CHECK(!lock->writer && !lock->readers && !any_spinlock());
	CHECK(!machine.held.reads && !machine.held.writes);
	lock->writer = true;
	machine.held.writes++;
}

void write_unlock(rwlock_t *lock)
{
	CHECK(lock->writer);
	lock->writer = false;
	machine.held.writes--;
}

void pcidevs_lock(void)
{
	if (!machine.held.pci && machine.other.pci)
		wait_for_lock();
	CHECK(machine.held.pci || (!any_spinlock() && !machine.held.reads &&
				   !machine.held.writes));
	machine.pci_holds += !machine.held.pci++;
}

bool pcidevs_trylock(void)
{
	if (!machine.held.pci && machine.other.pci)
		return false;
	pcidevs_lock();
	return true;
}

void pcidevs_unlock(void)
{
	CHECK(machine.held.pci);
	machine.held.pci--;
}

bool pcidevs_locked(void)
{
	return machine.held.pci;
}

/*
 * For functions that take long, wait, or take locks of other code: frames, flushes,
 * domains. The caller may hold only sync_lock, which only a SYNC waits for.
 */
static void check_no_spinlock(void)
{
	CHECK(!machine.held.ctxs && !machine.held.leafs &&
	      !machine.held.reads && !machine.held.writes);
}

/* For guest memory, preemption and the end of a call: the CPU holds no lock. */
static void check_no_lock(void)
{
	check_no_spinlock();
	CHECK(!machine.held.syncs);
}

/*
 * Run fn on the other CPU while this CPU is in the middle of an operation. Returns
 * whether fn completed. If not, it waits for a lock of this CPU. It must not hold a
 * lock then, since it would never release that lock.
 */
static bool HARNESS_UNUSED on_other_cpu(void (*fn)(void))
{
	struct held held = machine.held;

	CHECK(!machine.may_wait);
	machine.other = held;
	memset(&machine.held, 0, sizeof(machine.held));
	machine.may_wait = true;
	machine.waited = false;
	fake_cpu ^= 1;
	if (!setjmp(machine.wait))
		fn();
	fake_cpu ^= 1;
	machine.may_wait = false;
	CHECK(!machine.held.pci);
	check_no_lock();
	machine.held = held;
	memset(&machine.other, 0, sizeof(machine.other));
	return !machine.waited;
}

/*
 * The radix tree
 */
int radix_tree_insert(struct radix_tree_root *r, unsigned long i, void *p)
{
	CHECK(i < RADIX_FAKE_MAX);
	if (alloc_fails())
		return -ENOMEM;
	if (!r->slot)
		r->slot = calloc(RADIX_FAKE_MAX, sizeof(void *));
	if (r->slot[i])
		return -EEXIST;
	r->slot[i] = p;
	return 0;
}

void *radix_tree_lookup(struct radix_tree_root *r, unsigned long i)
{
	return r->slot && i < RADIX_FAKE_MAX ? r->slot[i] : NULL;
}

/* An empty tree holds no memory. */
void *radix_tree_delete(struct radix_tree_root *r, unsigned long i)
{
	void *p = radix_tree_lookup(r, i), *other;

	if (p)
		r->slot[i] = NULL;
	if (!radix_tree_gang_lookup(r, &other, 0, 1)) {
		free(r->slot);
		r->slot = NULL;
	}
	return p;
}

unsigned int radix_tree_gang_lookup(struct radix_tree_root *r, void **results,
				    unsigned long first, unsigned int max)
{
	unsigned int n = 0;

	for (; r->slot && first < RADIX_FAKE_MAX && n < max; first++)
		if (r->slot[first])
			results[n++] = r->slot[first];
	return n;
}

/*
 * The guest
 */
static bool guest_missing(const char *p, unsigned long n)
{
	return machine.bad && p + n > machine.bad && p < machine.bad_end;
}

unsigned long fake_copy_from(void *to, const char *from, unsigned long n)
{
	check_no_lock();
	CHECK(!machine.held.pci);
	if (guest_missing(from, n) && !machine.bad_ro)
		return n;
	memcpy(to, from, n);
	return 0;
}

unsigned long fake_copy_to(char *to, const void *from, unsigned long n)
{
	check_no_lock();
	CHECK(!machine.held.pci);
	if (guest_missing(to, n))
		return n;
	memcpy(to, from, n);
	return 0;
}

unsigned long clear_guest(char_handle h, unsigned long n)
{
	if (guest_missing(h.p, n))
		return n;
	memset(h.p, 0, n);
	return 0;
}

bool hypercall_preempt_check(void)
{
	check_no_lock();
	if (machine.maps > machine.maps_longest)
		machine.maps_longest = machine.maps;
	machine.maps = 0;
	return machine.preempt_every &&
	       ++machine.preempt_count % machine.preempt_every == 0;
}

long hypercall_create_continuation(unsigned int op, const char *format, ...)
{
	va_list ap;

	CHECK_EQ(op, 47);
	CHECK(!strcmp(format, "ihlll"));
	check_no_lock();
	CHECK(!machine.held.pci);
	va_start(ap, format);
	machine.cont.made = true;
	machine.cont.cmd = va_arg(ap, unsigned long);
	machine.cont.arg = va_arg(ap, void_handle);
	machine.cont.count = va_arg(ap, unsigned long);
	machine.cont.arg2 = va_arg(ap, unsigned long);
	machine.cont.arg3 = va_arg(ap, unsigned long);
	va_end(ap);
	note('W');
	return -ERESTART;
}

void process_pending_softirqs(void)
{
	check_no_lock();
}

void register_keyhandler(unsigned char key, void (*fn)(unsigned char key),
			 const char *desc, bool diagnostic)
{
	CHECK_EQ(key, 'y');
	CHECK(*desc && diagnostic);
	machine.key = fn;
}

void send_global_virq(uint32_t virq)
{
	CHECK_EQ(virq, VIRQ_IOMMU_FAULT);
	check_no_lock();
	machine.virqs++;
}

s_time_t fake_now(void)
{
	return machine.now += 1000;
}

void set_timer(struct timer *t, s_time_t expires)
{
	CHECK(t->fn && expires > 0);
	CHECK(!machine.timer || machine.timer == t);
	machine.timer = t;
	t->expires = expires;
}

/* Advance the time and run the timer if it is due; the caller holds no lock. */
static void HARNESS_UNUSED time_passes(s_time_t ns)
{
	struct timer *t = machine.timer;

	machine.now += ns;
	if (!t || !t->expires || t->expires > machine.now)
		return;
	t->expires = 0;
	t->fn(t->data);
	CHECK(!machine.held.pci);
	check_no_lock();
}

int xsm_iommu_op(int action)
{
	(void)action;
	return current->domain->hardware ? 0 : -EPERM;
}

uint64_t parse_size_and_unit(const char *s, const char **p)
{
	uint64_t size = strtoull(s, (char **)p, 0);

	if (**p == 'M') {
		size <<= 20;
		(*p)++;
	}
	return size;
}

#endif /* XEN_FAKE_MACHINE_H */
