/* SPDX-License-Identifier: GPL-2.0 */
/* ACPI S3: Xen puts the machine to sleep for us, the runner wakes it up. */
#ifndef MICRO_SLEEP_H
#define MICRO_SLEEP_H

/* Skips the test where nobody would wake us up. */
void sleep_need(void);

/*
 * Returns after the machine woke up, with the edu devices usable: all devices
 * but Xen's own have lost their state.
 */
void sleep_s3(void);

/* All the way there, but the machine does not sleep: nothing loses power. */
void sleep_aborted(void);

#endif
