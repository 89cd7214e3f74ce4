/* SPDX-License-Identifier: GPL-2.0 */
/* ACPI S3: Xen suspends the machine on request, the runner wakes it up. */
#ifndef MICRO_SLEEP_H
#define MICRO_SLEEP_H

/* Skips the test if the runner would not wake the machine up. */
void sleep_need(void);

/*
 * Suspend. Returns after the machine woke up, with the edu devices usable: all devices
 * except Xen's have lost their state.
 */
void sleep_s3(void);

/* Suspend, but the machine does not sleep at the end: no device loses power. */
void sleep_aborted(void);

#endif
