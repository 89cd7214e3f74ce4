/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_NEWCOMER_H
#define XPI_NEWCOMER_H

/*
 * Tests new devices without an IOMMU: one on a bus, and one without bus and class.
 * The DMA API must return machine addresses for both.
 */
void test_newcomers(void);

#endif /* XPI_NEWCOMER_H */
