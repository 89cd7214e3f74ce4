// SPDX-License-Identifier: GPL-2.0
/*
 * Decode bytes as requests of the IOMMU core and several CPUs to the driver. They
 * go into its real lists, batches, runs and mappings. The hypervisor refuses, stops
 * and lies as the input requests. driver-model.h has the checks after each
 * operation. At the end all is unmapped, and Xen maps only what it has refused to
 * unmap. Some inputs test the parts that need no context, see driver-parts.h.
 */
#define HARNESS_NO_MAIN

#include "unexplored.h"

UNEXPLORED_BEGIN
#include "driver-hv.h"
#include "driver-model.h"
#include "driver-parts.h"
UNEXPLORED_END

#include "driver-glue.h"
#include "engine.h"
#include "input.h"

#define MAX_OPS		256U
#define CHECK_EVERY	64U
#define REMEMBERED	8U

/* State of a sequence of operations. */
static struct {
	struct range maps[REMEMBERED];	/* the latest ones */
	unsigned int nr_maps;
	struct range busy;		/* range of the current operation */
	bool other;			/* the other CPU runs */
} in;

static u64 nr_maps, nr_unmaps;	/* for the log */

/*
 * Another CPU
 */

static bool range_meets(struct range a, struct range b)
{
	return a.dfn < b.dfn + b.nr && b.dfn < a.dfn + a.nr;
}

static bool waits_for(const struct xpi_pending_list *p, struct range r)
{
	return p->lock.held && r.dfn < p->end && r.dfn + r.nr > p->first;
}

/*
 * Return whether the CPU would wait for a lock that this CPU holds. An operation
 * that may send maps may have to send all unmaps too.
 */
static bool has_to_wait(unsigned int cpu, struct range r, bool maps)
{
	const struct xpi_pending_pair *own = &pair[cpu % cx.pending.nr];
	unsigned int i;

	if (own->maps.lock.held || own->unmaps.lock.held)
		return true;
	for (i = 0; i < cx.pending.nr; i++)
		if (waits_for(&pair[i].maps, r) ||
		    waits_for(&pair[i].unmaps, r) ||
		    (maps && pair[i].unmaps.lock.held))
			return true;
	return false;
}

/* Return whether the CPU may start that operation. A range has one owner at a time. */
static bool may_begin(const char *what, unsigned int cpu, struct range r,
		      bool maps)
{
	if (in.other &&
	    (range_meets(r, in.busy) || has_to_wait(cpu, r, maps)))
		return false;
	trace("%s cpu %u: %s %#llx+%#llx\n", in.other ? "   other" : "", cpu,
	      what, (unsigned long long)r.dfn, (unsigned long long)r.nr);
	if (!in.other)
		in.busy = r;
	return true;
}

/*
 * Operations
 */

static struct range part_of(struct range r)
{
	u64 skip = byte() % r.nr;

	return (struct range){ r.dfn + skip, 1 + byte() % (r.nr - skip) };
}

static struct range more_than(struct range r)
{
	u64 before = byte() % (r.dfn + 1);

	return (struct range){ r.dfn - before, r.nr + before + word() % 1024 };
}

/* Return a mapped range, a part of one, a larger one, or a random one. */
static struct range some_range(unsigned int kind)
{
	struct range r;

	if (kind & 3 && in.nr_maps) {
		r = in.maps[byte() % in.nr_maps];
		if ((kind & 3) == 2)
			r = part_of(r);
		else if ((kind & 3) == 3)
			r = more_than(r);
	} else {
		r.dfn = word() % SPAN;
		r.nr = 1 + word() % (kind & 4 ? SPAN : 16);
	}
	if (r.nr > SPAN - r.dfn)
		r.nr = SPAN - r.dfn;
	return r;
}

/* Return a dfn at which @nr pages are next to a map, or at its start. */
static u64 next_to_a_map(u64 nr)
{
	struct range r = in.maps[byte() % in.nr_maps];

	switch (byte() % 3) {
	case 0:
		return r.dfn;
	case 1:
		return (r.dfn + r.nr) % SPAN;
	default:
		return r.dfn < nr ? 0 : r.dfn - nr;
	}
}

static void choose_map(struct xpi_map *m)
{
	unsigned int kind = byte();

	m->dfn = word() % SPAN;
	m->pfn = word();
	m->nr = 1 + byte() % (kind & 1 ? 8 : 256);
	m->flags = 1 + (kind >> 1) % 3;
	m->order = XPI_ORDER_4K;
	if ((kind & 0xd0) == 0x10) {
		m->nr = 1 + word() % SPAN;
	} else if ((kind & 0xd0) == 0x40) {
		m->order = XPI_ORDER_2M;
		m->dfn &= ~(u64)(LEAF_2M - 1);
		m->pfn &= ~(u64)(LEAF_2M - 1);
		m->nr = LEAF_2M * (1 + byte() % 2);
	}
	/* More pages than Xen refuses, or has no frame for. */
	if (kind >= 0xd0)
		m->pfn = XPI_PFN_ALIEN - 8 + m->pfn % 0x1800;
	if (kind & 8 && in.nr_maps && m->order == XPI_ORDER_4K)
		m->dfn = next_to_a_map(m->nr);
	if (m->nr > SPAN - m->dfn)
		m->nr = SPAN - m->dfn;
}

static void remember(struct range r)
{
	static unsigned int next;

	if (!in.nr_maps)
		next = 0;
	in.maps[next++ % REMEMBERED] = r;
	if (in.nr_maps < REMEMBERED)
		in.nr_maps++;
}

static struct range do_map(unsigned int cpu)
{
	unsigned int how = byte();
	bool direct = how % 16 == 15;
	gfp_t gfp = how & 16 ? GFP_KERNEL : GFP_ATOMIC;
	struct xpi_map m;
	struct range r;

	choose_map(&m);
	r = (struct range){ m.dfn, m.nr };
	if (direct)
		m.pfn = m.dfn;
	if (!may_begin("map", cpu, r, true))
		return r;
	if (want_any(m.dfn, m.nr)) {
		map_twice(cpu, &m, gfp);
		return r;
	}
	nr_maps++;
	want_map(&m, direct ? XPI_LEAF_DIRECT : 0);
	remember(r);
	if (direct)
		map_direct(&m, gfp);
	else
		map(cpu, &m, gfp);
	return r;
}

/* Return the first error; the model checks each page's error. */
static unsigned int first_error(struct range r)
{
	unsigned int err = 0;
	u64 at;

	for (at = r.dfn; !err && at < r.dfn + r.nr; at++)
		err = xpi_mappings_flags(&cx.mappings, at) & XPI_LEAF_ERROR;
	return err;
}

static struct range do_sync_map(unsigned int cpu)
{
	struct range r = some_range(byte());
	int err;

	if (!may_begin("sync_map", cpu, r, true))
		return r;
	err = xpi_context_sync_map(&cx, r.dfn, r.nr);
	want_synced(r.dfn, r.nr);
	CHECK_EQ(err ? xpi_leaf_error(err) : 0, first_error(r));
	return r;
}

static struct range do_unmap(unsigned int cpu)
{
	unsigned int how = byte();
	struct range r = some_range(how);

	if (!may_begin("unmap", cpu, r, true))
		return r;
	nr_unmaps++;
	if (unmap(cpu, r) || how & 32)
		return r;
	xpi_pending_sync_unmap(&cx.pending, r.dfn, r.nr, XPI_WHY_SYNC);
	check_gone(r.dfn, r.nr);
	return r;
}

static struct range do_sync_unmap(unsigned int cpu)
{
	struct range r = some_range(byte());

	if (!may_begin("sync_unmap", cpu, r, false))
		return r;
	xpi_pending_sync_unmap(&cx.pending, r.dfn, r.nr, XPI_WHY_SYNC);
	check_gone(r.dfn, r.nr);
	return r;
}

/* A flush owns no range. */
static struct range do_flush(void)
{
	uint64_t others = count.others;
	unsigned int i;

	for (i = 0; i < cx.pending.nr; i++)
		if (pair[i].unmaps.lock.held)
			return (struct range){ 0, 0 };
	xpi_pending_flush(&cx.pending);
	if (others == count.others && !in.other)
		check_gone(0, SPAN);
	return (struct range){ 0, SPAN };
}

static struct range operation(unsigned int kind)
{
	unsigned int cpu = byte();

	if (kind < 90)
		return do_map(cpu);
	if (kind < 130)
		return do_sync_map(cpu);
	if (kind < 200)
		return do_unmap(cpu);
	if (kind < 220)
		return do_sync_unmap(cpu);
	return do_flush();
}

static void other_cpu(void)
{
	int held = fake_locks_held;

	in.other = true;
	fake_locks_held = 0;
	operation(byte() % 225);
	CHECK_EQ(fake_locks_held, 0);
	fake_locks_held = held;
	in.other = false;
	count.others++;
}

static int some_error(void)
{
	static const int errors[] = {
		-EACCES, -ENOMEM, -ETXTBSY, -EEXIST, -EADDRINUSE, -EINVAL,
		-EPERM, -EIO, -EOPNOTSUPP, -ENOSYS, -ENOENT, -EFAULT,
	};

	return errors[byte() % ARRAY_SIZE(errors)];
}

static void refuse_page(unsigned int kind)
{
	hv.page_err = some_error();
	hv.page_in = byte() % (kind & 64 ? 256 : 8);
}

/* A page has its own error; for a whole call -EIO may come late. */
static void refuse_calls(unsigned int kind)
{
	hv.call_err = some_error();
	hv.call_late = hv.call_err == -EIO && kind & 128;
	hv.call_in = kind >> 3 & 3;
	hv.nr_call_err = 1 + byte() % (kind & 64 ? 64 : 4);
	if (hv.call_err == -EEXIST)
		hv.call_err = -EIO;
}

static void do_trouble(void)
{
	unsigned int kind = byte(), b;

	if (kind % 8 < 3 && kind % 8 != 1)
		refuse_page(kind);
	if (kind % 8 == 1 || kind % 8 == 2)
		refuse_calls(kind);
	if (kind % 8 < 3)
		return;
	b = byte();
	switch (kind % 8) {
	case 3:
		hv.stop = kind & 64 ? 0 : 1 + b;
		break;
	case 4:
		allocs_left = kind & 64 ? UINT32_MAX : b % 8;
		break;
	case 5:
	case 6:
		hv.meanwhile = other_cpu;
		hv.at_end = kind & 64;
		break;
	default:
		hv_behave();
		allocs_left = UINT32_MAX;
	}
}

static void step(void)
{
	unsigned int kind = byte();
	struct range r;

	hv.calls = 0;
	in.busy = (struct range){ 0, 0 };
	if (kind >= 226) {
		do_trouble();
		return;
	}
	r = operation(kind);
	check_range(r.dfn, r.nr);
}

/*
 * A sequence of operations
 */

static void begin(void)
{
	unsigned int mode = byte(), shape = byte();

	hv_init();
	memset(&in, 0, sizeof(in));
	memset(want, 0, sizeof(want));
	memset(pair, 0, sizeof(pair));
	hv.liar = mode % 16 == 15;
	xpi_fake.look = shape & 8 ? 1 + byte() : UINT32_MAX;
	xpi_fake.max_count = 1 + (shape & 16 ? byte() : 1023);
	xpi_fake.max_maps = 1 + (shape & 32 ? byte() % 128 : 1023);
	xpi_fake.max_nr = 1 + (shape & 64 ? word() % 700 : 4095);

	cx = (struct xpi_context){
		.ctx = CTX, .batching = mode % 16 != 14, .hv = &fuzz_hv,
		.mem = &mem, .no_memory = on_no_memory, .max_count = xpi_fake.max_count,
		.bytes = sizeof(struct xen_pv_iommu_batch) << (shape & 7),
		.pending = {
			.lost = on_lost, .sending = on_sending, .pair = pair,
			.nr = 1 + (mode >> 4) % PAIRS,
		},
	};
	cx.max_nr = cx.batching ? xpi_fake.max_nr : 1;
	CHECK_EQ(xpi_context_init(&cx, SPAN - 1), 0);
}

/* Unmap everything; then Xen has no mapping left (I3). */
static void finish(void)
{
	u64 dfn;

	trace(" end\n");
	hv_behave();
	for (dfn = 0; dfn < SPAN; dfn++) {
		struct range r = { dfn, SPAN - dfn };

		hv.calls = 0;
		if (want[dfn].mapped)
			unmap(0, r);
	}
	CHECK_EQ(cx.mappings.nr_leaves[0] | cx.mappings.nr_leaves[1], 0);
	CHECK_EQ(cx.mappings.nr_failed, 0);
	check_all();
	xpi_pending_flush(&cx.pending);
	check_gone(0, SPAN);
	xpi_context_fini(&cx);
	fake_fini();
}

static void play(void)
{
	unsigned int ops = 0;

	begin();
	while (input_left() && ops++ < MAX_OPS) {
		step();
		if (ops % CHECK_EVERY == 0)
			check_all();
	}
	check_all();
	finish();
}

static void fuzz_one(void)
{
	switch (byte() % 16) {
	case 0:
		play_group();
		break;
	case 1:
		play_caps();
		break;
	case 2:
		play_record();
		break;
	default:
		play();
	}
}

static void fuzz_figures(void)
{
	printf("%" PRIu64 " maps, %" PRIu64 " unmaps, %" PRIu64 " hypercalls, %"
	       PRIu64 " descriptors, %" PRIu64 " refused, %" PRIu64
	       " on another CPU", nr_maps, nr_unmaps, count.calls, count.descs,
	       count.refused, count.others);
}
