/* SPDX-License-Identifier: MIT */
/*
 * PV-IOMMU: the hypercall by which a domain manages IOMMU contexts of its own.
 *
 * This file is the whole contract between the Linux driver and Xen, and both
 * build from these very bytes (Linux: include/xen/interface/pv-iommu.h, Xen:
 * xen/include/public/pv-iommu.h). It includes nothing: the including file must
 * provide uint8_t to uint64_t and int16_t, int32_t.
 *
 * Words used here:
 *   context  one IOMMU page-table tree, named by a number, owned by one domain
 *   iova     what a device puts on the bus, in bytes; dfn = iova >> 12
 *   gfn      a frame in the caller's physical address space; on PV the mfn
 *   leaf     a page-table entry that maps memory; order = log2 of its 4 KiB
 *            pages: 0, 9 or 18
 *   flush    IOTLB (and device-TLB) invalidation, waited for to completion
 *   last     inclusive end of a range
 *
 *
 * Calling convention
 *
 *   long iommu_op(unsigned int cmd, arg0, arg1, arg2, arg3)
 *
 *   cmd   bits 0..7: one of enum xen_pv_iommu_op; bits 8..31: index of the
 *         element to resume at, used by Xen's own continuations. Callers pass 0.
 *   arg0  guest address of an array of the operation's struct
 *   arg1  number of elements, 1 .. xen_pv_iommu_query.max_count
 *   arg2, arg3  must be zero, except for operations that define them
 *
 * Xen processes elements in order and stops at the first that fails. The result
 * is the number of elements completely done. If that is 0, the result is a
 * negative errno instead (the first element may be done in part, see
 * xen_pv_iommu_batch.done). Otherwise the failing element's status has the cause;
 * where the struct has no status, the caller gets it by calling again from that
 * element. The exception is -EIO: a broken context is always reported. Nothing is
 * rolled back. An error stops one call, not the other entries of a multicall.
 *
 * All structs have the same layout for 32- and 64-bit callers. Fields named
 * mbz must be zero, as must undefined flag bits; otherwise -EINVAL. Xen writes
 * OUT fields on errors as well, if it could read the struct.
 *
 *
 * How this interface grows
 *
 * A version adds; it never changes what an older one defined.
 *
 *   - The caller ignores OUT flag bits, feature bits and values of enum
 *     xen_pv_iommu_no_ctx that it does not know. It treats an unknown resv.type
 *     as RESERVED and an unknown fault.reason as OTHER.
 *   - Xen rejects IN flag bits and kinds of names that it does not know with
 *     -EINVAL. Each new one comes with a bit in query.features. A new operation
 *     comes with such a bit or returns -EOPNOTSUPP where it is not supported.
 *   - QUERY changes no state. The version that QUERY returns is information
 *     only: no operation depends on a version that a caller once asked for. Two
 *     kernels of one domain (kexec) may have asked for different ones.
 *   - Structs keep their sizes, except that of QUERY, which carries its size.
 *     A field that does not fit into a struct needs a new operation. Operations
 *     64 to 127 are free for that. 128 to 255 are left to forks.
 *   - A leaf has order 0, 9 or 18 unless a future MAP flag asks for another.
 *   - All contexts share one space of numbers, nested ones included: ATTACH,
 *     CTX_FREE, CTX_INFO, nr_ctx and fault records will support these as well.
 *
 *
 * Errors, one cause each
 *
 *   -EPERM       the security policy (XSM) refuses the caller
 *   -EACCES      the frame may not be mapped so: not the caller's, no iomem
 *                permission, or read-only
 *   -ETXTBSY     the frame's page type forbids a writable leaf (PV page tables
 *                and descriptor tables)
 *   -ENODEV      no such device, or none that the caller may attach
 *   -ENOENT      no such context; no entry at that index; nothing mapped there
 *   -ENOMEM      quota or heap exhausted; nothing changed past `done`
 *   -ENOSPC      no free context that the caller may have, or no hardware
 *                domain id for the context
 *   -EADDRINUSE  a mapping clashes with a reserved region of a device
 *   -EBUSY       the context still has members or nested contexts, or an IOMMU
 *                may use it
 *   -ERANGE      a leaf extends past the range to unmap
 *   -EEXIST      something is mapped there already
 *   -EIO         the context is broken: a flush failed, its devices are blocked
 *   -EINVAL      a malformed request
 *   -EOPNOTSUPP  an operation or feature that this Xen or caller does not have
 *   -EFAULT      the array could not be accessed and nothing was done
 *   -ENOSYS      (from Xen's dispatcher) no PV-IOMMU in this hypervisor
 */
#ifndef __XEN_PUBLIC_PV_IOMMU_H__
#define __XEN_PUBLIC_PV_IOMMU_H__

/* The hypercall number. 43 is in use by other, incompatible builds. */
#ifndef __HYPERVISOR_iommu_op
#define __HYPERVISOR_iommu_op 47
#endif

/*
 * Handshake of QUERY: bits 8..31 name this interface, bits 0..7 its version.
 * A version adds; it never changes what an older one defined.
 */
#define XEN_PV_IOMMU_MAGIC          0x58504900U
#define XEN_PV_IOMMU_MAGIC_MASK     0xffffff00U
#define XEN_PV_IOMMU_VERSION        1U

/**
 * enum xen_pv_iommu_op - operations, bits 0..7 of cmd
 *
 * Numbers are never reused. Unsupported operations return -EOPNOTSUPP.
 *
 * @XEN_PV_IOMMU_OP_QUERY: what this Xen offers (struct xen_pv_iommu_query)
 * @XEN_PV_IOMMU_OP_DEV_QUERY: about one device (struct xen_pv_iommu_dev_query)
 * @XEN_PV_IOMMU_OP_DEV_RESV: one reserved region of a device
 *      (struct xen_pv_iommu_dev_resv)
 * @XEN_PV_IOMMU_OP_CTX_ALLOC: make an empty context (struct xen_pv_iommu_ctx)
 * @XEN_PV_IOMMU_OP_CTX_FREE: free a context (struct xen_pv_iommu_ctx)
 * @XEN_PV_IOMMU_OP_CTX_INFO: figures of a context (struct xen_pv_iommu_ctx)
 * @XEN_PV_IOMMU_OP_ATTACH: put a device into a context
 *      (struct xen_pv_iommu_attach)
 * @XEN_PV_IOMMU_OP_BATCH: map, unmap, flush (struct xen_pv_iommu_batch)
 * @XEN_PV_IOMMU_OP_LOOKUP: what a dfn maps to (struct xen_pv_iommu_lookup)
 * @XEN_PV_IOMMU_OP_FAULT_READ: next fault record (struct xen_pv_iommu_fault)
 * @XEN_PV_IOMMU_OP_RESET: free all contexts (struct xen_pv_iommu_ctx)
 * @XEN_PV_IOMMU_OP_CTX_NEXT: figures of the first context with this number or
 *      a higher one (struct xen_pv_iommu_ctx)
 * @XEN_PV_IOMMU_OP_LOOKUP_NEXT: the first leaf at or above a dfn
 *      (struct xen_pv_iommu_lookup)
 * @XEN_PV_IOMMU_OP_CTX_SET: change a context's limits (struct xen_pv_iommu_ctx)
 * @XEN_PV_IOMMU_OP_BATCH1: reserved: one descriptor in registers
 * @XEN_PV_IOMMU_OP_BUF_REGISTER: reserved: a descriptor buffer known by gfn
 * @XEN_PV_IOMMU_OP_BUF_UNREGISTER: reserved
 * @XEN_PV_IOMMU_OP_BATCH_LIST: reserved: one descriptor and an array of frame
 *      numbers
 * @XEN_PV_IOMMU_OP_POOL: reserved: page-table memory given by the caller
 * @XEN_PV_IOMMU_OP_REMOTE: reserved: for device models. arg2 will be a domid,
 *      arg3 the operation; gfns will be the target's, the array the caller's
 * @XEN_PV_IOMMU_OP_NESTED_ALLOC: reserved: a guest-owned first stage. Will
 *      name the parent context, table format, root and widths
 * @XEN_PV_IOMMU_OP_NESTED_INVALIDATE: reserved: ranged invalidation of one
 * @XEN_PV_IOMMU_OP_PASID_ATTACH: reserved
 * @XEN_PV_IOMMU_OP_PASID_DETACH: reserved
 * @XEN_PV_IOMMU_OP_NESTED_QUERY: reserved: formats and widths per device
 * @XEN_PV_IOMMU_OP_FAULT_RESPOND: reserved: answers to page requests
 * @XEN_PV_IOMMU_OP_DIRTY_SET: reserved: start or stop dirty tracking
 * @XEN_PV_IOMMU_OP_DIRTY_READ: reserved: read and clear dirty bits
 */
enum xen_pv_iommu_op {
	XEN_PV_IOMMU_OP_QUERY             = 0,
	XEN_PV_IOMMU_OP_DEV_QUERY         = 1,
	XEN_PV_IOMMU_OP_DEV_RESV          = 2,
	XEN_PV_IOMMU_OP_CTX_ALLOC         = 3,
	XEN_PV_IOMMU_OP_CTX_FREE          = 4,
	XEN_PV_IOMMU_OP_CTX_INFO          = 5,
	XEN_PV_IOMMU_OP_ATTACH            = 6,
	XEN_PV_IOMMU_OP_BATCH             = 7,
	XEN_PV_IOMMU_OP_LOOKUP            = 8,
	XEN_PV_IOMMU_OP_FAULT_READ        = 9,
	XEN_PV_IOMMU_OP_RESET             = 10,
	XEN_PV_IOMMU_OP_CTX_NEXT          = 11,
	XEN_PV_IOMMU_OP_LOOKUP_NEXT       = 12,
	XEN_PV_IOMMU_OP_CTX_SET           = 13,
	XEN_PV_IOMMU_OP_BATCH1            = 16,
	XEN_PV_IOMMU_OP_BUF_REGISTER      = 17,
	XEN_PV_IOMMU_OP_BUF_UNREGISTER    = 18,
	XEN_PV_IOMMU_OP_BATCH_LIST        = 19,
	XEN_PV_IOMMU_OP_POOL              = 32,
	XEN_PV_IOMMU_OP_REMOTE            = 33,
	XEN_PV_IOMMU_OP_NESTED_ALLOC      = 34,
	XEN_PV_IOMMU_OP_NESTED_INVALIDATE = 35,
	XEN_PV_IOMMU_OP_PASID_ATTACH      = 36,
	XEN_PV_IOMMU_OP_PASID_DETACH      = 37,
	XEN_PV_IOMMU_OP_NESTED_QUERY      = 38,
	XEN_PV_IOMMU_OP_FAULT_RESPOND     = 39,
	XEN_PV_IOMMU_OP_DIRTY_SET         = 40,
	XEN_PV_IOMMU_OP_DIRTY_READ        = 41
};

#define XEN_PV_IOMMU_CMD_OP_MASK        0xffU
#define XEN_PV_IOMMU_CMD_RESUME_SHIFT   8
/* max_count stays below this, so that an index fits the bits above. */
#define XEN_PV_IOMMU_COUNT_LIMIT        (1U << 24)

/*
 * Context numbers. They mean the same in every field, 16 or 32 bits wide.
 * A context is known to its owner only: one domain's 5 is not another's.
 *
 * DEFAULT is the domain's ordinary table, set up as Xen was booted
 * (pass-through, relaxed or strict). BLOCKED is an empty table that is always
 * there; no device can reach memory from it, not even its own DIRECT regions.
 * Attaching to either allocates nothing and fails only with -ENODEV or -EIO.
 * Nothing can be mapped in them, and neither can be freed: -ENOENT. CTX_INFO and
 * LOOKUP accept BLOCKED, but not DEFAULT.
 */
#define XEN_PV_IOMMU_CTX_DEFAULT        0U
#define XEN_PV_IOMMU_CTX_FIRST          1U
#define XEN_PV_IOMMU_CTX_LAST           0xffefU
#define XEN_PV_IOMMU_CTX_BLOCKED        0xfffeU
#define XEN_PV_IOMMU_CTX_INVALID        0xffffU

/**
 * enum xen_pv_iommu_dev_type - how a device is named
 * @XEN_PV_IOMMU_DEV_PCI: id is segment << 16 | bus << 8 | devfn, as Xen itself
 *      shows the device to the caller: the machine's name for the hardware
 *      domain, the virtual name where Xen's vPCI serves the caller
 * @XEN_PV_IOMMU_DEV_DT: id is the value of the node's xen,iommu-protected
 *      property in the caller's device tree
 * @XEN_PV_IOMMU_DEV_PCI_MACHINE: reserved: the machine's segment << 16 |
 *      bus << 8 | devfn, for callers that learned it from xenstore
 * @XEN_PV_IOMMU_DEV_ACPI: reserved: a named component of the IORT
 *
 * OUT fields name a device in the way in which the caller attached it.
 */
enum xen_pv_iommu_dev_type {
	XEN_PV_IOMMU_DEV_PCI         = 0,
	XEN_PV_IOMMU_DEV_DT          = 1,
	XEN_PV_IOMMU_DEV_PCI_MACHINE = 2,
	XEN_PV_IOMMU_DEV_ACPI        = 3
};

/**
 * struct xen_pv_iommu_dev - the name of a device
 * @type: IN. enum xen_pv_iommu_dev_type
 * @id: IN. see there
 * @mbz: must be zero
 */
struct xen_pv_iommu_dev {
	uint32_t type;
	uint32_t id;
	uint64_t mbz;
};

/* xen_pv_iommu_query.features */
/* UNMAP accepts F_NOFLUSH: the flush may be left to a later SYNC. */
#define XEN_PV_IOMMU_FEAT_DEFER         (1U << 0)
/* MAP accepts F_MMIO. */
#define XEN_PV_IOMMU_FEAT_MMIO          (1U << 1)
/* MAP accepts F_FOREIGN. */
#define XEN_PV_IOMMU_FEAT_FOREIGN       (1U << 2)
/* CTX_BLOCKED may be attached. */
#define XEN_PV_IOMMU_FEAT_BLOCKED       (1U << 3)
/* FAULT_READ is supported and query.fault_virq is raised. */
#define XEN_PV_IOMMU_FEAT_FAULTS        (1U << 4)
/* LOOKUP returns the gfn of every mapping except those of foreign frames. */
#define XEN_PV_IOMMU_FEAT_LOOKUP_GFN    (1U << 5)
/* All translated DMA snoops the caches, whatever the device asks for. */
#define XEN_PV_IOMMU_FEAT_SNOOP_FORCED  (1U << 6)
/* Devices with address translation services enabled may be attached. */
#define XEN_PV_IOMMU_FEAT_ATS_OK        (1U << 7)
/* Reserved: guest-owned first-stage tables. */
#define XEN_PV_IOMMU_FEAT_NESTED        (1U << 8)
/* Reserved. */
#define XEN_PV_IOMMU_FEAT_DOMU          (1U << 9)
/* Every IOMMU of the machine remaps interrupts: no device can forge one. */
#define XEN_PV_IOMMU_FEAT_MSI_ISOLATED  (1U << 10)
/* CTX_ALLOC accepts pt_pages_max and CTX_F_RESERVE; CTX_SET is supported. */
#define XEN_PV_IOMMU_FEAT_LIMITS        (1U << 11)
/* CTX_NEXT and LOOKUP_NEXT are supported. */
#define XEN_PV_IOMMU_FEAT_NEXT          (1U << 12)
/* ATTACH accepts F_RELAX; DEV_RESV returns DIRECT_RELAXABLE regions. */
#define XEN_PV_IOMMU_FEAT_RELAX         (1U << 13)

/**
 * struct xen_pv_iommu_query - what this Xen offers to the caller
 * @size: IN/OUT. IN: bytes of the caller's struct, 16 .. 4096. OUT: bytes that
 *      Xen knows; Xen zeroes the rest of the caller's struct
 * @magic_version: IN/OUT. IN: magic and the highest version the caller supports.
 *      OUT: magic and the version that Xen uses for the caller
 * @features: OUT. XEN_PV_IOMMU_FEAT_*
 * @max_ctx: OUT. contexts that the domain may have at a time
 * @pgsize_bitmap: OUT. leaf sizes, one bit each, in bytes
 * @iova_last: OUT. last byte that can be translated behind every IOMMU
 * @max_count: OUT. largest arg1
 * @max_nr: OUT. largest xen_pv_iommu_batch.nr, in 4 KiB pages
 * @nr_ctx: OUT. contexts that the domain has now
 * @pt_pages_max: OUT. 4 KiB pages of page tables that the domain may use
 * @pt_pages: OUT. 4 KiB pages of page tables that the domain uses now
 * @fault_virq: OUT. VIRQ raised for the calling domain when a fault was
 *      recorded, 0 = none
 * @mbz: must be zero
 * @pt_pages_reserve: OUT. pages of pt_pages_max that only contexts with
 *      CTX_F_RESERVE may use
 * @ctx_reserve: OUT. contexts of max_ctx that only those may use
 *
 * Errors: -EINVAL size, magic or arg1 (must be 1); -EOPNOTSUPP no IOMMU that
 * could serve a context.
 */
struct xen_pv_iommu_query {
	uint32_t size;
	uint32_t magic_version;
	uint32_t features;
	uint32_t max_ctx;
	uint64_t pgsize_bitmap;
	uint64_t iova_last;
	uint32_t max_count;
	uint32_t max_nr;
	uint32_t nr_ctx;
	uint32_t pt_pages_max;
	uint32_t pt_pages;
	uint32_t fault_virq;
	uint64_t mbz;
	uint32_t pt_pages_reserve;
	uint32_t ctx_reserve;
};

/* xen_pv_iommu_dev_query.flags */
/* The device may be attached to contexts. */
#define XEN_PV_IOMMU_DEV_F_CAN_CTX      (1U << 0)
/* Its DMA is translated now, in the context it is in. */
#define XEN_PV_IOMMU_DEV_F_PROTECTED    (1U << 1)
/* Address translation services are enabled. */
#define XEN_PV_IOMMU_DEV_F_ATS          (1U << 2)
/* DEV_RESV has DIRECT or DIRECT_RELAXABLE regions for it. */
#define XEN_PV_IOMMU_DEV_F_HAS_DIRECT   (1U << 3)
/* It shares its requester id with other devices, see group. */
#define XEN_PV_IOMMU_DEV_F_ALIASED      (1U << 4)
/* The IOMMU's own page-table reads are coherent with the CPU caches. */
#define XEN_PV_IOMMU_DEV_F_COHERENT_WALK (1U << 5)
/* Interrupts through its IOMMU are remapped. */
#define XEN_PV_IOMMU_DEV_F_MSI_ISOLATED (1U << 6)
/* Assigned to another domain; ATTACH sets the context used when it returns. */
#define XEN_PV_IOMMU_DEV_F_ABSENT       (1U << 7)
/* Bits 24..31: why CAN_CTX is not set, enum xen_pv_iommu_no_ctx. */
#define XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT 24

/**
 * enum xen_pv_iommu_no_ctx - why a device cannot be attached to contexts
 * @XEN_PV_IOMMU_NO_CTX_NONE: it can
 * @XEN_PV_IOMMU_NO_CTX_BRIDGE: a bridge: Xen never gives it a table
 * @XEN_PV_IOMMU_NO_CTX_NO_IOMMU: no IOMMU translates for it
 * @XEN_PV_IOMMU_NO_CTX_IS_IOMMU: it is (a function of) an IOMMU
 * @XEN_PV_IOMMU_NO_CTX_QUIRK: Xen does not move it because of a hardware quirk
 * @XEN_PV_IOMMU_NO_CTX_ATS: ATS is enabled and FEAT_ATS_OK is not set
 * @XEN_PV_IOMMU_NO_CTX_SHARED_ID: another domain's device has its requester id
 */
enum xen_pv_iommu_no_ctx {
	XEN_PV_IOMMU_NO_CTX_NONE      = 0,
	XEN_PV_IOMMU_NO_CTX_BRIDGE    = 1,
	XEN_PV_IOMMU_NO_CTX_NO_IOMMU  = 2,
	XEN_PV_IOMMU_NO_CTX_IS_IOMMU  = 3,
	XEN_PV_IOMMU_NO_CTX_QUIRK     = 4,
	XEN_PV_IOMMU_NO_CTX_ATS       = 5,
	XEN_PV_IOMMU_NO_CTX_SHARED_ID = 6
};

/**
 * struct xen_pv_iommu_dev_query - what Xen knows about a device
 * @dev: IN. the device
 * @flags: OUT. XEN_PV_IOMMU_DEV_F_* and the reason bits
 * @ctx: OUT. the context it is in, or returns to while ABSENT
 * @group: OUT. a number without further meaning; devices with the same number
 *      share a requester id. It does not describe isolation between functions
 *      of one device
 * @nr_resv: OUT. number of regions DEV_RESV has for it
 * @pgsize_bitmap: OUT. leaf sizes of its IOMMU
 * @iova_last: OUT. last byte its IOMMU can translate
 * @pasid_bits: OUT. width of a PASID; 0: no PASID support
 * @iommu_id: OUT. which IOMMU, an index without further meaning
 * @mbz: must be zero
 *
 * Errors: -ENODEV unknown to Xen, or neither the caller's nor assigned by it to
 * another domain.
 */
struct xen_pv_iommu_dev_query {
	struct xen_pv_iommu_dev dev;
	uint32_t flags;
	uint32_t ctx;
	uint32_t group;
	uint32_t nr_resv;
	uint64_t pgsize_bitmap;
	uint64_t iova_last;
	uint32_t pasid_bits;
	uint32_t iommu_id;
	uint64_t mbz;
};

/**
 * enum xen_pv_iommu_resv_type - what a reserved region is for
 * @XEN_PV_IOMMU_RESV_RESERVED: never translated; MAP there fails
 * @XEN_PV_IOMMU_RESV_DIRECT: the device needs these addresses mapped 1:1
 *      (RMRR). Xen maps them at ATTACH and unmaps them when the last such
 *      device has left; the caller can neither map nor unmap there
 * @XEN_PV_IOMMU_RESV_MSI_HW: writes there are interrupts, not memory
 * @XEN_PV_IOMMU_RESV_MSI_DOORBELL: the interrupt controller's page, mapped by
 *      Xen at ATTACH (Arm)
 * @XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE: as DIRECT, but needed only until a
 *      driver has taken the device over (USB, graphics). Xen maps the region
 *      unless ATTACH has F_RELAX; with F_RELAX the region is ordinary iova
 *
 * MAP into any of them returns -EADDRINUSE, as does UNMAP within a region that
 * Xen has mapped. UNMAP skips the other regions.
 */
enum xen_pv_iommu_resv_type {
	XEN_PV_IOMMU_RESV_RESERVED     = 0,
	XEN_PV_IOMMU_RESV_DIRECT       = 1,
	XEN_PV_IOMMU_RESV_MSI_HW       = 2,
	XEN_PV_IOMMU_RESV_MSI_DOORBELL = 3,
	XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE = 4
};

/**
 * struct xen_pv_iommu_dev_resv - one reserved iova region of a device
 * @dev: IN. the device
 * @start: OUT. first byte
 * @last: OUT. last byte
 * @index: IN. which region, 0 .. nr_resv - 1
 * @type: OUT. enum xen_pv_iommu_resv_type
 * @mbz: must be zero
 *
 * Errors: -ENODEV as for DEV_QUERY; -ENOENT index >= nr_resv.
 */
struct xen_pv_iommu_dev_resv {
	struct xen_pv_iommu_dev dev;
	uint64_t start;
	uint64_t last;
	uint32_t index;
	uint32_t type;
	uint64_t mbz;
};

/* xen_pv_iommu_ctx.flags: OUT of CTX_INFO, CTX_NEXT, CTX_SET, CTX_ALLOC */
#define XEN_PV_IOMMU_CTX_F_BROKEN       (1U << 0)
/* Reserved: a nested context. */
#define XEN_PV_IOMMU_CTX_F_NESTED       (1U << 1)
/* IN of CTX_ALLOC and CTX_SET, OUT of CTX_INFO: may use the reserve. */
#define XEN_PV_IOMMU_CTX_F_RESERVE      (1U << 2)
/* xen_pv_iommu_ctx.flags: IN of RESET, exactly one */
#define XEN_PV_IOMMU_CTX_F_TO_DEFAULT   (1U << 8)
#define XEN_PV_IOMMU_CTX_F_TO_BLOCKED   (1U << 9)

/**
 * struct xen_pv_iommu_ctx - CTX_ALLOC, CTX_FREE, CTX_INFO, CTX_NEXT, CTX_SET,
 * RESET
 * @ctx: OUT of CTX_ALLOC, IN of CTX_FREE, CTX_INFO and CTX_SET (BLOCKED allowed
 *      for CTX_INFO), IN/OUT of CTX_NEXT, must be 0 for RESET
 * @flags: IN/OUT. XEN_PV_IOMMU_CTX_F_*
 * @iova_last: OUT. last byte that can be mapped
 * @pt_pages_max: IN/OUT. page-table pages that the context may use, 0 = Xen's
 *      default
 * @pt_pages: OUT. page-table pages that the context uses
 * @nr_mapped: OUT. 4 KiB pages mapped in it
 *
 * IN fields are @ctx, @flags and, for CTX_ALLOC and CTX_SET, @pt_pages_max.
 * CTX_ALLOC and CTX_SET require all other fields to be zero on input, CTX_ALLOC
 * @ctx as well.
 *
 * Xen allocates context numbers cyclically, so that a stale number returns
 * -ENOENT for a long time and does not name another context.
 *
 * The quota of page-table pages is the domain's, query.pt_pages_max. A part of
 * it, and of the context numbers, is a reserve for contexts with F_RESERVE: a
 * kernel's own maps get page tables however much other contexts use. A
 * context without F_RESERVE may by default use half of what such contexts may
 * use together; one with F_RESERVE may use the whole quota. Xen lowers a larger
 * @pt_pages_max to what the context can use and returns the limit in force. A
 * context above a lowered limit keeps what it uses and gets no more.
 * CTX_SET sets F_RESERVE, or clears it. Clearing it returns -ENOSPC while the
 * contexts without F_RESERVE are as many as these may be.
 *
 * CTX_NEXT returns the figures of the first context whose number is @ctx or
 * higher, in the order of numbers; BLOCKED is not among them.
 *
 * CTX_FREE unmaps, flushes and frees; it cannot run out of memory.
 * RESET frees all contexts of the domain. Each of its devices that is in one
 * goes to DEFAULT if TO_DEFAULT is set and it is not a bus master now, else to
 * BLOCKED: a device that is still a bus master uses iovas without meaning there.
 *
 * Errors: CTX_ALLOC -ENOSPC, -ENOMEM, -EINVAL, -EOPNOTSUPP; CTX_FREE -ENOENT,
 * -EBUSY; CTX_INFO, CTX_NEXT -ENOENT; CTX_SET -ENOENT, -EINVAL, -ENOSPC; RESET
 * -EIO or -EBUSY if a device could not be moved.
 */
struct xen_pv_iommu_ctx {
	uint32_t ctx;
	uint32_t flags;
	uint64_t iova_last;
	uint32_t pt_pages_max;
	uint32_t pt_pages;
	uint64_t nr_mapped;
};

/* xen_pv_iommu_attach.flags, OUT: nothing moved yet, the device is away. */
#define XEN_PV_IOMMU_ATTACH_F_ABSENT    (1U << 0)
/* IN: leave the device's DIRECT_RELAXABLE regions to the caller. */
#define XEN_PV_IOMMU_ATTACH_F_RELAX     (1U << 1)

/**
 * struct xen_pv_iommu_attach - move a device into a context
 * @dev: IN. the device; every requester id it uses moves with it, or none does.
 *      It may leave a context even while NO_CTX_SHARED_ID: an id shared with
 *      another domain's device then stays with that device
 * @ctx: IN. the context
 * @flags: IN F_RELAX or zero, OUT F_ABSENT or zero
 * @prev_ctx: OUT. the context it was in
 * @status: OUT. 0 or -errno of this element
 *
 * The device is in the old context or in the new (or, on Arm, for a moment in
 * BLOCKED), and after an error in the old one. On return everything that the
 * device had cached from the old context is flushed.
 *
 * F_RELAX holds until the device leaves the context. ATTACH to the context that
 * the device is in already changes nothing, F_RELAX included.
 *
 * Errors: -ENODEV, -ENOENT, -ENOSPC, -EADDRINUSE, -ENOMEM, -EIO.
 */
struct xen_pv_iommu_attach {
	struct xen_pv_iommu_dev dev;
	uint32_t ctx;
	uint32_t flags;
	uint32_t prev_ctx;
	int32_t status;
};

/**
 * enum xen_pv_iommu_batch_op - what a descriptor asks for
 * @XEN_PV_IOMMU_BATCH_NOP: nothing; counts as done
 * @XEN_PV_IOMMU_BATCH_MAP: map dfn .. dfn+nr-1 to gfn .. gfn+nr-1
 * @XEN_PV_IOMMU_BATCH_UNMAP: unmap dfn .. dfn+nr-1
 * @XEN_PV_IOMMU_BATCH_SYNC: flush every unmap of the context that came before
 */
enum xen_pv_iommu_batch_op {
	XEN_PV_IOMMU_BATCH_NOP   = 0,
	XEN_PV_IOMMU_BATCH_MAP   = 1,
	XEN_PV_IOMMU_BATCH_UNMAP = 2,
	XEN_PV_IOMMU_BATCH_SYNC  = 3
};

/* xen_pv_iommu_batch.flags; R, W, MMIO and FOREIGN are OUT of LOOKUP also */
/* The device may read. */
#define XEN_PV_IOMMU_F_R                (1U << 0)
/* The device may write. */
#define XEN_PV_IOMMU_F_W                (1U << 1)
/* The frames are device memory; without this flag only RAM is mapped. */
#define XEN_PV_IOMMU_F_MMIO             (1U << 2)
/* The frames may belong to another domain (granted or foreign mappings). */
#define XEN_PV_IOMMU_F_FOREIGN          (1U << 3)
/* UNMAP: leave the flush to a SYNC. Needs FEAT_DEFER. */
#define XEN_PV_IOMMU_F_NOFLUSH          (1U << 4)
/* Reserved, MAP: the device may not fetch instructions. */
#define XEN_PV_IOMMU_F_NOEXEC           (1U << 5)
/* Reserved, MAP: privileged accesses only. */
#define XEN_PV_IOMMU_F_PRIV             (1U << 6)
/* Reserved, MAP: gfn is a grant reference. */
#define XEN_PV_IOMMU_F_GRANT            (1U << 7)

/**
 * struct xen_pv_iommu_batch - one descriptor: one run to map or unmap
 * @dfn: IN. first device frame
 * @gfn: IN. MAP: first guest frame; else must be zero
 * @nr: IN. 4 KiB pages, 1 .. max_nr; zero for SYNC and NOP
 * @done: IN/OUT. pages of nr that are done. The caller sets 0; Xen starts there
 * @ctx: IN. the context, neither DEFAULT nor BLOCKED
 * @op: IN. enum xen_pv_iommu_batch_op
 * @order: IN. MAP: largest leaf to use, 0, 9 or 18; else must be zero
 * @flags: IN. XEN_PV_IOMMU_F_*; MAP needs R or W or both
 * @status: OUT. 0 or -errno of this element
 *
 * MAP uses the largest leaf that order, the alignment of dfn and gfn and what
 * remains of the run allow, provided that the machine frames behind the gfns
 * are contiguous and aligned as well (on PV they are). A leaf is mapped whole or
 * not at all: if Xen refuses one of its frames, it does not retry with smaller
 * leaves; done stops before the leaf and status has that frame's error. RAM is
 * mapped with order 18 only where a feature bit says so; none does yet. Nothing
 * present is ever replaced: -EEXIST.
 *
 * UNMAP skips holes and counts them as done. It neither allocates nor splits: it
 * stops with -ERANGE at a leaf that extends past the range. Unless NOFLUSH is set
 * the range is flushed on return, in one flush for as many leaves as possible, and
 * Xen releases the frames only after that.
 *
 * On return MAP is in force for the device, with one exception: over a dfn that
 * was unmapped with NOFLUSH the MAP is in force after the next SYNC.
 *
 * Errors: -EINVAL, -ENOENT, -EEXIST, -ERANGE, -EACCES, -ETXTBSY, -ENOMEM,
 * -EADDRINUSE, -EIO; -EOPNOTSUPP for NOFLUSH, MMIO or FOREIGN without the
 * feature.
 */
struct xen_pv_iommu_batch {
	uint64_t dfn;
	uint64_t gfn;
	uint32_t nr;
	uint32_t done;
	uint16_t ctx;
	uint8_t op;
	uint8_t order;
	uint16_t flags;
	int16_t status;
};

/* xen_pv_iommu_lookup.gfn: the frame has no known gfn. */
#define XEN_PV_IOMMU_GFN_UNKNOWN        (~(uint64_t)0)

/**
 * struct xen_pv_iommu_lookup - LOOKUP, LOOKUP_NEXT: what the page tables hold
 * @dfn: IN. the device frame. IN/OUT of LOOKUP_NEXT: first device frame of the
 *      leaf
 * @gfn: OUT. its guest frame or XEN_PV_IOMMU_GFN_UNKNOWN
 * @ctx: IN. the context, not DEFAULT
 * @flags: OUT. XEN_PV_IOMMU_F_* of the mapping
 * @order: OUT. of the leaf
 * @mbz: must be zero
 *
 * LOOKUP_NEXT returns the first leaf that maps @dfn or a higher frame. The search
 * for the next leaf starts at @dfn + (1 << @order). On -ENOENT @dfn has no
 * meaning. LOOKUP_NEXT also returns 1:1 regions that Xen mapped.
 *
 * Errors: -ENOENT no such context, or nothing mapped; -EINVAL.
 */
struct xen_pv_iommu_lookup {
	uint64_t dfn;
	uint64_t gfn;
	uint32_t ctx;
	uint16_t flags;
	uint16_t order;
	uint64_t mbz;
};

/* xen_pv_iommu_fault.flags */
#define XEN_PV_IOMMU_FAULT_F_WRITE      (1U << 0)
/* Xen has turned the device's bus mastering off, as it does in DEFAULT. */
#define XEN_PV_IOMMU_FAULT_F_DISABLED   (1U << 1)
/* pasid is valid. */
#define XEN_PV_IOMMU_FAULT_F_PASID      (1U << 2)
/*
 * The device faults too often; in contexts other than DEFAULT. Its IOMMU reports
 * none of its faults for about a second, or until the next ATTACH. Those faults
 * are lost and not counted.
 */
#define XEN_PV_IOMMU_FAULT_F_SUPPRESSED (1U << 3)

/**
 * enum xen_pv_iommu_fault_reason - why DMA was refused
 * @XEN_PV_IOMMU_FAULT_OTHER: none of the others
 * @XEN_PV_IOMMU_FAULT_UNMAPPED: nothing is mapped there
 * @XEN_PV_IOMMU_FAULT_PERM: mapped, but not for this kind of access
 * @XEN_PV_IOMMU_FAULT_RANGE: beyond the aperture
 */
enum xen_pv_iommu_fault_reason {
	XEN_PV_IOMMU_FAULT_OTHER    = 0,
	XEN_PV_IOMMU_FAULT_UNMAPPED = 1,
	XEN_PV_IOMMU_FAULT_PERM     = 2,
	XEN_PV_IOMMU_FAULT_RANGE    = 3
};

/**
 * struct xen_pv_iommu_fault - one DMA that was refused
 * @dev: OUT. the device, or one that shares its requester id
 * @iova: OUT. the address
 * @ctx: OUT. the context it was in
 * @pasid: OUT. valid with FAULT_F_PASID
 * @reason: OUT. enum xen_pv_iommu_fault_reason
 * @flags: OUT. XEN_PV_IOMMU_FAULT_F_*
 * @lost: OUT. records lost since the previous record, because Xen had no room
 *      for them
 * @time: OUT. system time, nanoseconds
 *
 * Errors: -ENOENT no record left.
 */
struct xen_pv_iommu_fault {
	struct xen_pv_iommu_dev dev;
	uint64_t iova;
	uint32_t ctx;
	uint32_t pasid;
	uint16_t reason;
	uint16_t flags;
	uint32_t lost;
	uint64_t time;
};

#endif /* __XEN_PUBLIC_PV_IOMMU_H__ */
