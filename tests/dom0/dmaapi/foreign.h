/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_FOREIGN_H
#define XPI_FOREIGN_H

struct edu;

/*
 * Tests a page of another domain, which Xen maps for a device only with the flag
 * "foreign". The test creates the domain, which has only this page.
 */
void test_foreign(struct edu *edu);

#endif /* XPI_FOREIGN_H */
