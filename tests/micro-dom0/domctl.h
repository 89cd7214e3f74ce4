/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a toolstack does: domains that never run, and devices given to them.
 * Devices and domains are taken back at the end of a test.
 */
#ifndef MICRO_DOMCTL_H
#define MICRO_DOMCTL_H

#include <stdbool.h>
#include <stdint.h>

#include "edu.h"

/* A PV domain with up to 4 MiB. Its number. */
uint16_t dom_create(void);
/* A translated domain without memory whose page tables Xen shadows. 0, -errno. */
long try_dom_create_shadowed(uint16_t *dom);
void dom_destroy(uint16_t dom);
/* Does Xen still know it? A dead domain stays while a page of it is in use. */
bool dom_exists(uint16_t dom);
/* It goes away within a second. */
void dom_expect_gone(uint16_t dom);
/* Pages that the domain has. */
uint64_t dom_pages(uint16_t dom);

/* One page for the domain: its machine frame. */
uint64_t dom_populate(uint16_t dom);

/*
 * The number by which we map frame @mfn of @dom: PV the same, PVH a gfn at
 * which it is put first, until foreign_forget().
 */
uint64_t foreign_gfn(uint16_t dom, uint64_t mfn);
long try_foreign_gfn(uint16_t dom, uint64_t mfn, uint64_t *gfn);
void foreign_forget(uint64_t gfn);

/*
 * DOMID_IO is quarantine. Deassigning from there leads home; from elsewhere
 * into quarantine, if Xen was not told to do without.
 */
void dev_assign(struct edu *e, uint16_t dom);
void dev_deassign(struct edu *e, uint16_t dom);
bool dev_is_away(const struct edu *e);

/* Pages that Xen has to give, of all domains. */
uint64_t free_pages(void);

/* The end of a test: all devices at home, no domain left. */
void domctl_reset(void);

#endif
