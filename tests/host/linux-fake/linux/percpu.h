/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Variables of two CPUs; the test sets the current CPU in fake_cpu.
 */
#ifndef FAKE_LINUX_PERCPU_H
#define FAKE_LINUX_PERCPU_H

#define FAKE_CPUS 2U

extern unsigned int fake_cpu __attribute__((__weak__));

static inline unsigned int fake_this_cpu(void)
{
	return &fake_cpu ? fake_cpu : 0;
}

/* The first CPU's variable has the plain name; the others are next to it. */
#define DECLARE_PER_CPU(type, name) \
	extern type fake_pcpu_##name[FAKE_CPUS]; \
	struct fake_pcpu_is_declared_##name
#define DEFINE_PER_CPU(type, name) type fake_pcpu_##name[FAKE_CPUS]

#define per_cpu(name, cpu) (fake_pcpu_##name[cpu])
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < FAKE_CPUS; (cpu)++)

/* Pastes the variable's name, so a member access may follow it. */
#define this_cpu_add(member, n) (fake_pcpu_at(member) += (n))
#define fake_pcpu_at(member) FAKE_PCPU_##member
#define FAKE_PCPU_xpi_stats fake_pcpu_xpi_stats[fake_this_cpu()]

#endif
