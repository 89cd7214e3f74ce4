/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_MINMAX_H
#define FAKE_LINUX_MINMAX_H

#define min(a, b) ({ __auto_type a_ = (a); __auto_type b_ = (b);	\
		     a_ < b_ ? a_ : b_; })
#define max(a, b) ({ __auto_type a_ = (a); __auto_type b_ = (b);	\
		     a_ > b_ ? a_ : b_; })

#endif
