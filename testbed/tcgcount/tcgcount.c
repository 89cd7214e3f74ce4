// SPDX-License-Identifier: MIT
/*
 * tcgcount - count guest instructions between markers, by address range.
 *
 * See README.md. There are three parts: the counters that translated code
 * increments, the regions that markers open and close, and the report.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_api.h"
#include "tcgmark.h"

#define MAX_CLASS	12
#define MAX_PROBE	24
#define MAX_SPAN	8
#define MAX_SPAN_ADDR	16
/* total, classes, probes, io read, io write, spans */
#define MAX_METRIC	(1 + MAX_CLASS + MAX_PROBE + 2 + MAX_SPAN)
#define MAX_REGION	64
#define MAX_VCPU	64
#define MAX_SAMPLE	4096
#define MAX_IOPAGE	16
#define PROFILE_BITS	19
#define MAX_PROFILE	14	/* only regions below this id are profiled */

int qemu_plugin_version __attribute__((visibility("default"))) = QEMU_API_VERSION;

/* ---- counters that translated code increments --------------------------- */

struct class { char name[24]; uint64_t first, last; };
struct probe { char name[32]; uint64_t addr; };

/* One per vCPU; only that vCPU's thread writes it. */
struct counters {
	uint64_t class[MAX_CLASS];
	uint64_t probe[MAX_PROBE];
	uint64_t io[2];			/* [store] */
	uint64_t profiled;		/* id of the region opened last, or 0 */
};

static struct class classes[MAX_CLASS];
static struct probe probes[MAX_PROBE];
static unsigned int nr_classes, nr_probes;
static struct qemu_plugin_scoreboard *score;
static bool want_io, want_profile;
static FILE *out;

/* Address ranges of Linux and Xen on x86-64; the last one has all other addresses. */
static const struct class default_classes[] = {
	{ "user",   0x0000000000000000, 0x00007fffffffffff },
	{ "xen",    0xffff800000000000, 0xffff87ffffffffff },
	{ "kernel", 0xffffffff80000000, 0xffffffffbfffffff },
	{ "module", 0xffffffffc0000000, 0xfffffffffeffffff },
	{ "other",  0x0000000000000000, 0xffffffffffffffff },
};

static unsigned int class_of(uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < nr_classes - 1; i++)
		if (addr >= classes[i].first && addr <= classes[i].last)
			break;
	return i;
}

static qemu_plugin_u64 counter(size_t offset)
{
	return (qemu_plugin_u64){ .score = score, .offset = offset };
}

static struct counters *counters(unsigned int vcpu)
{
	return qemu_plugin_scoreboard_find(score, vcpu);
}

/* ---- profile: executions of each instruction address, by region ------------ */

struct hit { uint64_t addr; uint32_t n[MAX_PROFILE]; };

static struct hit *hits;	/* open hash; entries never move: translated code points to them */

static struct hit *hit_of(uint64_t addr)
{
	uint64_t i = addr * 0x9e3779b97f4a7c15u >> (64 - PROFILE_BITS), tries = 0;

	while (hits[i].addr && hits[i].addr != addr) {
		i = (i + 1) & ((1u << PROFILE_BITS) - 1);
		if (++tries >> PROFILE_BITS)
			return NULL;
	}
	hits[i].addr = addr;
	return &hits[i];
}

static void on_profiled(unsigned int vcpu, void *udata)
{
	((struct hit *)udata)->n[counters(vcpu)->profiled]++;
}

/* ---- regions ------------------------------------------------------------- */

struct region {
	uint64_t n;			/* samples seen; the first MAX_SAMPLE are kept */
	uint32_t (*sample)[MAX_METRIC];
	struct { uint64_t page, n[2]; } io[MAX_IOPAGE];
};

struct open { bool is_open; struct counters at; uint64_t longest[MAX_SPAN]; };

static struct region regions[MAX_REGION];
static struct open opened[MAX_VCPU][MAX_REGION];
static unsigned int nr_open[MAX_VCPU];
static unsigned int reports;

static void report(unsigned int label);

/* ---- spans: the most instructions from one address to another ---------------- */

struct addresses { uint64_t addr[MAX_SPAN_ADDR]; unsigned int n; };
struct span { char name[32]; struct addresses begin, end; };

static struct span spans[MAX_SPAN];
static unsigned int nr_spans;
static struct { unsigned int depth; uint64_t since; } running[MAX_VCPU][MAX_SPAN];

static uint64_t total(const struct counters *c)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < nr_classes; i++)
		sum += c->class[i];
	return sum;
}

static void on_span_begin(unsigned int vcpu, void *udata)
{
	unsigned int span = (uintptr_t)udata;

	if (vcpu < MAX_VCPU && nr_open[vcpu] && !running[vcpu][span].depth++)
		running[vcpu][span].since = total(counters(vcpu));
}

/* End the outermost of nested spans. It counts in each region that was open at its begin. */
static void span_over(unsigned int vcpu, unsigned int span)
{
	uint64_t since = running[vcpu][span].since, now = total(counters(vcpu));
	unsigned int id;

	for (id = 0; id < MAX_REGION; id++) {
		struct open *o = &opened[vcpu][id];

		if (o->is_open && since >= total(&o->at) && now - since > o->longest[span])
			o->longest[span] = now - since;
	}
}

static void on_span_end(unsigned int vcpu, void *udata)
{
	unsigned int span = (uintptr_t)udata;

	if (vcpu < MAX_VCPU && nr_open[vcpu] && running[vcpu][span].depth &&
	    !--running[vcpu][span].depth)
		span_over(vcpu, span);
}

static bool is_among(const struct addresses *a, uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < a->n && a->addr[i] != addr; i++)
		;
	return i < a->n;
}

/* An address in both lists ends one span and begins the next. */
static void watch_spans(struct qemu_plugin_insn *insn, uint64_t addr)
{
	uintptr_t i;

	for (i = 0; i < nr_spans; i++) {
		if (is_among(&spans[i].end, addr))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_span_end,
				QEMU_PLUGIN_CB_NO_REGS, (void *)i);
		if (is_among(&spans[i].begin, addr))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_span_begin,
				QEMU_PLUGIN_CB_NO_REGS, (void *)i);
	}
}

/* ---- markers -------------------------------------------------------------- */

static void region_begin(unsigned int vcpu, unsigned int id)
{
	struct open *o = &opened[vcpu][id];

	/* A span that began outside of all regions does not count. */
	if (!nr_open[vcpu])
		memset(running[vcpu], 0, sizeof(running[vcpu]));
	if (!o->is_open)
		nr_open[vcpu]++;
	o->is_open = true;
	memset(o->longest, 0, sizeof(o->longest));
	if (id < MAX_PROFILE)
		counters(vcpu)->profiled = id;
	o->at = *counters(vcpu);
}

static void region_end(unsigned int vcpu, unsigned int id)
{
	const struct counters *now = counters(vcpu);
	struct open *o = &opened[vcpu][id];
	struct region *r = &regions[id];
	uint32_t *s;
	unsigned int i, m = 1;

	if (!o->is_open)
		return;
	o->is_open = false;
	nr_open[vcpu]--;
	counters(vcpu)->profiled = 0;

	if (!r->sample)
		r->sample = calloc(MAX_SAMPLE, sizeof(*r->sample));
	if (r->n++ >= MAX_SAMPLE)
		return;

	s = r->sample[r->n - 1];
	s[0] = 0;
	for (i = 0; i < nr_classes; i++)
		s[0] += s[m++] = now->class[i] - o->at.class[i];
	for (i = 0; i < nr_probes; i++)
		s[m++] = now->probe[i] - o->at.probe[i];
	for (i = 0; i < 2; i++)
		s[m++] = now->io[i] - o->at.io[i];
	for (i = 0; i < nr_spans; i++)
		s[m++] = o->longest[i];
}

static void region_drop(unsigned int id)
{
	unsigned int i;

	regions[id].n = 0;
	memset(regions[id].io, 0, sizeof(regions[id].io));
	for (i = 0; hits && id < MAX_PROFILE && i < 1u << PROFILE_BITS; i++)
		hits[i].n[id] = 0;
}

static void on_marker(unsigned int vcpu, void *udata)
{
	unsigned int op = (uintptr_t)udata & 0xff, id = (uintptr_t)udata >> 8 & 0xff;

	if (id >= MAX_REGION || vcpu >= MAX_VCPU)
		return;
	switch (op) {
	case TCGMARK_BEGIN:
		region_begin(vcpu, id);
		break;
	case TCGMARK_END:
		region_end(vcpu, id);
		break;
	case TCGMARK_DROP:
		region_drop(id);
		break;
	case TCGMARK_REPORT:
		report(id);
		break;
	}
}

static void on_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *udata)
{
	bool store = qemu_plugin_mem_is_store(info);
	struct qemu_plugin_hwaddr *hw;
	unsigned int id, i;
	uint64_t page;

	if (vcpu >= MAX_VCPU || !nr_open[vcpu])
		return;
	hw = qemu_plugin_get_hwaddr(info, vaddr);
	if (!hw || !qemu_plugin_hwaddr_is_io(hw))
		return;
	counters(vcpu)->io[store]++;
	page = qemu_plugin_hwaddr_phys_addr(hw) >> 12;
	for (id = 0; id < MAX_REGION; id++) {
		if (!opened[vcpu][id].is_open)
			continue;
		for (i = 0; i < MAX_IOPAGE; i++) {
			if (regions[id].io[i].page && regions[id].io[i].page != page)
				continue;
			regions[id].io[i].page = page;
			regions[id].io[i].n[store]++;
			break;
		}
	}
}

/* ---- translation --------------------------------------------------------- */

static bool is_marker(struct qemu_plugin_insn *insn, uint32_t *arg)
{
	uint8_t b[8];

	if (qemu_plugin_insn_data(insn, b, sizeof(b)) != sizeof(b))
		return false;
	if (b[0] != 0x0f || b[1] != 0x1f || b[2] != 0x84 || b[3] != 0x00)
		return false;
	memcpy(arg, b + 4, sizeof(*arg));
	return (*arg & 0xffff0000u) == TCGMARK_MAGIC;
}

static void on_translate(qemu_plugin_id_t plugin, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t addr = qemu_plugin_insn_vaddr(insn);
		unsigned int p;
		uint32_t arg;

		/* Markers are not counted: an empty region is 0. */
		if (is_marker(insn, &arg)) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker,
				QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)(arg & 0xffff));
			continue;
		}

		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
			QEMU_PLUGIN_INLINE_ADD_U64,
			counter(offsetof(struct counters, class) + 8 * class_of(addr)), 1);

		for (p = 0; p < nr_probes; p++)
			if (probes[p].addr == addr)
				qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
					QEMU_PLUGIN_INLINE_ADD_U64,
					counter(offsetof(struct counters, probe) + 8 * p), 1);

		watch_spans(insn, addr);

		if (hits) {
			struct hit *h = hit_of(addr);

			if (h)
				qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, on_profiled,
					QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_NE,
					counter(offsetof(struct counters, profiled)), 0, h);
		}

		if (want_io)
			qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
							 QEMU_PLUGIN_MEM_RW, NULL);
	}
}

/* ---- report -------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report_metric(unsigned int label, unsigned int id, const struct region *r,
			  unsigned int metric, const char *name)
{
	static uint32_t v[MAX_SAMPLE];
	uint64_t n = r->n < MAX_SAMPLE ? r->n : MAX_SAMPLE, i, sum = 0;

	for (i = 0; i < n; i++)
		sum += v[i] = r->sample[i][metric];
	if (!sum && metric)
		return;
	qsort(v, n, sizeof(*v), by_value);
	fprintf(out, "%u\t%u\t%u\t%s\t%" PRIu64 "\t%u\t%u\t%u\t%u\t%.1f\n",
		reports, label, id, name, r->n, v[0], v[n / 2], v[n * 9 / 10], v[n - 1], (double)sum / n);
}

static void report_io(unsigned int id, const struct region *r)
{
	unsigned int i;

	for (i = 0; i < MAX_IOPAGE && r->io[i].page; i++)
		fprintf(out, "#io\t%u\t%u\tpage %" PRIx64 "000\tread %.2f\twrite %.2f per sample\n",
			reports, id, r->io[i].page, (double)r->io[i].n[0] / r->n,
			(double)r->io[i].n[1] / r->n);
}

static void report_profile(unsigned int id, const struct region *r)
{
	unsigned int i;

	for (i = 0; hits && id < MAX_PROFILE && i < 1u << PROFILE_BITS; i++)
		if (hits[i].n[id])
			fprintf(out, "#hit\t%u\t%u\t%" PRIx64 "\t%.3f\n", reports, id,
				hits[i].addr, (double)hits[i].n[id] / r->n);
}

static void report_region(unsigned int label, unsigned int id, const struct region *r)
{
	unsigned int i, m = 0;

	report_metric(label, id, r, m++, "insns");
	for (i = 0; i < nr_classes; i++)
		report_metric(label, id, r, m++, classes[i].name);
	for (i = 0; i < nr_probes; i++)
		report_metric(label, id, r, m++, probes[i].name);
	report_metric(label, id, r, m++, "mmio-read");
	report_metric(label, id, r, m++, "mmio-write");
	for (i = 0; i < nr_spans; i++)
		report_metric(label, id, r, m++, spans[i].name);
	report_io(id, r);
	report_profile(id, r);
}

static void report(unsigned int label)
{
	unsigned int id;

	if (!reports++)
		fprintf(out, "#report\tlabel\tregion\tmetric\tn\tmin\tp50\tp90\tmax\tmean\n");
	for (id = 0; id < MAX_REGION; id++) {
		if (!regions[id].n)
			continue;
		report_region(label, id, &regions[id]);
		region_drop(id);
	}
	fflush(out);
}

static void at_exit(qemu_plugin_id_t plugin, void *udata)
{
	report(0);
	fclose(out);
}

/* ---- arguments ------------------------------------------------------------ */

static bool is_arg(const char *arg, const char *key, const char **value)
{
	size_t n = strlen(key);

	if (strncmp(arg, key, n) || arg[n] != '=')
		return false;
	*value = arg + n + 1;
	return true;
}

/* class=NAME:FIRST:LAST, checked before the default ranges, in order. */
static bool add_class(const char *v)
{
	struct class *c = &classes[nr_classes];

	if (nr_classes >= MAX_CLASS - sizeof(default_classes) / sizeof(*default_classes))
		return false;
	nr_classes++;
	return sscanf(v, "%23[^:]:%" SCNx64 ":%" SCNx64, c->name, &c->first, &c->last) == 3;
}

/* probe=NAME:ADDR, counts executions of the instruction at ADDR. */
static bool add_probe(const char *v)
{
	struct probe *p = &probes[nr_probes];

	if (nr_probes >= MAX_PROBE)
		return false;
	nr_probes++;
	return sscanf(v, "%31[^:]:%" SCNx64, p->name, &p->addr) == 2;
}

/* Parse ADDR[+ADDR..] up to `stop`. Returns the position of `stop`, or NULL. */
static const char *add_addresses(const char *v, struct addresses *a, char stop)
{
	char *end;

	for (; a->n < MAX_SPAN_ADDR; v = end + 1) {
		a->addr[a->n++] = strtoull(v, &end, 16);
		if (end == v || (*end != '+' && *end != stop))
			return NULL;
		if (*end == stop)
			return end;
	}
	return NULL;
}

/* span=NAME:BEGIN[+BEGIN..]:END[+END..], the most instructions from BEGIN to END. */
static bool add_span(const char *v)
{
	struct span *s = &spans[nr_spans];
	const char *addr = strchr(v, ':');

	if (nr_spans >= MAX_SPAN || !addr || addr - v >= (ptrdiff_t)sizeof(s->name))
		return false;
	nr_spans++;
	memcpy(s->name, v, addr - v);
	addr = add_addresses(addr + 1, &s->begin, ':');
	return addr && add_addresses(addr + 1, &s->end, '\0');
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t plugin, const qemu_info_t *info, int argc, char **argv)
{
	const char *v, *path = "tcgcount.tsv";
	int i;

	for (i = 0; i < argc; i++) {
		bool ok = true;

		if (is_arg(argv[i], "out", &v))
			path = v;
		else if (is_arg(argv[i], "class", &v))
			ok = add_class(v);
		else if (is_arg(argv[i], "probe", &v))
			ok = add_probe(v);
		else if (is_arg(argv[i], "span", &v))
			ok = add_span(v);
		else if (is_arg(argv[i], "io", &v))
			want_io = !strcmp(v, "on");
		else if (is_arg(argv[i], "profile", &v))
			want_profile = !strcmp(v, "on");
		else
			ok = false;
		if (!ok) {
			fprintf(stderr, "tcgcount: bad argument '%s'\n", argv[i]);
			return -1;
		}
	}

	memcpy(&classes[nr_classes], default_classes, sizeof(default_classes));
	nr_classes += sizeof(default_classes) / sizeof(*default_classes);

	out = fopen(path, "w");
	if (!out) {
		perror(path);
		return -1;
	}
	if (want_profile)
		hits = calloc(1u << PROFILE_BITS, sizeof(*hits));
	score = qemu_plugin_scoreboard_new(sizeof(struct counters));
	qemu_plugin_register_vcpu_tb_trans_cb(plugin, on_translate);
	qemu_plugin_register_atexit_cb(plugin, at_exit, NULL);
	return 0;
}
