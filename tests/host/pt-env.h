/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table environment of the page-table tests, in place of Xen's. The compiler
 * includes it by force before pt.c, and it defines the include guard of the real
 * one. pt-machine.h has the functions.
 */
#ifndef IOMMU_CTX_PT_ENV_H
#define IOMMU_CTX_PT_ENV_H

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/iommu-pt.h>

#define ASSERT(cond) assert(cond)

uint64_t pt_table_alloc(struct iommu_pt *pt);
void pt_table_free(struct iommu_pt *pt, uint64_t maddr);
void pt_table_retire(struct iommu_pt *pt, uint64_t maddr);
void pt_table_sync(const struct iommu_pt *pt, const void *addr,
		   unsigned int bytes);
uint64_t *pt_table_map(uint64_t maddr);
void pt_table_unmap(const uint64_t *table);
unsigned long *pt_table_count(uint64_t maddr);
void pt_entry_write(uint64_t *entry, uint64_t pte);

#endif /* IOMMU_CTX_PT_ENV_H */
