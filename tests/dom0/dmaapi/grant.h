/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_GRANT_H
#define XPI_GRANT_H

struct edu;

/*
 * A page that this domain grants to itself and maps, as a backend maps a
 * frontend's: the kernel's frame number of it is not where the page is.
 */
void test_grant(struct edu *edu);

#endif /* XPI_GRANT_H */
