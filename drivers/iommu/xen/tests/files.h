/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of debugfs and tracefs as a user's program sees them: through a buffer
 * of its own, in user space.
 */
#ifndef XPI_FILES_H
#define XPI_FILES_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

struct kunit;

/**
 * xpi_text() - put a text together
 * @test: the test, at whose end it goes; it fails if there is no memory
 * @fmt: as for printf
 *
 * Return: the text.
 */
__printf(2, 3)
const char *xpi_text(struct kunit *test, const char *fmt, ...);

/**
 * xpi_file_exists() - is it there?
 * @path: the file
 *
 * Return: whether it can be opened.
 */
bool xpi_file_exists(const char *path);

/**
 * xpi_file_read() - all of a file
 * @test: the test, at whose end the text goes
 * @path: the file
 *
 * Return: the text, of 16 KiB at most, or an ERR_PTR.
 */
const char *xpi_file_read(struct kunit *test, const char *path);

/**
 * xpi_file_write() - write to a file from its beginning
 * @test: the test
 * @path: the file
 * @text: what
 *
 * Return: 0 or -errno; -EIO if not all of it was taken.
 */
int xpi_file_write(struct kunit *test, const char *path, const char *text);

#endif /* XPI_FILES_H */
