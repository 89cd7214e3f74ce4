// SPDX-License-Identifier: GPL-2.0
/*
 * Several CPUs at a time: real threads make the requests of the IOMMU core's
 * callers to a context, on the fake hypervisor. host.threads is built with the
 * thread sanitizer, which reports accesses of two threads without an order between
 * them. host.threads-asan is the same program with the address sanitizer.
 *
 * A thread owns a range of iovas, a slot, from its map until the iovas may be
 * reused. When iotlb_sync_map has returned, Xen maps the pages. When iotlb_sync or
 * a flush of all has returned, Xen maps nothing in the slot. Tests end after a
 * number of rounds, whatever time these take.
 *
 * Pins: the driver read xpi_mappings.nr_failed without the lock and incremented it
 * with a plain addition.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/types.h>

#include <asm/barrier.h>

#include <xen/interface/pv-iommu.h>

#include "context.h"
#include "runs.h"
#include "stats.h"

#include "tests/fake-hv.h"

#include "harness.h"

#define CTX		9
#define THREADS		6U
#define PAIRS		4U
#define CPUS		16U	/* each call of a thread may be on any CPU */
#define LEAF_2M		512U

/* Short slots, then long ones, which begin where a large leaf may. */
#define SHORT_PAGES	16U
#define SHORT_SLOTS	128U
#define LONG_PAGES	1024U
#define LONG_SLOTS	12U
#define LONG_FIRST	(SHORT_SLOTS * SHORT_PAGES)
#define PAGES		(LONG_FIRST + LONG_SLOTS * LONG_PAGES)

#define SCATTERED	XPI_PFN_SINGLES
#define NO_FRAME	XPI_PFN_END
#define FORBIDDEN	XPI_PFN_ALIEN

__thread int fake_locks_held;
__thread unsigned int fake_cpu;

/**
 * struct way - what the threads of a test do
 * @rounds: rounds of each thread
 * @deferred: a flush of all does the unmaps, as in dma-iommu
 * @reuse: map a slot again while its unmap is pending, which dma-iommu never does
 * @bad: requests, of a hundred, with a page that Xen refuses
 * @scattered: requests, of a hundred, for scattered pages
 * @unmaps_fail: unmaps, of a hundred, that Xen reports as failed
 */
struct way {
	unsigned int rounds;
	bool deferred;
	bool reuse;
	unsigned int bad;
	unsigned int scattered;
	unsigned int unmaps_fail;
};

static struct way way;
static struct xpi_context c;
static struct xpi_pending_pair pair[PAIRS];
static struct xpi_fake_ctx *xen_ctx;

/* Counters for the log and for tests that require some events. */
static struct {
	unsigned long rounds, exists, refused, unmaps_failed, told;
} seen;

#define COUNT(what) __atomic_fetch_add(&seen.what, 1, __ATOMIC_RELAXED)

/*
 * The first error; after it all threads end.
 */

static struct {
	const char *what;
	u64 dfn;
} failure;
static bool failed;

static void wrong(const char *what, u64 dfn)
{
	if (__atomic_exchange_n(&failed, true, __ATOMIC_RELAXED))
		return;
	failure.what = what;
	failure.dfn = dfn;
}

/* The generator of the harness serves one thread. */
static __thread uint64_t chance_state;

static u64 chance(u64 n)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return chance_state % n;
}

static bool percent(unsigned int n)
{
	return chance(100) < n;
}

static void maybe_yield(unsigned int one_in)
{
	if (!chance(one_in))
		sched_yield();
}

/*
 * The hypervisor. The driver does not use its lock. The thread sanitizer must not
 * derive an order from that lock, nor see the data that it protects.
 */

#ifdef XPI_TSAN
/* The sanitizer calls it for each race. */
void __tsan_on_report(void *report);

void __tsan_on_report(void *report)
{
	(void)report;
	wrong("the thread sanitizer has seen a race, see threads.err", 0);
}

#define DECLARE_ANNOTATION(what) \
	void AnnotateIgnore##what(const char *file, int line)
DECLARE_ANNOTATION(SyncBegin);
DECLARE_ANNOTATION(SyncEnd);
DECLARE_ANNOTATION(WritesBegin);
DECLARE_ANNOTATION(WritesEnd);
#define ANNOTATE(what) AnnotateIgnore##what(__FILE__, __LINE__)
#else
#define ANNOTATE(what) ((void)0)
#endif

static pthread_mutex_t hv_mutex = PTHREAD_MUTEX_INITIALIZER;

unsigned long xpi_fake_lock(void)
{
	ANNOTATE(SyncBegin);
	pthread_mutex_lock(&hv_mutex);
	ANNOTATE(SyncEnd);
	ANNOTATE(ReadsBegin);
	ANNOTATE(WritesBegin);
	return 0;
}

void xpi_fake_unlock(unsigned long irqflags)
{
	(void)irqflags;
	ANNOTATE(WritesEnd);
	ANNOTATE(ReadsEnd);
	ANNOTATE(SyncBegin);
	pthread_mutex_unlock(&hv_mutex);
	ANNOTATE(SyncEnd);
}

/*
 * Return gfn + 1, or 0 for no mapping. The thread owns the iovas; the sanitizer
 * does not see the lock that orders Xen's writes.
 */
static u64 hv_at(u64 dfn)
{
	struct xpi_fake_pte pte = data_race(xen_ctx->pte[dfn]);

	return pte.flags ? (u64)pte.gfn + 1 : 0;
}

/* Other threads run between any two leaves. */
static int let_others_in(const struct xen_pv_iommu_batch *d, u32 size)
{
	(void)d;
	(void)size;
	xpi_fake_unlock(0);
	maybe_yield(64);
	xpi_fake_lock();
	return 0;
}

/*
 * As in Xen: copy the descriptor in, and OUT fields back. The thread sanitizer sees
 * both.
 */
static long do_desc(struct xen_pv_iommu_batch *d)
{
	struct xen_pv_iommu_batch copy __aligned(32) = *d;
	long ret = xpi_fake_call(XEN_PV_IOMMU_OP_BATCH, &copy, 1);

	if (ret == -EACCES)
		COUNT(refused);
	if (ret == -EEXIST)
		COUNT(exists);
	/* Xen unmaps the pages anyway, so the slot can be reused. */
	if (ret == 1 && d->op == XEN_PV_IOMMU_BATCH_UNMAP &&
	    percent(way.unmaps_fail)) {
		COUNT(unmaps_failed);
		ret = copy.status = -EIO;
	}
	d->done = copy.done;
	d->status = copy.status;
	return ret;
}

static long on_call(unsigned int op, void *array, unsigned int count)
{
	struct xen_pv_iommu_batch *d = array;
	unsigned int i;
	long ret = 1;

	xpi_stats_call(op, array, count);
	maybe_yield(8);
	for (i = 0; i < count && ret == 1; i++)
		ret = do_desc(&d[i]);
	maybe_yield(8);
	/* Set once; another thread may see it first. */
	if (data_race(xpi_fake.wrong))
		wrong(xpi_fake.wrong, d->dfn);
	if (ret == 1)
		return count;
	return i == 1 ? ret : (long)i - 1;
}

/*
 * Memory and the log
 */

static void *page_alloc(gfp_t gfp)
{
	void *p = aligned_alloc(4096, 4096);

	(void)gfp;
	if (fake_locks_held)
		wrong("memory is allocated under a lock", 0);
	return memset(p, 0, 4096);
}

static void page_free(void *p)
{
	if (fake_locks_held)
		wrong("memory is freed under a lock", 0);
	free(p);
}

static const struct xpi_mappings_mem mem = { page_alloc, page_free };

static void on_lost(struct xpi_pending *pending, const struct xpi_lost *what)
{
	if (fake_locks_held)
		wrong("a lost unmap is reported under a lock", what->dfn);
	if (pending != &c.pending || !what->nr || what->err != -EIO)
		wrong("a lost unmap is reported with invalid data", what->dfn);
	__atomic_fetch_add(&seen.told, what->times, __ATOMIC_RELAXED);
}

static void on_no_memory(const struct xpi_context *which)
{
	(void)which;
	wrong("Xen is reported out of memory, which it is not", 0);
}

/*
 * Slots: the thread that has a slot owns its iovas
 */

struct slot {
	bool is_long;
	unsigned int nr;
};

static struct {
	pthread_mutex_t mutex;
	unsigned int nr[2];
	unsigned int free[2][SHORT_SLOTS];
} slots = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static u64 slot_dfn(const struct slot *s)
{
	return s->is_long ? LONG_FIRST + (u64)s->nr * LONG_PAGES
			  : (u64)s->nr * SHORT_PAGES;
}

static u64 slot_pages(const struct slot *s)
{
	return s->is_long ? LONG_PAGES : SHORT_PAGES;
}

static void slots_fill(void)
{
	unsigned int i;

	slots.nr[false] = SHORT_SLOTS;
	slots.nr[true] = LONG_SLOTS;
	for (i = 0; i < SHORT_SLOTS; i++)
		slots.free[false][i] = slots.free[true][i] = i;
}

static bool slot_get(struct slot *s)
{
	bool got = false;

	s->is_long = !chance(8);
	pthread_mutex_lock(&slots.mutex);
	if (slots.nr[s->is_long]) {
		unsigned int *at = slots.free[s->is_long];
		unsigned int i = chance(slots.nr[s->is_long]);

		s->nr = at[i];
		at[i] = at[--slots.nr[s->is_long]];
		got = true;
	}
	pthread_mutex_unlock(&slots.mutex);
	return got;
}

static void slot_put(const struct slot *s)
{
	pthread_mutex_lock(&slots.mutex);
	slots.free[s->is_long][slots.nr[s->is_long]++] = s->nr;
	pthread_mutex_unlock(&slots.mutex);
}

static void expect_nothing(const struct slot *s, const char *what)
{
	u64 dfn = slot_dfn(s), i;

	for (i = 0; i < slot_pages(s); i++)
		if (hv_at(dfn + i))
			wrong(what, dfn + i);
}

/*
 * Deferred flushes as in dma-iommu: an unmapped slot is free after a flush that
 * began after the unmap.
 */

#define RING	32U

struct ring {
	struct {
		struct slot slot;
		u64 began;
	} entry[RING];
	unsigned int head, tail;
};

static u64 flushes_began, flushes_ended;

static void flush_all(void)
{
	__atomic_fetch_add(&flushes_began, 1, __ATOMIC_RELAXED);
	xpi_pending_flush(&c.pending);
	__atomic_fetch_add(&flushes_ended, 1, __ATOMIC_RELEASE);
}

static void ring_free(struct ring *r)
{
	u64 ended = __atomic_load_n(&flushes_ended, __ATOMIC_ACQUIRE);

	for (; r->head != r->tail; r->head++) {
		if (r->entry[r->head % RING].began >= ended)
			break;
		expect_nothing(&r->entry[r->head % RING].slot,
			       "mapped after a flush of all");
		slot_put(&r->entry[r->head % RING].slot);
	}
}

static void ring_add(struct ring *r, const struct slot *s)
{
	/* As queue_iova() of dma-iommu; pairs with the barrier of xpi_pending_flush(). */
	smp_mb();
	ring_free(r);
	if (r->tail - r->head == RING) {
		flush_all();
		ring_free(r);
	}
	r->entry[r->tail % RING].slot = *s;
	r->entry[r->tail % RING].began = READ_ONCE(flushes_began);
	r->tail++;
}

/*
 * A round: map, look, unmap
 */

struct worker {
	pthread_t thread;
	unsigned int cpu;
	uint64_t seed;
	struct ring ring;
	struct slot kept;	/* to be reused, with a pending unmap */
	bool keeps;
	u64 got;		/* pages of the slot that were mapped */
	bool bad;		/* Xen cannot map one of them */
};

static u64 choose_pages(const struct slot *s, u64 nr, struct worker *w)
{
	u64 pfn = XPI_PFN_LINEAR + chance(0x100) * LEAF_2M +
		  (s->is_long ? 0 : chance(300));
	u64 good;

	if (percent(way.scattered))
		pfn = SCATTERED + chance(0x4000);
	good = pfn;
	if (percent(way.bad))
		pfn = FORBIDDEN - chance(nr);
	else if (percent(way.bad))
		pfn = NO_FRAME - chance(nr);
	w->bad |= pfn != good;
	return pfn;
}

static int map_piece(struct worker *w, const struct slot *s, u64 nr)
{
	struct xpi_map m = {
		.dfn = slot_dfn(s) + w->got, .nr = nr,
		.pfn = choose_pages(s, nr, w), .flags = XEN_PV_IOMMU_F_R,
	};
	u64 done = 0;
	int ret;

	if (s->is_long && !((m.dfn | m.pfn | nr) % LEAF_2M) && chance(2))
		m.order = XPI_ORDER_2M;
	ret = xpi_context_map(&c, chance(CPUS), &m,
			      chance(3) ? GFP_ATOMIC : GFP_KERNEL, &done);
	if (ret && !w->bad)
		wrong("a good map has failed", m.dfn);
	if (!ret && done != nr)
		wrong("a map is short", m.dfn);
	w->got += done;
	return ret;
}

/* A scatterlist: several requests, one sync. */
static int map_slot(struct worker *w, const struct slot *s)
{
	u64 nr = s->is_long ? LEAF_2M << chance(2) : 1 + chance(SHORT_PAGES);
	int ret = 0;

	w->got = 0;
	w->bad = false;
	while (w->got < nr && !ret) {
		u64 left = nr - w->got;
		u64 n = s->is_long ? (chance(2) ? LEAF_2M : left)
				   : 1 + chance(left);

		ret = map_piece(w, s, n);
		maybe_yield(16);
	}
	return ret;
}

static void check_mapped(const struct slot *s, u64 nr)
{
	u64 dfn = slot_dfn(s), end = dfn + nr, pfn;

	for (; dfn < end; dfn++) {
		if (!xpi_mappings_lookup(&c.mappings, dfn, &pfn)) {
			wrong("not in the mappings after its sync", dfn);
			return;
		}
		if (xpi_fake_frame(pfn, 1).gfn + 1 != hv_at(dfn)) {
			wrong("not mapped after its sync", dfn);
			return;
		}
	}
}

static void sync_slot(struct worker *w, const struct slot *s)
{
	int ret = xpi_context_sync_map(&c, slot_dfn(s), w->got);

	if (ret && !w->bad)
		wrong("sync returned the error of another thread", slot_dfn(s));
	if (!ret)
		check_mapped(s, w->got);
}

static void unmap_slot(struct worker *w, const struct slot *s)
{
	u64 dfn = slot_dfn(s), done = 0;

	while (done < w->got) {
		/* In pieces, but never cut a large leaf. */
		u64 n = s->is_long ? w->got - done : 1 + chance(w->got - done);
		struct xpi_removed t =
			xpi_context_unmap(&c, chance(CPUS), dfn + done, n);

		if (t.nr != n) {
			wrong("an unmap is short", dfn + done);
			return;
		}
		done += t.nr;
	}
}

static void leave_slot(struct worker *w, const struct slot *s)
{
	/* After a refusal no caller maps before the sync. */
	w->keeps = way.reuse && !w->bad && chance(4);
	if (w->keeps) {
		w->kept = *s;
	} else if (way.deferred && chance(4)) {
		ring_add(&w->ring, s);
	} else {
		xpi_pending_sync_unmap(&c.pending, slot_dfn(s), slot_pages(s),
				       XPI_WHY_SYNC);
		expect_nothing(s, "mapped after its sync");
		slot_put(s);
	}
}

static bool find_slot(struct worker *w, struct slot *s)
{
	if (w->keeps) {
		*s = w->kept;
		return true;
	}
	if (!slot_get(s)) {
		flush_all();
		ring_free(&w->ring);
		sched_yield();
		return false;
	}
	expect_nothing(s, "mapped in a slot that is free");
	return true;
}

static void one_round(struct worker *w)
{
	struct slot s;
	int ret;

	if (!find_slot(w, &s))
		return;
	ret = map_slot(w, &s);
	if (!ret && chance(8))
		sync_slot(w, &s);
	maybe_yield(8);
	unmap_slot(w, &s);
	leave_slot(w, &s);
	COUNT(rounds);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int i;

	fake_cpu = w->cpu;
	chance_state = w->seed;
	for (i = 0; i < way.rounds && !READ_ONCE(failed); i++)
		one_round(w);
	w->keeps = false;
	flush_all();
	ring_free(&w->ring);
	return NULL;
}

/* Read the values for debugfs, all the time. */
static bool all_done;

static void *look(void *arg)
{
	unsigned int maps, unmaps;
	struct xpi_stats sum;
	u64 dfn, pfn;

	(void)arg;
	fake_cpu = THREADS;
	for (dfn = 0; !READ_ONCE(all_done); dfn = (dfn + 7) % PAGES) {
		xpi_pending_waiting(&c.pending, &maps, &unmaps);
		xpi_stats_sum(&sum);
		xpi_mappings_leaves(&c.mappings, XPI_ORDER_4K);
		xpi_mappings_lookup(&c.mappings, dfn, &pfn);
		xpi_mappings_flags(&c.mappings, dfn);
		sched_yield();
	}
	return NULL;
}

/*
 * Around a test
 */

static void setup(const struct way *what)
{
	way = *what;
	failed = all_done = false;
	memset(&seen, 0, sizeof(seen));
	xpi_fake_reset();
	xpi_fake.call = on_call;
	xpi_fake.leaf = let_others_in;
	xpi_fake.dfns = PAGES;
	xpi_fake.look = U32_MAX;
	xpi_fake.max_maps = 64;
	xpi_fake.max_nr = 1U << 20;
	xen_ctx = xpi_fake_add_ctx(CTX);
	memset(pair, 0, sizeof(pair));
	flushes_began = flushes_ended = 0;
	slots_fill();
	c = (struct xpi_context){
		.ctx = CTX, .batching = true, .max_count = 1024, .max_nr = 1U << 20,
		.bytes = 4096, .hv = &xpi_fake_hv, .mem = &mem,
		.no_memory = on_no_memory, .pending = {
			.lost = on_lost, .nr = PAIRS, .pair = pair,
		},
	};
	CHECK_EQ(xpi_context_init(&c, PAGES - 1), 0);
}

static void run_threads(void)
{
	struct worker w[THREADS] = { 0 };
	pthread_t looker;
	unsigned int i;

	CHECK_EQ(pthread_create(&looker, NULL, look, NULL), 0);
	for (i = 0; i < THREADS; i++) {
		w[i].cpu = i;
		w[i].seed = rnd() | 1;
		CHECK_EQ(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	WRITE_ONCE(all_done, true);
	pthread_join(looker, NULL);
}

/* When all threads have ended, nothing is mapped or allocated. */
static void teardown(void)
{
	if (failed)
		FAIL("%s: dfn %#llx", failure.what,
		     (unsigned long long)failure.dfn);
	CHECK_EQ(xen_ctx->nr_mapped, 0);
	CHECK_EQ(xpi_fake.nr_refs, 0);
	CHECK_EQ(c.mappings.nr_failed, 0);
	CHECK_EQ(c.mappings.nr_leaves[0] + c.mappings.nr_leaves[1], 0);
	xpi_context_fini(&c);
}

static void stress(const char *name, const struct way *what)
{
	setup(what);
	run_threads();
	INFO("%s: %lu rounds, %lu maps refused, %lu too early, %lu unmaps failed",
	     name, seen.rounds, seen.refused, seen.exists, seen.unmaps_failed);
	teardown();
}

TEST(strict)
{
	stress("strict", &(struct way){ .rounds = 1000, .scattered = 50 });
	CHECK(seen.rounds && !seen.exists && !seen.refused);
}

TEST(deferred)
{
	stress("deferred", &(struct way){
		.rounds = 1000, .deferred = true, .scattered = 50,
	});
	CHECK(seen.rounds && !seen.exists && !seen.refused);
}

/* Each thread gets its own errors and no other. */
TEST(refused)
{
	stress("refused", &(struct way){
		.rounds = 1000, .deferred = true, .bad = 10, .scattered = 50,
	});
	CHECK(seen.refused && !seen.exists);
}

/* Maps that come before the unmap of the old mapping. */
TEST(reused)
{
	stress("reused", &(struct way){
		.rounds = 1000, .reuse = true, .scattered = 50,
	});
	CHECK(seen.exists && !seen.refused);
}

TEST(reused_and_refused)
{
	stress("reused-and-refused", &(struct way){
		.rounds = 1000, .reuse = true, .bad = 10, .scattered = 50,
	});
	CHECK(seen.exists && seen.refused);
}

TEST(unmaps_fail)
{
	stress("unmaps-fail", &(struct way){
		.rounds = 1000, .deferred = true, .scattered = 50,
		.unmaps_fail = 2,
	});
	CHECK(seen.unmaps_failed);
	CHECK_EQ(seen.told, seen.unmaps_failed);
}
