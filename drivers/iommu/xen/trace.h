/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xen_pv_iommu

#if !defined(XPI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define XPI_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>

/* Each array of one multicall is an event of its own. */
TRACE_EVENT(hypercall,
	    TP_PROTO(unsigned int op, unsigned int ctx, unsigned int count,
		     long result, bool multi),
	    TP_ARGS(op, ctx, count, result, multi),
	    TP_STRUCT__entry(__string(op, xpi_op_name(op))
			     __field(unsigned int, ctx)
			     __field(unsigned int, count)
			     __field(long, result)
			     __field(bool, multi)),
	    TP_fast_assign(__assign_str(op);
			   __entry->ctx = ctx;
			   __entry->count = count;
			   __entry->result = result;
			   __entry->multi = multi;),
	    TP_printk("op=%s ctx=%#x count=%u result=%ld kind=%s",
		      __get_str(op), __entry->ctx, __entry->count,
		      __entry->result, __entry->multi ? "multi" : "single")
);

TRACE_EVENT(batch_send,
	    TP_PROTO(unsigned int ctx, bool unmaps, unsigned int descriptors,
		     u64 pages, const char *why),
	    TP_ARGS(ctx, unmaps, descriptors, pages, why),
	    TP_STRUCT__entry(__field(unsigned int, ctx)
			     __field(bool, unmaps)
			     __field(unsigned int, descriptors)
			     __field(u64, pages)
			     __string(why, why)),
	    TP_fast_assign(__entry->ctx = ctx;
			   __entry->unmaps = unmaps;
			   __entry->descriptors = descriptors;
			   __entry->pages = pages;
			   __assign_str(why);),
	    TP_printk("ctx=%#x %s descriptors=%u pages=%llu why=%s",
		      __entry->ctx, __entry->unmaps ? "unmaps" : "maps",
		      __entry->descriptors, __entry->pages, __get_str(why))
);

#endif /* XPI_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
