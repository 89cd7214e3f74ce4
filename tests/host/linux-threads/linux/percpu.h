/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Variables of one CPU for each thread of a test; each thread sets its CPU in
 * fake_cpu. As in the kernel, other CPUs may read while the owner adds.
 */
#ifndef FAKE_LINUX_PERCPU_H
#define FAKE_LINUX_PERCPU_H

#define FAKE_CPUS 16U

extern __thread unsigned int fake_cpu;

#define DECLARE_PER_CPU(type, name) \
	extern type fake_pcpu_##name[FAKE_CPUS]; \
	struct fake_pcpu_is_declared_##name
#define DEFINE_PER_CPU(type, name) type fake_pcpu_##name[FAKE_CPUS]

#define per_cpu(name, cpu) (fake_pcpu_##name[cpu])
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < FAKE_CPUS; (cpu)++)

/* Pastes the variable's name, so a member access may follow it. */
#define this_cpu_add(member, n) \
	__atomic_fetch_add(&(fake_pcpu_at(member)), n, __ATOMIC_RELAXED)
#define fake_pcpu_at(member) FAKE_PCPU_##member
#define FAKE_PCPU_xpi_stats fake_pcpu_xpi_stats[fake_cpu]

#endif
