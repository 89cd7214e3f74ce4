/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_PRINTK_H
#define FAKE_LINUX_PRINTK_H

#define pr_err_ratelimited(...) ((void)0)

#endif
