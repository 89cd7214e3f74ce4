/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Support for older kernels, only in this file. The driver is written for the
 * newest kernel; Kbuild examines the headers and defines XPI_HAVE_* for the features
 * it finds.
 */
#ifndef XPI_COMPAT_H
#define XPI_COMPAT_H

#include <linux/iommu.h>
#include <linux/slab.h>

/*
 * Newer kernels pass the old domain to attach_dev(). Older ones do not, and the
 * driver does not need it. XPI_ATTACH_FN(fn) defines what XPI_ATTACH(fn) names.
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
