/* SPDX-License-Identifier: BSD-3-Clause */
/* Large tables that live as long as their owner: zeroed, aligned to a cache line, on huge pages where there are any, so that
 * an access at random costs no walk through page tables.
 *
 * An area of XORD_MEM_HUGE bytes or more is mapped: from the reserved huge pages when there are enough, else from ordinary
 * memory aligned to 2 MiB that the kernel is asked to back with huge pages, else as it comes. All its pages are there when
 * it is returned: no later access makes the kernel allocate. Smaller areas come from the heap.
 * A mapping is nothing that a leak checker sees, nor are pointers in it, so with AddressSanitizer every area comes from the
 * heap: there a forgotten free is a reported leak and a write past the end a reported overflow.
 * Threading: pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define XORD_MEM_HUGE ((size_t)2 << 20)

/* NULL when out of memory. */
void *xord_mem_alloc(size_t len);

/* `len` as it was allocated. NULL is fine. Does not wipe. */
void xord_mem_free(void *mem, size_t len);

/* Room for one more row of `size` bytes: `rows`, or where they are now; NULL when memory is short: then they are where they were. */
void *xord_grow(void *rows, uint32_t cnt, uint32_t *cap, size_t size);

/* As xord_mem_alloc, for what holds keys: pages of its own, which a core dump leaves out, wiped as they are given back. Small areas are
 * mapped too, all their pages at once; with AddressSanitizer they come from the heap like all others, and are dumped. */
void *xord_secret_alloc(size_t len);
void xord_secret_free(void *mem, size_t len);
