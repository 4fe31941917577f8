/* SPDX-License-Identifier: BSD-3-Clause */
/* Areas on huge pages: reserved ones, transparent ones, or none. */
#include "xord_mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "xord_bytes.h"

#if defined(__SANITIZE_ADDRESS__)
#define HEAP_ONLY true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_ONLY true
#endif
#endif
#ifndef HEAP_ONLY
#define HEAP_ONLY false
#endif

#define CACHE_LINE 64
#define PAGE       4096
/* In Linux since 5.14, in glibc's headers since 2.35; MAP_HUGE_2MB is in the kernel's headers only. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

static size_t round_up(size_t len, size_t to)
{
    return (len + to - 1) / to * to;
}

static bool is_mapped(size_t len)
{
    return !HEAP_ONLY && len >= XORD_MEM_HUGE;
}

static void *map(size_t len, int flags)
{
    void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

    return mem == MAP_FAILED ? NULL : mem;
}

/* A huge page that is reserved may still be refused by a control group: then the first access to it would be a SIGBUS, this
 * is an error. A kernel that does not know the advice gets the pages by touching them, reserved huge ones excepted. */
static bool populate(uint8_t *mem, size_t len, bool may_touch)
{
    if (madvise(mem, len, MADV_POPULATE_WRITE) == 0)
        return true;
    if (errno != EINVAL || !may_touch)
        return false;
    for (size_t at = 0; at < len; at += PAGE)
        *(volatile uint8_t *)(mem + at) = 0;
    return true;
}

static void *map_reserved(size_t len)
{
    void *mem = map(len, MAP_HUGETLB | MAP_HUGE_2MB);

    if (mem && !populate(mem, len, false)) {
        munmap(mem, len);
        return NULL;
    }
    return mem;
}

static void *map_aligned(size_t len)
{
    uint8_t *mem = map(len + XORD_MEM_HUGE, 0);
    size_t before;

    if (!mem)
        return NULL;
    before = round_up((uintptr_t)mem, XORD_MEM_HUGE) - (uintptr_t)mem;
    if (before)
        munmap(mem, before);
    munmap(mem + before + len, XORD_MEM_HUGE - before);
    mem += before;
    madvise(mem, len, MADV_HUGEPAGE); /* refused where the kernel has none */
    if (!populate(mem, len, true)) {
        munmap(mem, len);
        return NULL;
    }
    return mem;
}

void *xord_mem_alloc(size_t len)
{
    void *mem;

    if (len > SIZE_MAX / 2)
        return NULL;
    if (is_mapped(len)) {
        len = round_up(len, XORD_MEM_HUGE);
        mem = map_reserved(len);
        return mem ? mem : map_aligned(len);
    }
    len = round_up(len ? len : 1, CACHE_LINE);
    mem = aligned_alloc(CACHE_LINE, len);
    if (mem)
        memset(mem, 0, len);
    return mem;
}

void xord_mem_free(void *mem, size_t len)
{
    if (mem && is_mapped(len))
        munmap(mem, round_up(len, XORD_MEM_HUGE));
    else
        free(mem);
}

void *xord_grow(void *rows, uint32_t cnt, uint32_t *cap, size_t size)
{
    uint32_t more = *cap ? 2 * *cap : 16;
    void *grown;

    if (cnt < *cap)
        return rows;
    grown = realloc(rows, more * size);
    if (grown)
        *cap = more;
    return grown;
}

static size_t secret_len(size_t len)
{
    return round_up(len ? len : 1, PAGE);
}

static void *secret_map(size_t len)
{
    void *mem;

    if (HEAP_ONLY || len >= XORD_MEM_HUGE)
        return xord_mem_alloc(len);
    mem = map(secret_len(len), 0);
    if (mem && !populate(mem, secret_len(len), true)) {
        munmap(mem, secret_len(len));
        return NULL;
    }
    return mem;
}

void *xord_secret_alloc(size_t len)
{
    void *mem = len > SIZE_MAX / 2 ? NULL : secret_map(len);
    size_t mapped = is_mapped(len) ? round_up(len, XORD_MEM_HUGE) : secret_len(len);

    if (!mem || HEAP_ONLY || madvise(mem, mapped, MADV_DONTDUMP) == 0)
        return mem;
    xord_secret_free(mem, len);
    return NULL;
}

void xord_secret_free(void *mem, size_t len)
{
    if (!mem)
        return;
    xord_wipe(mem, len);
    if (HEAP_ONLY || is_mapped(len))
        xord_mem_free(mem, len);
    else
        munmap(mem, secret_len(len));
}
