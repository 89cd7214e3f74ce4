/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_GRANT_H
#define XPI_GRANT_H

struct edu;

/*
 * Tests a page that this domain grants to itself and maps, as a backend maps a
 * frontend's page: the kernel's frame number is not the machine frame.
 */
void test_grant(struct edu *edu);

#endif /* XPI_GRANT_H */
