/* SPDX-License-Identifier: GPL-2.0 */
/* The part of the kernel's lists that the driver's pure parts use. */
#ifndef FAKE_LINUX_LIST_H
#define FAKE_LINUX_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name) struct list_head name = { &(name), &(name) }

static inline void INIT_LIST_HEAD(struct list_head *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list_head *l)
{
	return l->next == l;
}

static inline size_t list_count_nodes(struct list_head *head)
{
	struct list_head *at;
	size_t nr = 0;

	for (at = head->next; at != head; at = at->next)
		nr++;
	return nr;
}

static inline void list_add(struct list_head *new, struct list_head *head)
{
	*new = (struct list_head){ .next = head->next, .prev = head };
	head->next->prev = new;
	head->next = new;
}

static inline void list_del_init(struct list_head *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	INIT_LIST_HEAD(l);
}

#define list_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define list_for_each_entry(pos, head, member)				\
	for (pos = list_of((head)->next, __typeof__(*pos), member);	\
	     &pos->member != (head);					\
	     pos = list_of(pos->member.next, __typeof__(*pos), member))

#endif
