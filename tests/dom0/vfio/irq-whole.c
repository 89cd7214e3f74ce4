// SPDX-License-Identifier: GPL-2.0
/* Tests of all interrupt features of one device. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cases.h"
#include "irq-steps.h"
#include "report.h"

#define ROUNDS		200
#define PAGE_IOVA	0x280000000UL

/* --- any kind --------------------------------------------------------------- */

static void test_offered(struct source *s, uint32_t index)
{
	unsigned int have = irq_count(source_device(s), index, NULL);
	unsigned int want = s->kind->offers[index];

	report_info("%s %s: VFIO offers %u of kind %u", irq_part, s->kind->name,
		    have, index);
	say(s, index, "offered",
	    have < want ? because("VFIO offers %u, the device has %u", have, want) : NULL);
}

static void test_each(struct source *s, uint32_t index)
{
	say(s, index, "each-arrives", works(s, index, vectors(s, index)));
	say(s, index, "each-again", works(s, index, vectors(s, index)));
}

static void test_rounds(struct source *s, uint32_t index)
{
	const unsigned int last = vectors(s, index) - 1;
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, index, last + 1);
	unsigned int i;

	for (i = 0; i < ROUNDS && !wrong; i++)
		wrong = arrives(s, &irqs, i % 2 ? last : 0);
	say(s, index, "none-lost", wrong);
	disable(&irqs);
	irqs_close(&irqs);
}

/* An interrupt raised earlier may be pending in the device; it is dropped. */
static const char *works_again(struct source *s, uint32_t index)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, index, vectors(s, index));

	if (wrong)
		return wrong;
	if (!irq_silent(&irqs, 0)) {
		irq_take(&irqs, 0);
		wrong = quiet_down(s, &irqs, 0);
	}
	if (!wrong)
		wrong = each_arrives(s, &irqs);
	disable(&irqs);
	irqs_close(&irqs);
	return wrong;
}

/* After the interrupts were disabled none may arrive for a while; then enable them again. */
static void test_disabled(struct source *s, uint32_t index)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, index, vectors(s, index));

	if (!wrong)
		wrong = disable(&irqs);
	if (!wrong) {
		s->kind->raise(s, index, 0);
		if (!irq_silent(&irqs, 0))
			wrong = "it arrived although it was disabled";
		s->kind->lower(s, 0);
		irqs_close(&irqs);
	}
	say(s, index, "disabled-silent", wrong);
	say(s, index, "enabled-again", works_again(s, index));
}

/* The device itself masks the interrupt, which must then arrive exactly once. */
static void test_hold(struct source *s, uint32_t index)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, index, vectors(s, index));

	if (!wrong) {
		s->kind->hold(s, index, true);
		s->kind->raise(s, index, 0);
		if (!irq_silent(&irqs, 0))
			wrong = "it arrived although the device masks it";
		s->kind->hold(s, index, false);
		if (!wrong && irq_wait(&irqs, 0) != 1)
			wrong = "after the device unmasked it, it did not arrive once";
		quiet_down(s, &irqs, 0);
	}
	say(s, index, "masked-by-device", wrong);
	disable(&irqs);
	irqs_close(&irqs);
}

/* Enabled interrupts must still be enabled after a reset. */
static const char *survives_reset(struct source *s, struct irqs *irqs)
{
	int rc = device_reset(source_device(s));

	if (rc)
		return because("VFIO_DEVICE_RESET: %s", strerror(-rc));
	start(s, irqs);
	return each_arrives(s, irqs);
}

static const char *reset_while_enabled(struct source *s, uint32_t index)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, index, vectors(s, index));

	if (!wrong) {
		wrong = survives_reset(s, &irqs);
		disable(&irqs);
		irqs_close(&irqs);
	}
	return wrong;
}

/* The kernel of a PVH domain does not restore MSI-X; packaging/linux has a patch. */
static void test_reset(struct source *s, uint32_t index)
{
	const char *wrong = reset_while_enabled(s, index);

	if (wrong && index == MSIX && under_pvh())
		skip_of(s, index, "reset-while-enabled",
			"this kernel does not restore MSI-X");
	else
		say(s, index, "reset-while-enabled", wrong);
	say(s, index, "reset-then-again", works_again(s, index));
}

/* For a kernel with the patch. */
void test_restored(struct source *s)
{
	say(s, MSIX, "restored", reset_while_enabled(s, MSIX));
	say(s, MSIX, "restored-again", reset_while_enabled(s, MSIX));
	say(s, MSIX, "after-restored", works_again(s, MSIX));
}

static void test_reopen(struct source *s, uint32_t index)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, index, vectors(s, index));

	if (!wrong) {
		wrong = arrives(s, &irqs, 0);
		source_reopen(s);
		irqs_close(&irqs);
	}
	say(s, index, "closed-while-enabled", wrong);
	say(s, index, "opened-again", works(s, index, vectors(s, index)));
}

/* --- INTx ------------------------------------------------------------------- */

static const char *masks_itself(struct source *s, struct irqs *irqs)
{
	int rc;

	s->kind->raise(s, INTX, 0);
	if (irq_wait(irqs, 0) != 1)
		return "it did not arrive once";
	if (!irq_silent(irqs, 0))
		return "it arrived again before it was unmasked";
	rc = irq_unmask(irqs);
	if (rc)
		return because("unmasking: %s", strerror(-rc));
	if (irq_wait(irqs, 0) != 1)
		return "it is still raised, but did not arrive again after it was unmasked";
	return quiet_down(s, irqs, 0);
}

static const char *masked(struct source *s, struct irqs *irqs)
{
	int rc = irq_mask(irqs);

	if (rc)
		return because("masking: %s", strerror(-rc));
	s->kind->raise(s, INTX, 0);
	if (!irq_silent(irqs, 0))
		return "it arrived although it was masked";
	rc = irq_unmask(irqs);
	if (rc)
		return because("unmasking: %s", strerror(-rc));
	if (irq_wait(irqs, 0) != 1)
		return "it did not arrive once after it was unmasked";
	return quiet_down(s, irqs, 0);
}

/* Unmask as a virtual machine monitor does at the end of an interrupt. */
static const char *unmasked_by_eventfd(struct source *s, struct irqs *irqs)
{
	struct irqs other = { .dev = irqs->dev };
	const uint64_t one = 1;
	const char *wrong = NULL;
	int rc;

	other.fds[0] = eventfd(0, EFD_CLOEXEC);
	if (other.fds[0] < 0)
		die("no eventfd: %s", strerror(errno));
	rc = irq_unmask_by(irqs, other.fds[0]);
	if (rc)
		wrong = because("setting the eventfd: %s", strerror(-rc));
	if (!wrong) {
		s->kind->raise(s, INTX, 0);
		if (irq_wait(irqs, 0) != 1)
			wrong = "it did not arrive once";
		if (write(other.fds[0], &one, sizeof(one)) != sizeof(one))
			wrong = "writing to the eventfd failed";
		if (!wrong && irq_wait(irqs, 0) != 1)
			wrong = "it did not arrive again after the eventfd was written";
		irq_unmask_by(irqs, -1);
		quiet_down(s, irqs, 0);
	}
	close(other.fds[0]);
	return wrong;
}

static void test_intx(struct source *s)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, INTX, 1);

	if (wrong) {
		say(s, INTX, "masks-itself", wrong);
		return;
	}
	say(s, INTX, "masks-itself", masks_itself(s, &irqs));
	say(s, INTX, "masked", masked(s, &irqs));
	say(s, INTX, "unmasked-by-eventfd", unmasked_by_eventfd(s, &irqs));
	say(s, INTX, "after-masking", arrives(s, &irqs, 0));
	disable(&irqs);
	irqs_close(&irqs);
}

/* --- vectors ---------------------------------------------------------------- */

static const char *detached(struct source *s, struct irqs *irqs)
{
	const char *wrong;
	int rc = irq_detach(irqs, 1);

	if (rc)
		return because("disconnecting vector 1: %s", strerror(-rc));
	s->kind->raise(s, irqs->index, 1);
	wrong = arrives(s, irqs, 0);
	if (!wrong)
		wrong = arrives(s, irqs, 2);
	if (!wrong && irq_take(irqs, 1))
		wrong = "vector 1 arrived although it was disconnected";
	return wrong;
}

/* An interrupt raised meanwhile may arrive or not; one that is raised now must. */
static const char *attached(struct source *s, struct irqs *irqs)
{
	int rc = irq_attach(irqs, 1);

	if (rc)
		return because("connecting vector 1: %s", strerror(-rc));
	report_info("%s %s: vector 1 connected again, its earlier interrupt %s",
		    irq_part, s->kind->name,
		    irq_silent(irqs, 1) ? "is lost" : "arrived");
	irq_take(irqs, 1);
	return each_arrives(s, irqs);
}

static void test_one_away(struct source *s)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, MSIX, vectors(s, MSIX));

	if (wrong) {
		say(s, MSIX, "one-away", wrong);
		return;
	}
	say(s, MSIX, "one-away", detached(s, &irqs));
	say(s, MSIX, "one-back", attached(s, &irqs));
	disable(&irqs);
	irqs_close(&irqs);
}

/* VFIO adds vectors to enabled ones only if its flags say so. */
static const char *grows(struct source *s, struct irqs *irqs)
{
	uint32_t flags;
	int rc;

	irq_count(source_device(s), MSIX, &flags);
	irqs->fds[irqs->open++] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rc = irq_attach(irqs, irqs->nr);
	report_info("%s %s: one more vector while others are enabled: %s",
		    irq_part, s->kind->name, rc ? strerror(-rc) : "accepted");
	if (flags & VFIO_IRQ_INFO_NORESIZE)
		return unless(rc, "it was accepted although VFIO's flags exclude this");
	if (rc)
		return because("it was refused: %s", strerror(-rc));
	irqs->nr++;
	start(s, irqs);
	return NULL;
}

static void test_number(struct source *s)
{
	struct irqs irqs;
	const char *wrong;

	say(s, MSIX, "fewer", works(s, MSIX, 3));
	say(s, MSIX, "one", works(s, MSIX, 1));
	wrong = enable(s, &irqs, MSIX, 2);
	if (!wrong) {
		wrong = grows(s, &irqs);
		if (!wrong)
			wrong = each_arrives(s, &irqs);
		disable(&irqs);
		irqs_close(&irqs);
	}
	say(s, MSIX, "one-more", wrong);
	say(s, MSIX, "all-again", works(s, MSIX, vectors(s, MSIX)));
}

/* --- from DMA --------------------------------------------------------------- */

static void must_map_page(struct source *s, uint64_t iova, uint8_t *mem)
{
	int rc = container_map(&s->container, iova, mem, PAGE, RW);

	if (rc)
		die("cannot map a page for %s: %s", s->bdf, strerror(-rc));
}

static const char *edu_tells(struct source *s, struct irqs *irqs)
{
	struct edu *edu = &s->edu.edu;
	uint8_t *mem = new_pages(2);

	must_map_page(s, PAGE_IOVA, mem);
	must_map_page(s, PAGE_IOVA + PAGE, mem + PAGE);
	memset(mem, 0x5a, PAGE);
	edu_start_fetch(edu, PAGE_IOVA, PAGE);
	if (irq_wait(irqs, 0) != 1)
		return "the end of a transfer did not raise one interrupt";
	edu_store(edu, PAGE_IOVA + PAGE, PAGE);
	if (memcmp(mem, mem + PAGE, PAGE))
		return "an interrupt came for a transfer that did not take place";
	return quiet_down(s, irqs, 0);
}

static const char *igb_tells(struct source *s, struct irqs *irqs)
{
	uint8_t *mem = new_pages(1), got[64];

	must_map_page(s, PAGE_IOVA, mem);
	memset(mem, 0x5a, PAGE);
	igb_tell_frames(&s->igb, 7);
	if (!igb_fetch(&s->igb, PAGE_IOVA, got, sizeof(got)))
		return "the frame did not arrive";
	if (irq_wait(irqs, 7) != 1)
		return "the frame that arrived did not raise one interrupt";
	if (memcmp(mem, got, sizeof(got)))
		return "the frame differs from the bytes sent";
	return only(irqs, 7);
}

/* Not for NVMe, whose commands are DMA in both directions already. */
static void test_dma(struct source *s, uint32_t index)
{
	struct irqs irqs;
	const char *wrong = enable(s, &irqs, index, vectors(s, index));

	if (!wrong) {
		wrong = s->edu.bdf ? edu_tells(s, &irqs) : igb_tells(s, &irqs);
		disable(&irqs);
		irqs_close(&irqs);
	}
	say(s, index, "dma-interrupts", wrong);
	container_unmap(&s->container, PAGE_IOVA, 2 * PAGE);
}

/* --- all of them ------------------------------------------------------------ */

static bool can_tell(const struct source *s, uint32_t index)
{
	return s->edu.bdf || (s->igb.dev.bdf && index == MSIX);
}

static void test_kind(struct source *s, uint32_t index)
{
	test_offered(s, index);
	test_each(s, index);
	test_rounds(s, index);
	test_disabled(s, index);
	if (s->kind->hold)
		test_hold(s, index);
	if (can_tell(s, index))
		test_dma(s, index);
	test_reset(s, index);
	test_reopen(s, index);
}

/* Change from one kind to another without closing the device. */
static void test_change(struct source *s)
{
	uint32_t index;

	for (index = INTX; index <= MSIX; index++)
		if (s->kind->offers[index])
			say(s, index, "after-the-others",
			    works(s, index, vectors(s, index)));
	say(s, INTX, "after-all-others", works(s, INTX, 1));
}

void test_whole(struct source *s)
{
	uint32_t index;

	for (index = INTX; index <= MSIX; index++)
		if (s->kind->offers[index])
			test_kind(s, index);
	test_intx(s);
	if (s->kind->offers[MSIX]) {
		test_one_away(s);
		test_number(s);
	}
	test_change(s);
}
