/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows older kernels. The driver is written for the
 * newest one; Kbuild looks into the headers at hand and defines XPI_HAVE_* for
 * what it finds there.
 */
#ifndef XPI_COMPAT_H
#define XPI_COMPAT_H

#include <linux/iommu.h>
#include <linux/slab.h>

/*
 * attach_dev() tells the domain that the device leaves. Older kernels do not;
 * nothing here needs it. XPI_ATTACH_FN(fn) makes what XPI_ATTACH(fn) names.
 */
#ifdef XPI_HAVE_ATTACH_OLD
#define XPI_ATTACH(fn)		fn
#define XPI_ATTACH_FN(fn)	static_assert(!__same_type(fn, void))
#else
#define XPI_ATTACH(fn)		fn##_compat
#define XPI_ATTACH_FN(fn)						\
	static int fn##_compat(struct iommu_domain *domain,		\
			       struct device *dev)			\
	{								\
		return fn(domain, dev, NULL);				\
	}								\
	static_assert(true)
#endif

#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp)	kzalloc(sizeof(obj), gfp)
#endif

#ifndef kzalloc_flex
#define kzalloc_flex(obj, member, nr, gfp) \
	kzalloc(struct_size(&(obj), member, nr), gfp)
#endif

#endif /* XPI_COMPAT_H */
