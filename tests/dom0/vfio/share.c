// SPDX-License-Identifier: GPL-2.0
/*
 * Several groups and kinds of memory in one container:	vfio-share BDF BDF
 * It has two groups, memory with holes, and the registers of another device, and is
 * unmapped at once.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cases.h"
#include "look.h"
#include "probe.h"
#include "report.h"

#define IOVA	0x200000000UL

static void must_go(struct bed *bed, uint64_t iova, size_t range, size_t mapped)
{
	int64_t gone = container_unmap_holes(&bed->container, iova, range);

	if (gone != (int64_t)mapped)
		die("unmapping 0x%llx returned %lld instead of %zu",
		    (unsigned long long)iova, (long long)gone, mapped);
}

/* The second group must be in the domain of the first. */
static void test_one_context(struct bed *a, struct bed *b)
{
	unsigned int ctx;

	if (!have_look())
		return;
	ctx = context_of(a->dev.bdf);
	report_info("both groups are in context %u", ctx);
	expect("share.group.context-is-made", unless(ctx, "it is in the default context"));
	expect("share.group.same-context",
	       unless(ctx == context_of(b->dev.bdf), "the groups are in two contexts"));
}

static void test_both_reach(struct bed *a, struct bed *b)
{
	uint8_t *mem = new_pages(1);

	must_map(a, IOVA, mem, PAGE, RW);
	expect("share.group.first-reads", read_works(a, IOVA, mem));
	expect("share.group.second-reads", read_works(b, IOVA, mem));
	expect("share.group.second-writes", write_works(b, IOVA, mem));
	must_unmap(a, IOVA, PAGE);
	expect("share.group.first-blocked", not_written(a, IOVA, mem));
	expect("share.group.second-blocked", not_written(b, IOVA, mem));
}

/* Xen moves each device separately: one must stay when the other leaves. */
static void test_second_leaves(struct bed *a, struct bed *b)
{
	const char *bdf = b->dev.bdf;
	uint8_t *mem = new_pages(1);

	must_map(a, IOVA, mem, PAGE, RW);
	bed_leave(b);
	expect("share.leave.first-still-works", write_works(a, IOVA, mem));
	*b = bed_join(a, bdf);
	expect("share.leave.second-is-back", read_works(b, IOVA, mem));
	must_unmap(a, IOVA, PAGE);
}

/* --- one device's registers, mapped for the other ------------------------- */

/* Return what b reads at an offset of a's registers. */
static uint32_t peer_read(struct bed *b, uint64_t offset)
{
	uint32_t value;

	memset(b->mailbox, 0, PAGE);
	edu_fetch(&b->dev.edu, IOVA + offset, sizeof(value));
	edu_store(&b->dev.edu, MAILBOX_IOVA, sizeof(value));
	memcpy(&value, b->mailbox, sizeof(value));
	return value;
}

static void peer_write(struct bed *b, uint64_t offset, uint32_t value)
{
	memcpy(b->mailbox, &value, sizeof(value));
	edu_fetch(&b->dev.edu, MAILBOX_IOVA, sizeof(value));
	edu_store(&b->dev.edu, IOVA + offset, sizeof(value));
}

/* The CPU reads the register, which inverts the value that b wrote. */
static const char *peer_write_arrives(struct bed *a, struct bed *b, uint32_t value)
{
	peer_write(b, EDU_INVERTER, value);
	return unless(edu_get(&a->dev.edu, EDU_INVERTER) == ~value,
		      "the CPU does not read what the other device wrote");
}

static void test_peer(struct bed *a, struct bed *b)
{
	const uint32_t first = 0x13572468, second = 0x0badcafe;
	int rc;

	if (container_refuses_registers) {
		skip("share.peer", container_refuses_registers);
		return;
	}
	rc = container_map(&a->container, IOVA, (void *)a->dev.edu.regs, PAGE,
			   RW);
	expect("share.peer.mapped", unless(!rc, strerror(-rc)));
	if (rc)
		return;
	expect("share.peer.read",
	       unless(peer_read(b, EDU_ID) == edu_get(&a->dev.edu, EDU_ID),
		      "the other device and the CPU read different ids"));
	expect("share.peer.write", peer_write_arrives(a, b, first));
	expect("share.peer.read-back",
	       unless(peer_read(b, EDU_INVERTER) == ~first,
		      "the other device and the CPU read different values"));
	must_unmap(a, IOVA, PAGE);

	/* Xen reports faults by page. */
	announce_fault(b, "write", IOVA);
	peer_write(b, EDU_INVERTER, second);
	expect("share.peer.unmapped-blocked",
	       unless(edu_get(&a->dev.edu, EDU_INVERTER) == ~first,
		      "the other device still writes the register"));
	must_map(a, IOVA, (void *)a->dev.edu.regs, PAGE, RW);
	expect("share.peer.again", peer_write_arrives(a, b, second));
	must_unmap(a, IOVA, PAGE);
}

/* --- holes ---------------------------------------------------------------- */

static void test_hole_between(struct bed *a)
{
	uint8_t *mem = new_pages(3);

	must_map(a, IOVA, mem, PAGE, RW);
	must_map(a, IOVA + 2 * PAGE, mem + 2 * PAGE, PAGE, RW);
	expect("share.hole.before-works", read_works(a, IOVA, mem));
	expect("share.hole.blocked", not_read(a, IOVA + PAGE, mem + PAGE));
	expect("share.hole.after-works",
	       write_works(a, IOVA + 2 * PAGE, mem + 2 * PAGE));
	must_go(a, IOVA, 3 * PAGE, 2 * PAGE);
	expect("share.hole.before-unmapped", not_written(a, IOVA, mem));
	expect("share.hole.after-unmapped",
	       not_written(a, IOVA + 2 * PAGE, mem + 2 * PAGE));
}

/* Memory that ends in the middle of the range: VFIO must undo the first part. */
static void test_hole_in_memory(struct bed *a)
{
	const unsigned int pages = 1024, hole = 700;
	uint8_t *mem = new_pages(pages);

	munmap(mem + hole * PAGE, PAGE);
	expect("share.torn.refused",
	       unless(container_map(&a->container, IOVA, mem, pages * PAGE, RW) < 0,
		      "memory with a hole was mapped"));
	expect("share.torn.nothing-stays", not_written(a, IOVA, mem));
	must_map(a, IOVA, mem, hole * PAGE, RW);
	expect("share.torn.whole-part-works",
	       write_works(a, IOVA + (hole - 1) * PAGE, mem + (hole - 1) * PAGE));
	must_unmap(a, IOVA, hole * PAGE);
}

static void test_unmap_all(struct bed *a, struct bed *b)
{
	const uint64_t far = IOVA + (64UL << 30);
	uint8_t *mem = new_pages(512);
	int64_t gone;

	must_map(a, IOVA, mem, 256 * PAGE, RW);
	must_map(a, far, mem + 256 * PAGE, 256 * PAGE, RW);
	expect("share.all.far-works", write_works(b, far, mem + 256 * PAGE));
	gone = container_unmap_all(&a->container);
	/* 512 pages and the mailbox. */
	expect("share.all.unmapped", unless(gone == 513 * (int64_t)PAGE,
					    "not all bytes were unmapped"));
	bed_map_mailbox(a);
	expect("share.all.near-blocked", not_written(a, IOVA, mem));
	expect("share.all.far-blocked", not_written(b, far, mem + 256 * PAGE));
	must_map(a, IOVA, mem, PAGE, RW);
	expect("share.all.works-again", write_works(a, IOVA, mem));
	must_unmap(a, IOVA, PAGE);
}

int main(int argc, char **argv)
{
	uint64_t seed = time(NULL);
	struct bed a, b;

	if (argc != 3)
		die("usage: vfio-share BDF BDF, two edu devices that are bound to vfio-pci");
	report_info("vfio-share seed %llu", (unsigned long long)seed);
	probe_seed(seed);
	a = bed_open(argv[1]);
	b = bed_join(&a, argv[2]);
	test_one_context(&a, &b);
	test_both_reach(&a, &b);
	test_second_leaves(&a, &b);
	test_peer(&a, &b);
	test_hole_between(&a);
	test_hole_in_memory(&a);
	test_unmap_all(&a, &b);
	bed_leave(&b);
	bed_close(&a);
	return report_end();
}
