/* SPDX-License-Identifier: GPL-2.0 */
/* What the test cases of several programs say in the same way. */
#ifndef XPI_CASES_H
#define XPI_CASES_H

#include "probe.h"

#define RW	(MAY_READ | MAY_WRITE)

/* A result: passed if there is no problem. */
void expect(const char *name, const char *problem);
void skip(const char *name, const char *reason);

const char *unless(bool ok, const char *problem);
/* A problem in words, valid until the next one. */
const char *because(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* The questions of probe.h, as a problem or NULL. */
const char *read_works(struct bed *bed, uint64_t iova, uint8_t *mem);
const char *write_works(struct bed *bed, uint64_t iova, uint8_t *mem);

/* Preparations: die if they fail. */
void must_map(struct bed *bed, uint64_t iova, void *mem, size_t bytes,
	      unsigned int may);
void must_unmap(struct bed *bed, uint64_t iova, size_t bytes);

#endif
