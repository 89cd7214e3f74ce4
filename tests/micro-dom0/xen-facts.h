/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of Xen's own interface that this kernel needs: numbers and layouts, no text
 * of Xen's headers. The PV-IOMMU interface is in include/xen/interface/pv-iommu.h of
 * the repository.
 */
#ifndef MICRO_XEN_FACTS_H
#define MICRO_XEN_FACTS_H

#include <stdint.h>

/* Hypercall numbers. */
#define HC_PLATFORM_OP		7
#define HC_MEMORY_OP		12
#define HC_MULTICALL		13
#define HC_UPDATE_VA_MAPPING	14
#define HC_XEN_VERSION		17
#define HC_CONSOLE_IO		18
#define HC_VCPU_OP		24
#define HC_MMUEXT_OP		26
#define HC_SCHED_OP		29
#define HC_EVENT_CHANNEL_OP	32
#define HC_PHYSDEV_OP		33
#define HC_SYSCTL		35
#define HC_DOMCTL		36
#define HC_KEXEC_OP		37

#define CONSOLEIO_WRITE		0

#define SCHEDOP_SHUTDOWN	2
#define SCHEDOP_POLL		3
#define SHUTDOWN_REBOOT		1

#define PHYSDEVOP_SET_IOPL	6
#define PHYSDEVOP_PCI_DEVICE_ADD	25
#define PHYSDEVOP_PCI_DEVICE_REMOVE	26
#define PCI_DEV_VIRTFN			2

#define MMUEXT_PIN_L1_TABLE	0
#define MMUEXT_UNPIN_TABLE	4
#define UVMF_INVLPG		2

#define XENMEM_DECREASE_RESERVATION	1
#define XENMEM_MACHPHYS_MFN_LIST	5
#define XENMEM_POPULATE_PHYSMAP		6
#define XENMEM_ADD_TO_PHYSMAP		7
#define XENMEM_MEMORY_MAP		9
#define XENMEM_MACHINE_MEMORY_MAP	10
#define XENMEM_EXCHANGE			11
#define XENMEM_REMOVE_FROM_PHYSMAP	15
#define XENMEM_ADD_TO_PHYSMAP_BATCH	23
#define DOMID_SELF			0x7ff0U
#define DOMID_IO			0x7ff1U
#define DOMID_XEN			0x7ff2U
#define XENMAPSPACE_SHARED_INFO		0
#define XENMAPSPACE_GMFN_FOREIGN	4

/* Errors, as Xen returns them negated. */
#define EPERM		1
#define ENOENT		2
#define ESRCH		3
#define EIO		5
#define ENOMEM		12
#define EACCES		13
#define EFAULT		14
#define EBUSY		16
#define EEXIST		17
#define ENODEV		19
#define EINVAL		22
#define ENOSPC		28
#define ERANGE		34
#define ENOSYS		38
#define ETXTBSY		26
#define EOPNOTSUPP	95
#define EADDRINUSE	98

/* Start info of a PV kernel (its address is in rsi). */
struct pv_start_info {
	char magic[32];
	uint64_t nr_pages;
	uint64_t shared_info;		/* machine address */
	uint32_t flags;
	uint32_t pad;
	uint64_t store_mfn;
	uint32_t store_evtchn;
	uint32_t pad2;
	uint64_t console[2];
	uint64_t pt_base;
	uint64_t nr_pt_frames;
	uint64_t mfn_list;		/* virtual address: pfn -> mfn */
	uint64_t mod_start;
	uint64_t mod_len;
	char cmd_line[1024];
};

/* Start info of a PVH kernel (its address is in ebx). */
struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
};

/* The clock in the shared info page: vcpu_info[0].time. */
#define SHARED_INFO_TIME	32
struct xen_time {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad1[2];
};

struct sched_poll {
	uint64_t ports;
	uint32_t nr_ports;
	uint32_t pad;
	uint64_t timeout;		/* absolute system time, ns */
};

/* The struct to add a device has more fields, zero for an ordinary device. */
struct physdev_pci_device {
	uint16_t seg;
	uint8_t bus, devfn;
	uint32_t flags;
	uint8_t physfn[2], pad[2];
	uint32_t optarr[1];
};

struct mmuext_op {
	uint32_t cmd;
	uint32_t pad;
	uint64_t mfn;
	uint64_t arg2;
};

struct multicall_entry {
	uint64_t op;
	int64_t result;
	uint64_t args[6];
};

/* The entry of a 32-bit kernel. */
struct multicall_entry32 {
	uint32_t op;
	int32_t result;
	uint32_t args[6];
};

struct xen_memory_map {
	uint32_t nr_entries;
	uint32_t pad;
	uint64_t buffer;
};

/* 20 bytes each: the E820 layout. */
struct e820_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));
#define E820_RAM	1
#define E820_UNUSABLE	5

struct xen_add_to_physmap {
	uint16_t domid;
	uint16_t size;
	uint32_t space;
	uint64_t idx;
	uint64_t gpfn;
};

struct xen_memory_reservation {
	uint64_t extent_start;
	uint64_t nr_extents;
	uint32_t extent_order;
	uint32_t mem_flags;
	uint16_t domid;
	uint16_t pad[3];
};

struct xen_memory_exchange {
	struct xen_memory_reservation in;
	struct xen_memory_reservation out;
	uint64_t nr_exchanged;
};

/* The first frame of each 2 MiB of Xen's table of all frames, which dom_xen owns. */
struct xen_machphys_mfn_list {
	uint32_t max_extents;
	uint32_t pad;
	uint64_t extent_start;		/* uint64_t [] */
	uint32_t nr_extents;
	uint32_t pad2;
};

struct xen_remove_from_physmap {
	uint16_t domid;
	uint16_t pad[3];
	uint64_t gpfn;
};

struct xen_add_to_physmap_batch {
	uint16_t domid;
	uint16_t space;
	uint16_t size;
	uint16_t foreign_domid;
	uint64_t idxs;			/* uint64_t [] */
	uint64_t gpfns;			/* uint64_t [] */
	uint64_t errs;			/* int [] */
};

/* Event channels: a virtual interrupt is a bit in the shared info page. */
#define EVTCHNOP_BIND_VIRQ	1
#define EVTCHNOP_CLOSE		3
#define SHARED_INFO_PENDING	2048

struct evtchn_bind_virq {
	uint32_t virq;
	uint32_t vcpu;
	uint32_t port;
};

/* Domain control: only the used operations, at their place in the union. */
#define DOMCTL_VERSION		0x17
#define DOMCTL_CREATEDOMAIN	1
#define DOMCTL_DESTROYDOMAIN	2
#define DOMCTL_GETDOMAININFO	5
#define DOMCTL_MAX_MEM		11
#define DOMCTL_ASSIGN_DEVICE	37
#define DOMCTL_DEASSIGN_DEVICE	47

#define DOMCTL_CDF_HVM		(1U << 0)
#define DOMCTL_CDF_IOMMU	(1U << 5)
#define X86_EMU_LAPIC		(1U << 0)
#define DOMINF_DYING		(1U << 0)

struct domctl {
	uint32_t cmd;
	uint32_t version;
	uint16_t domain;
	uint16_t pad[3];
	union {
		struct {
			uint32_t ssidref;
			uint8_t handle[16];
			uint32_t flags;
			uint32_t iommu_opts;
			uint32_t max_vcpus;
			uint32_t max_evtchn_port;
			int32_t max_grant_frames;
			int32_t max_maptrack_frames;
			uint32_t grant_opts;
			uint32_t altp2m_opts;
			uint32_t vmtrace_size;
			uint32_t cpupool_id;
			uint32_t emulation_flags;
			uint32_t misc_flags;
		} create;
		struct {
			uint16_t domain;
			uint16_t pad;
			uint32_t flags;
			uint64_t tot_pages;
		} info;
		struct {
			uint64_t kib;
		} max_mem;
		struct {
			uint32_t type;
			uint32_t flags;
			uint32_t sbdf;
		} device;
		uint64_t room[16];
	} u;
};

#define SYSCTL_VERSION		0x15
#define SYSCTL_PHYSINFO		3

struct sysctl {
	uint32_t cmd;
	uint32_t version;
	union {
		struct {
			uint32_t word[10];
			uint64_t total_pages;
			uint64_t free_pages;
			uint64_t scrub_pages;
		} physinfo;
		uint64_t room[16];
	} u;
};

/* Platform operations, for the hardware domain only. */
#define PLATFORM_VERSION	0x03000001
#define XENPF_ENTER_ACPI_SLEEP	51

struct platform_op {
	uint32_t cmd;
	uint32_t version;
	union {
		struct {
			uint16_t pm1a_control;
			uint16_t pm1b_control;
			uint32_t state;
			uint32_t flags;
		} sleep;
		uint64_t room[16];
	} u;
};

/* Handing the machine over to another kernel. */
#define KEXEC_EXEC		0
#define KEXEC_GET_RANGE		3
#define KEXEC_LOAD		4
#define KEXEC_TYPE_DEFAULT	0
#define KEXEC_TYPE_CRASH	1
#define KEXEC_RANGE_CRASH	0
#define EM_X86_64		62

struct kexec_range {
	uint32_t range;
	uint32_t nr;
	uint64_t size;
	uint64_t start;			/* machine address */
};

struct kexec_segment {
	uint64_t buf;
	uint64_t buf_size;
	uint64_t dest_maddr;
	uint64_t dest_size;
};

struct kexec_load {
	uint8_t type;
	uint8_t pad;
	uint16_t arch;
	uint32_t nr_segments;
	uint64_t segments;
	uint64_t entry_maddr;
};

/* Virtual CPUs of a PV guest. */
#define VCPUOP_INITIALISE	0
#define VCPUOP_UP		1
#define VCPUOP_DOWN		2
#define VGCF_IN_KERNEL		(1UL << 2)
#define PV_KERNEL_CS		0xe033
#define PV_KERNEL_SS		0xe02b

struct pv_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint32_t error_code, entry_vector;
	uint64_t rip;
	uint16_t cs, pad0;
	uint8_t saved_upcall_mask, pad1[3];
	uint64_t rflags, rsp;
	uint64_t ss, es, ds, fs, gs;	/* 16 bits each */
};

struct pv_vcpu_context {
	uint8_t fpu[512] __attribute__((aligned(16)));
	uint64_t flags;
	struct pv_regs regs;
	uint64_t traps[256][2];
	uint64_t ldt_base, ldt_ents;
	uint64_t gdt_frames[16], gdt_ents;
	uint64_t kernel_ss, kernel_sp;
	uint64_t ctrlreg[8];
	uint64_t debugreg[8];
	uint64_t event_eip, failsafe_eip, syscall_eip;
	uint64_t vm_assist;
	uint64_t fs_base, gs_base_kernel, gs_base_user;
};

#endif
