/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of Xen that the hypervisor half needs to compile and run in a test
 * program. The compiler includes it by force before each of its sources. Includes
 * of Xen's headers in these sources find empty files, which tests/host/xen.mk
 * makes.
 *
 * Programs have one thread. A function that a test observes or makes fail is
 * defined in machine.h; the rest is inline.
 */
#ifndef XEN_FAKE_H
#define XEN_FAKE_H

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_X86 1
#define CONFIG_HVM 1
#define CONFIG_PV 1
#define CONFIG_IOMMU_CTX 1
#define CONFIG_SHADOW_PAGING 1
/* 1 if the option is defined as 1, else 0. */
#define FAKE_COMMA_1 0,
#define FAKE_SECOND(first, second, ...) (second)
#define FAKE_ENABLED(comma_or_not) FAKE_SECOND(comma_or_not 1, 0, 0)
#define FAKE_EXPANDED(value) FAKE_ENABLED(FAKE_COMMA_##value)
#define IS_ENABLED(option) FAKE_EXPANDED(option)

#ifndef ERESTART
#define ERESTART 85
#endif

#define __init
#define __ro_after_init
#define __read_mostly
#define __must_check
#define __initconst_cf_clobber
#define cf_check
#define noinline __attribute__((__noinline__))
#define always_inline inline

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define min_t(t, a, b) ((t)(a) < (t)(b) ? (t)(a) : (t)(b))
#define max_t(t, a, b) ((t)(a) > (t)(b) ? (t)(a) : (t)(b))
#define min(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); \
		     a_ < b_ ? a_ : b_; })
#define max(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); \
		     a_ > b_ ? a_ : b_; })
#define likely(x) (x)
#define unlikely(x) (x)

/* A failed assertion ends the test, not the program. */
void __attribute__((__noreturn__)) fake_assert(const char *file, int line,
					       const char *what);
#define ASSERT(cond) \
	do { if (!(cond)) fake_assert(__FILE__, __LINE__, #cond); } while (0)
#define BUILD_BUG_ON(cond) _Static_assert(!(cond), #cond)
#define ASSERT_UNREACHABLE() fake_assert(__FILE__, __LINE__, "unreachable")

/* Counts messages and keeps the last ones: fake_log in machine.h. */
extern unsigned int fake_printks;
void fake_printk(const char *fmt, ...);
#define XENLOG_ERR ""
#define XENLOG_WARNING ""
#define XENLOG_INFO ""
#define XENLOG_G_WARNING ""
#define printk(...) fake_printk(__VA_ARGS__)
#define printk_once(...) fake_printk(__VA_ARGS__)

#define IS_ERR(p) ((uintptr_t)(p) >= (uintptr_t)-4095)
#define PTR_ERR(p) ((long)(p))
static inline void *ERR_PTR(long err)
{
	return (void *)err;
}

#define read_atomic(p) (*(volatile __typeof__(*(p)) *)(p))
#define write_atomic(p, x) ((void)(*(volatile __typeof__(*(p)) *)(p) = (x)))
#define ACCESS_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define smp_mb() ((void)0)
#define smp_wmb() ((void)0)
#define smp_rmb() ((void)0)
#define smp_mb__before_atomic() ((void)0)

typedef struct { int counter; } atomic_t;
#define ATOMIC_INIT(n) { (n) }
#define atomic_read(a) ((a)->counter)
#define atomic_set(a, v) ((void)((a)->counter = (v)))
#define atomic_inc(a) ((void)++(a)->counter)
#define atomic_dec(a) ((void)--(a)->counter)
#define atomic_inc_return(a) (++(a)->counter)
#define atomic_dec_and_test(a) (--(a)->counter == 0)

/* Memory that can run out. */
void *fake_alloc(size_t bytes);
void fake_free(void *p);
#define xzalloc(type) ((type *)fake_alloc(sizeof(type)))
#define xzalloc_array(type, n) ((type *)fake_alloc(sizeof(type) * (n)))
#define xmalloc_array(type, n) ((type *)fake_alloc(sizeof(type) * (n)))
#define xmalloc(type) ((type *)fake_alloc(sizeof(type)))
#define xfree(p) fake_free(p)
#define XFREE(p) do { fake_free(p); (p) = NULL; } while (0)

/* Lists. */
struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name) struct list_head name = { &(name), &(name) }

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h->prev = h;
}

static inline void list_add(struct list_head *e, struct list_head *h)
{
	e->next = h->next;
	e->prev = h;
	h->next->prev = e;
	h->next = e;
}

static inline void list_add_tail(struct list_head *e, struct list_head *h)
{
	list_add(e, h->prev);
}

/* Clears the links, so that use after removal crashes. */
static inline void list_del(struct list_head *e)
{
	e->next->prev = e->prev;
	e->prev->next = e->next;
	e->next = e->prev = NULL;
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_for_each_entry(p, h, member)				\
	for ((p) = list_entry((h)->next, __typeof__(*(p)), member);	\
	     &(p)->member != (h);					\
	     (p) = list_entry((p)->member.next, __typeof__(*(p)), member))
#define list_for_each_entry_safe(p, n, h, member)			\
	for ((p) = list_entry((h)->next, __typeof__(*(p)), member),	\
	     (n) = list_entry((p)->member.next, __typeof__(*(p)), member); \
	     &(p)->member != (h);					\
	     (p) = (n),							\
	     (n) = list_entry((n)->member.next, __typeof__(*(n)), member))

/* Locks: machine.h checks which CPU holds which. */
typedef struct { bool held; } spinlock_t;
typedef struct { int readers; bool writer; } rwlock_t;
#define spin_lock_init(l) ((void)((l)->held = false))
#define rwlock_init(l) ((void)((l)->readers = 0, (l)->writer = false))
void spin_lock(spinlock_t *lock);
bool spin_trylock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
#define spin_is_locked(l) ((l)->held)
void read_lock(rwlock_t *lock);
void read_unlock(rwlock_t *lock);
void write_lock(rwlock_t *lock);
void write_unlock(rwlock_t *lock);
void pcidevs_lock(void);
bool pcidevs_trylock(void);
void pcidevs_unlock(void);
bool pcidevs_locked(void);

/* A radix tree of the few numbers that a test uses. */
#define RADIX_FAKE_MAX 0x10000
struct radix_tree_root {
	void **slot;
};
static inline void radix_tree_init(struct radix_tree_root *r)
{
	r->slot = NULL;
}
int radix_tree_insert(struct radix_tree_root *r, unsigned long i, void *p);
void *radix_tree_lookup(struct radix_tree_root *r, unsigned long i);
void *radix_tree_delete(struct radix_tree_root *r, unsigned long i);
unsigned int radix_tree_gang_lookup(struct radix_tree_root *r, void **results,
				    unsigned long first, unsigned int max);
#define radix_tree_destroy(r, fn) ((void)(r))

/* Frames. Types keep machine addresses and both kinds of frame number apart. */
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_SIZE_4K (1UL << 12)
#define PAGE_SIZE_2M (1UL << 21)
#define MB(n) ((uint64_t)(n) << 20)
#define PFN_DOWN(x) ((x) >> PAGE_SHIFT)
#define PFN_UP(x) (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define pfn_to_paddr(x) ((uint64_t)(x) << PAGE_SHIFT)
typedef uint64_t paddr_t;
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef struct { unsigned long mfn; } mfn_t;
typedef struct { unsigned long gfn; } gfn_t;
#define _mfn(n) ((mfn_t){ (n) })
#define mfn_x(m) ((m).mfn)
#define _gfn(n) ((gfn_t){ (n) })
#define gfn_x(g) ((g).gfn)
#define gfn_eq(a, b) ((a).gfn == (b).gfn)
#define INVALID_GFN _gfn(~0UL)
#define maddr_to_mfn(a) _mfn((a) >> PAGE_SHIFT)
#define mfn_to_maddr(m) ((uint64_t)mfn_x(m) << PAGE_SHIFT)

struct page_info {
	union {
		struct {
			unsigned long type_info;
		} inuse;
	} u;
	struct page_info *next;		/* of a page_list */
	struct domain *owner;
	int refs, type_refs;		/* references a leaf may hold */
	bool table_type;		/* a PV page table: no writable type */
	bool special;
};

struct page_info *mfn_to_page(mfn_t mfn);
mfn_t page_to_mfn(const struct page_info *pg);
bool mfn_valid(mfn_t mfn);
#define maddr_to_page(a) mfn_to_page(maddr_to_mfn(a))
#define page_to_maddr(pg) mfn_to_maddr(page_to_mfn(pg))
struct page_info *alloc_domheap_page(struct domain *d, unsigned int flags);
void free_domheap_page(struct page_info *pg);
void *map_domain_page(mfn_t mfn);
void unmap_domain_page(const void *p);
#define __map_domain_page(pg) map_domain_page(page_to_mfn(pg))
#define clear_page(p) memset(p, 0, PAGE_SIZE)
extern unsigned long total_pages;
extern unsigned int paddr_bits;

struct page_list_head {
	struct page_info *first, *last;
};
#define PAGE_LIST_HEAD(name) struct page_list_head name = { NULL, NULL }
#define INIT_PAGE_LIST_HEAD(l) ((void)((l)->first = (l)->last = NULL))
#define page_list_empty(l) (!(l)->first)

static inline void page_list_add_tail(struct page_info *pg,
				      struct page_list_head *l)
{
	pg->next = NULL;
	if (l->last)
		l->last->next = pg;
	else
		l->first = pg;
	l->last = pg;
}

static inline struct page_info *page_list_remove_head(struct page_list_head *l)
{
	struct page_info *pg = l->first;

	if (pg)
		l->first = pg->next;
	if (!l->first)
		l->last = NULL;
	return pg;
}

/* For an empty list, as Xen's. */
static inline void page_list_move(struct page_list_head *to,
				  struct page_list_head *from)
{
	*to = *from;
	from->first = from->last = NULL;
}

/* Nanoseconds. */
typedef int64_t s_time_t;
#define MILLISECS(n) ((s_time_t)(n) * 1000000)
#define SECONDS(n) MILLISECS((n) * 1000LL)

/* Domains and devices. */
typedef uint16_t domid_t;
#define DOMID_FIRST_RESERVED 0x7ff0U
#define DOMID_IO 0x7ff1U
#define DOMID_XEN 0x7ff2U
#define DOMID_INVALID 0x7ff4U

typedef union {
	uint32_t sbdf;
	struct {
		uint16_t bdf, seg;
	};
	struct {
		uint8_t devfn, bus;
		uint16_t seg_;
	};
} pci_sbdf_t;

enum pdev_type {
	DEV_TYPE_PCI_UNKNOWN,
	DEV_TYPE_PCIe_ENDPOINT,
	DEV_TYPE_PCIe_BRIDGE,
	DEV_TYPE_PCIe2PCI_BRIDGE,
	DEV_TYPE_PCI2PCIe_BRIDGE,
	DEV_TYPE_LEGACY_PCI_BRIDGE,
	DEV_TYPE_PCI_HOST_BRIDGE,
	DEV_TYPE_PCI,
};

struct iommu_ctx;
struct iommu_ctx_caps;
struct iommu_ctx_resv;
struct iommu_ctx_tbl;
struct iommu_ctx_dev;

struct pci_dev {
	union {
		struct {
			uint8_t devfn, bus;
			uint16_t seg;
		};
		pci_sbdf_t sbdf;
	};
	struct domain *domain;
	enum pdev_type type;
	unsigned int phantom_stride;
	struct {
		bool is_virtfn, is_extfn;
		struct {
			uint8_t bus, devfn;
		} physfn;
	} info;
	bool broken;
	struct {
		struct list_head list;
		unsigned int cap_pos, queue_depth;
	} ats;
	struct {
		struct {
			uint64_t pgd_maddr;
			struct {
				struct acpi_drhd_unit *drhd;
				uint16_t alias[2];
				uint8_t nr_aliases;
			} ctx;
		} vtd;
		domid_t pseudo_domid;
	} arch;
	struct iommu_ctx *ctx;
	struct list_head ctx_list;
	uint64_t ctx_regions;
	struct {
		struct list_head list;
		s_time_t since;
		unsigned int nr;
		s_time_t until, quiet;
	} ctx_fault;

	/* Fields for tests only. */
	struct iommu_ctx *hw;		/* the context in the IOMMU */
	bool hw_suppressed;		/* the IOMMU reports no faults of the device */
	uint32_t shared_id;		/* a requester id besides its own */
	unsigned int nr_outside;	/* faults left to Xen's own rule */
	uint16_t command;
	unsigned int nr_direct;
	uint64_t direct[2][2];		/* regions: first and last byte */
	bool many;			/* or nr_direct pages, not adjacent */
	bool relaxable;			/* they are DIRECT_RELAXABLE */
};

typedef struct pci_dev device_t;
struct pci_dev *pci_get_pdev(const struct domain *d, pci_sbdf_t sbdf);
#define pci_get_real_pdev(sbdf) pci_get_pdev(NULL, sbdf)
void pci_check_disable_device(u16 seg, u8 bus, u8 devfn);
uint16_t pci_conf_read16(pci_sbdf_t sbdf, unsigned int reg);
void pci_conf_write16(pci_sbdf_t sbdf, unsigned int reg, uint16_t value);
bool pci_conf_is_idle(void);
int pci_iterate_devices(int (*handler)(struct pci_dev *pdev, void *arg),
			void *arg);
#define PCI_BUS(bdf) ((bdf) >> 8 & 0xff)
#define PCI_BDF(b, d) ((uint16_t)(((b) & 0xff) << 8 | ((d) & 0xff)))

/* Each takes as many arguments as there are numbers in its name, or fewer. */
#define FAKE_OF_4(a, b, c, d, name, ...) name
#define PCI_DEVFN_1(bdf) ((bdf) & 0xff)
#define PCI_DEVFN_2(d, f) (((d) & 0x1f) << 3 | ((f) & 7))
#define PCI_DEVFN(...) \
	FAKE_OF_4(__VA_ARGS__, , , PCI_DEVFN_2, PCI_DEVFN_1)(__VA_ARGS__)
#define PCI_SBDF_2(s, bdf) \
	((pci_sbdf_t){ .sbdf = (uint32_t)(s) << 16 | (uint16_t)(bdf) })
#define PCI_SBDF_3(s, b, devfn) PCI_SBDF_2(s, PCI_BDF(b, devfn))
#define PCI_SBDF_4(s, b, d, f) PCI_SBDF_3(s, b, PCI_DEVFN_2(d, f))
#define PCI_SBDF(...) \
	FAKE_OF_4(__VA_ARGS__, PCI_SBDF_4, PCI_SBDF_3, PCI_SBDF_2, )(__VA_ARGS__)
#define PCI_CLASS_DEVICE 0xa
#define PCI_COMMAND 4
#define PCI_COMMAND_MASTER 4

/* The hooks that the series adds to struct iommu_ops. */
struct iommu_ops {
	void (*ctx_caps)(struct iommu_ctx_caps *caps);
	int (*ctx_init)(struct iommu_ctx *ctx, bool everywhere);
	void (*ctx_fini)(struct iommu_ctx *ctx);
	bool (*ctx_in_use)(struct iommu_ctx *ctx);
	int (*ctx_enter)(struct iommu_ctx *ctx, device_t *dev);
	void (*ctx_leave)(struct iommu_ctx *ctx, device_t *dev);
	int (*ctx_switch)(struct domain *d, device_t *dev,
			  const struct iommu_ctx *to);
	int (*ctx_flush)(struct iommu_ctx *ctx, uint64_t first, uint64_t end);
	void (*ctx_dev_query)(const device_t *dev,
			      struct iommu_ctx_dev *info);
	int (*ctx_dev_resv)(const device_t *dev, unsigned int index,
			    struct iommu_ctx_resv *resv);
	int (*ctx_suppress)(device_t *dev, bool suppress);
	bool (*ctx_has_id)(const device_t *dev, pci_sbdf_t id);
	unsigned long page_sizes;
};
#define iommu_call(ops, fn, ...) ((ops)->fn(__VA_ARGS__))
#define iommu_vcall(ops, fn, ...) ((void)(ops)->fn(__VA_ARGS__))

struct domain_iommu {
	const struct iommu_ops *platform_ops;
	struct iommu_ctx_tbl *ctxs;
	unsigned int node;
	struct {
		spinlock_t mapping_lock;
		struct {
			uint64_t pgd_maddr;
			unsigned long iommu_bitmap[1];
		} vtd;
	} arch;
};

struct domain {
	domid_t domain_id;
	struct domain_iommu iommu;
	bool pv, translated, paging, iommu_enabled, hardware, log_dirty;
	bool is_dying;
	struct {
		struct {
			bool check_l1tf;
		} pv;
	} arch;
	struct domain *next;
};
#define dom_iommu(d) (&(d)->iommu)
extern struct domain *dom_xen, *dom_io, *hardware_domain;
#define is_pv_domain(d) ((d)->pv)
#define is_iommu_enabled(d) ((d)->iommu_enabled)
#define paging_mode_enabled(d) ((d)->paging)
#define paging_mode_translate(d) ((d)->translated)
#define is_hardware_domain(d) ((d)->hardware)
#define is_system_domain(d) ((d)->domain_id >= DOMID_FIRST_RESERVED)
#define for_each_domain(d) \
	for ((d) = hardware_domain; (d); (d) = (d)->next)
#define rcu_read_lock(l) ((void)0)
#define rcu_read_unlock(l) ((void)0)
struct vcpu {
	struct domain *domain;
};
extern struct vcpu *current;
void iommu_sync_cache(const void *addr, unsigned int bytes);

/* Two CPUs, one of which runs at a time: machine.h's on_other_cpu(). */
extern unsigned int fake_cpu;
#define DEFINE_PER_CPU(type, name) type per_cpu_##name[2]
#define this_cpu(name) per_cpu_##name[fake_cpu]

/* Boot parameters. */
#define simple_strtoul(s, p, base) strtoul(s, (char **)(p), base)
uint64_t parse_size_and_unit(const char *s, const char **p);
#define custom_param(name, fn) \
	int fake_##fn(const char *s); \
	int fake_##fn(const char *s) { return fn(s); }

/* The test that needs a boot-time function calls it. */
#define __initcall(fn) \
	int fake_##fn(void); \
	int fake_##fn(void) { return fn(); }
void register_keyhandler(unsigned char key, void (*fn)(unsigned char key),
			 const char *desc, bool diagnostic);
void process_pending_softirqs(void);

#define VIRQ_IOMMU_FAULT 14
void send_global_virq(uint32_t virq);
s_time_t fake_now(void);
#define NOW() fake_now()

/* Timers run when the test advances the time. */
struct timer {
	void (*fn)(void *data);
	void *data;
	s_time_t expires;		/* 0: not set */
};
#define init_timer(t, f, d, cpu) \
	((void)(*(t) = (struct timer){ .fn = (f), .data = (d) }))
void set_timer(struct timer *t, s_time_t expires);

/* Hypercalls. Guest memory is the program's own; a test can make it missing. */
#define XEN_GUEST_HANDLE_PARAM(type) type##_handle
typedef struct { char *p; } char_handle;
typedef struct { void *p; } void_handle;
#define guest_handle_cast(h, type) ((type##_handle){ (h).p })
#define guest_handle_add_offset(h, n) ((h).p += (n))
unsigned long fake_copy_from(void *to, const char *from, unsigned long n);
unsigned long fake_copy_to(char *to, const void *from, unsigned long n);
#define copy_from_guest(to, h, n) fake_copy_from(to, (h).p, n)
#define copy_to_guest(h, from, n) fake_copy_to((h).p, from, n)
#define copy_from_guest_offset(to, h, off, n) fake_copy_from(to, (h).p + (off), n)
#define copy_to_guest_offset(h, off, from, n) fake_copy_to((h).p + (off), from, n)
unsigned long clear_guest(char_handle h, unsigned long n);
bool hypercall_preempt_check(void);
#define general_preempt_check() hypercall_preempt_check()
long hypercall_create_continuation(unsigned int op, const char *format, ...);
#define XSM_HOOK 0
int xsm_iommu_op(int action);
long do_iommu_op(unsigned int cmd, void_handle arg, unsigned long count,
		 unsigned long arg2, unsigned long arg3);
#define array_access_nospec(a, i) ((a)[i])
#define array_index_nospec(i, n) (i)

#endif /* XEN_FAKE_H */
