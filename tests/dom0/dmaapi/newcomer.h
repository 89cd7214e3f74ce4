/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_NEWCOMER_H
#define XPI_NEWCOMER_H

/*
 * Devices that no IOMMU knows, made just now: one on a bus, one that has neither
 * bus nor class. Both must be told machine addresses.
 */
void test_newcomers(void);

#endif /* XPI_NEWCOMER_H */
