// SPDX-License-Identifier: MIT
/* Memory for a program: zeroed, and it ends where an unmapped page starts. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"

struct mapping {
	uintptr_t address;
	void *base;
	size_t length;
	struct mapping *next;
};

static struct mapping *mappings;

int memory_map(size_t size, uintptr_t *address)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t pages = (size + page - 1) & ~(page - 1);
	struct mapping *m;
	int error;

	if (pages < size || pages + page < pages)
		return -ENOMEM;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->length = pages + page;
	m->base = mmap(NULL, m->length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	if (m->base == MAP_FAILED) {
		error = -errno;
		goto forget;
	}
	if (mprotect(m->base, pages, PROT_READ | PROT_WRITE) < 0) {
		error = -errno;
		goto unmap;
	}
	m->address = (uintptr_t)m->base + pages - size;
	m->next = mappings;
	mappings = m;
	*address = m->address;
	return 0;

unmap:
	munmap(m->base, m->length);
forget:
	free(m);
	return error;
}

/* -EINVAL where no mapping starts there. */
int memory_unmap(uintptr_t address)
{
	struct mapping **link = &mappings, *m;

	while (*link && (*link)->address != address)
		link = &(*link)->next;
	m = *link;
	if (!m)
		return -EINVAL;
	*link = m->next;
	munmap(m->base, m->length);
	free(m);
	return 0;
}
