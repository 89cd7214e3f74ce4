/* SPDX-License-Identifier: GPL-2.0 */
/* A warning is a defect of the driver, so it ends the test. */
#ifndef FAKE_LINUX_BUG_H
#define FAKE_LINUX_BUG_H

#include <assert.h>

#define WARN_ON_ONCE(condition) assert(!(condition))

#endif
