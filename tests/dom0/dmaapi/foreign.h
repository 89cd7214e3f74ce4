/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_FOREIGN_H
#define XPI_FOREIGN_H

struct edu;

/*
 * A page of another domain, which Xen maps for a device only if it is called
 * foreign. The domain is made for it and has nothing but this page.
 */
void test_foreign(struct edu *edu);

#endif /* XPI_FOREIGN_H */
