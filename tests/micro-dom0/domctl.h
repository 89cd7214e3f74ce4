/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations of a toolstack: create domains, which never run, and assign devices to
 * them. The end of a test destroys the domains and takes the devices back.
 */
#ifndef MICRO_DOMCTL_H
#define MICRO_DOMCTL_H

#include <stdbool.h>
#include <stdint.h>

#include "edu.h"

/* Create a PV domain with up to 4 MiB. Returns its number. */
uint16_t dom_create(void);
/* Create a translated domain without memory in shadow mode. Returns 0 or -errno. */
long try_dom_create_shadowed(uint16_t *dom);
void dom_destroy(uint16_t dom);
/* True if Xen still has it. A dead domain stays while one of its pages is in use. */
bool dom_exists(uint16_t dom);
/* The domain must disappear within a second. */
void dom_expect_gone(uint16_t dom);
/* Number of pages that the domain has. */
uint64_t dom_pages(uint16_t dom);

/* Add one page to the domain. Returns its machine frame. */
uint64_t dom_populate(uint16_t dom);

/*
 * Return the number with which dom0 maps frame @mfn of @dom: on PV @mfn, on PVH a gfn
 * at which the frame is placed until foreign_forget().
 */
uint64_t foreign_gfn(uint16_t dom, uint64_t mfn);
long try_foreign_gfn(uint16_t dom, uint64_t mfn, uint64_t *gfn);
void foreign_forget(uint64_t gfn);

/*
 * DOMID_IO is quarantine. A device that is deassigned from there returns to dom0; from
 * another domain it goes into quarantine, unless Xen's options turn that off.
 */
void dev_assign(struct edu *e, uint16_t dom);
void dev_deassign(struct edu *e, uint16_t dom);
bool dev_is_away(const struct edu *e);

/* Number of free pages of Xen. */
uint64_t free_pages(void);

/* At the end of a test: return all devices to dom0, destroy all domains. */
void domctl_reset(void);

#endif
