// SPDX-License-Identifier: GPL-2.0
#include "arch.h"
#include "clock.h"
#include "hypercall.h"
#include "smp.h"
#include "test.h"

#define VCPUOP_IS_UP	3

static char stacks[SMP_MAX][16384] __attribute__((aligned(4096)));
static smp_worker *worker;
static unsigned int nr_done;
static bool initialised;

/* Each vCPU starts for one piece of work, and stops after it. */
static _Noreturn void secondary(unsigned long cpu)
{
	for (;;) {
		worker(cpu);
		__atomic_fetch_add(&nr_done, 1, __ATOMIC_SEQ_CST);
		hypercall(HC_VCPU_OP, VCPUOP_DOWN, cpu, 0, 0, 0);
	}
}

static void initialise(unsigned int cpu)
{
	static struct pv_vcpu_context c;

	memset(&c, 0, sizeof(c));
	c.flags = VGCF_IN_KERNEL;
	c.regs.rip = hc_ptr(secondary);
	c.regs.rdi = cpu;
	/* The alignment of the stack after a call. */
	c.regs.rsp = hc_ptr(stacks[cpu] + sizeof(stacks[cpu])) - 8;
	c.regs.cs = PV_KERNEL_CS;
	c.regs.ss = PV_KERNEL_SS;
	c.kernel_ss = PV_KERNEL_SS;
	c.kernel_sp = c.regs.rsp;
	c.ctrlreg[0] = 1UL << 31 | 1;
	c.ctrlreg[3] = arch_root_table_gfn() << PAGE_SHIFT;
	EXPECT(hypercall(HC_VCPU_OP, VCPUOP_INITIALISE, cpu, hc_ptr(&c), 0, 0),
	       0);
}

void smp_need(void)
{
	unsigned int cpu;

	if (option("smp", 1) < SMP_MAX)
		test_skip("needs --smp %u", SMP_MAX);
	if (!arch_is_pv)
		test_skip("this kernel starts more vCPUs as PV only");
	for (cpu = 1; !initialised && cpu < SMP_MAX; cpu++)
		initialise(cpu);
	initialised = true;
}

void smp_start(smp_worker *fn)
{
	unsigned int cpu;

	worker = fn;
	__atomic_store_n(&nr_done, 0, __ATOMIC_SEQ_CST);
	for (cpu = 1; cpu < SMP_MAX; cpu++)
		EXPECT(hypercall(HC_VCPU_OP, VCPUOP_UP, cpu, 0, 0, 0), 0);
}

bool smp_running(void)
{
	return __atomic_load_n(&nr_done, __ATOMIC_SEQ_CST) < SMP_MAX - 1;
}

void smp_finish(void)
{
	uint64_t deadline = clock_ns() + 300000 * MSEC;
	unsigned int cpu;

	while (smp_running()) {
		CHECK(clock_ns() < deadline, "vCPUs are stuck: %u of %u ended",
		      nr_done, SMP_MAX - 1);
		sleep_ms(1);
	}
	for (cpu = 1; cpu < SMP_MAX; cpu++)
		while (hypercall(HC_VCPU_OP, VCPUOP_IS_UP, cpu, 0, 0, 0))
			sleep_ms(1);
}
