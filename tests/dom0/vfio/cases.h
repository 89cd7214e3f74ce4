/* SPDX-License-Identifier: GPL-2.0 */
/* Functions that the test cases of several programs share. */
#ifndef XPI_CASES_H
#define XPI_CASES_H

#include "probe.h"

#define RW	(MAY_READ | MAY_WRITE)

/* Report a result: pass if there is no problem. */
void expect(const char *name, const char *problem);
void skip(const char *name, const char *reason);

const char *unless(bool ok, const char *problem);
/* Return a formatted problem; it is valid until the next call. */
const char *because(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* The probes of probe.h. They return a problem or NULL. */
const char *read_works(struct bed *bed, uint64_t iova, uint8_t *mem);
const char *write_works(struct bed *bed, uint64_t iova, uint8_t *mem);

/* Exit the program on failure. */
void must_map(struct bed *bed, uint64_t iova, void *mem, size_t bytes,
	      unsigned int may);
void must_unmap(struct bed *bed, uint64_t iova, size_t bytes);

#endif
