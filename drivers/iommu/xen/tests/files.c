// SPDX-License-Identifier: GPL-2.0
/*
 * A test is a kernel thread, and has neither a user's memory nor, in newer
 * kernels, his files: their names begin where those of the first process do. The
 * files' own operations are called, for the kernel's functions that read for itself
 * do not know files that want a user's buffer.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mman.h>
#include <linux/path.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "files.h"

#define TEXT_MAX	200U

const char *xpi_text(struct kunit *test, const char *fmt, ...)
{
	char *text = kunit_kzalloc(test, TEXT_MAX, GFP_KERNEL);
	va_list args;

	KUNIT_ASSERT_NOT_NULL(test, text);
	va_start(args, fmt);
	vsnprintf(text, TEXT_MAX, fmt, args);
	va_end(args);
	return text;
}

static struct file *open_file(const char *path, int flags)
{
	struct task_struct *init = init_pid_ns.child_reaper;
	struct file *file;
	struct path root;

	task_lock(init);
	get_fs_root(init->fs, &root);
	task_unlock(init);
	file = file_open_root(&root, path, flags, 0);
	path_put(&root);
	return file;
}

bool xpi_file_exists(const char *path)
{
	struct file *file = open_file(path, O_RDONLY);

	if (IS_ERR(file))
		return false;
	filp_close(file, NULL);
	return true;
}

/* It goes with the test. */
static void __user *user_buffer(struct kunit *test)
{
	return (void __user *)kunit_vm_mmap(test, NULL, 0, SZ_16K,
					    PROT_READ | PROT_WRITE,
					    MAP_ANONYMOUS | MAP_PRIVATE, 0);
}

static ssize_t read_all(struct file *file, char __user *to, size_t size)
{
	size_t got = 0;
	loff_t pos = 0;
	ssize_t n;

	do {
		n = file->f_op->read(file, to + got, size - got, &pos);
		if (n < 0)
			return n;
		got += n;
	} while (n && got < size);
	return got;
}

static const char *fetch(struct kunit *test, const void __user *from, size_t n)
{
	char *text = kunit_kzalloc(test, n + 1, GFP_KERNEL);

	if (!text)
		return ERR_PTR(-ENOMEM);
	return copy_from_user(text, from, n) ? ERR_PTR(-EFAULT) : text;
}

const char *xpi_file_read(struct kunit *test, const char *path)
{
	char __user *buf = user_buffer(test);
	struct file *file;
	ssize_t got;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	file = open_file(path, O_RDONLY);
	if (IS_ERR(file))
		return ERR_CAST(file);
	got = read_all(file, buf, SZ_16K - 1);
	filp_close(file, NULL);
	return got < 0 ? ERR_PTR(got) : fetch(test, buf, got);
}

int xpi_file_write(struct kunit *test, const char *path, const char *text)
{
	size_t n = strlen(text);
	char __user *buf = user_buffer(test);
	struct file *file;
	loff_t pos = 0;
	ssize_t done;

	if (!buf || copy_to_user(buf, text, n))
		return -EFAULT;
	file = open_file(path, O_WRONLY | O_TRUNC);
	if (IS_ERR(file))
		return PTR_ERR(file);
	done = file->f_op->write(file, buf, n, &pos);
	filp_close(file, NULL);
	if (done < 0)
		return done;
	return done == n ? 0 : -EIO;
}
