/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_SIZES_H
#define FAKE_LINUX_SIZES_H

#define SZ_4K 0x1000
#define SZ_2M 0x200000
#define SZ_1G 0x40000000
#define SZ_4G 0x100000000ULL

#endif
