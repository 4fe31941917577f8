/* SPDX-License-Identifier: BSD-3-Clause */
/* Areas of every size: zeroed, aligned, resident, given back whole. */
#include "xord_mem.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test_util.h"

static const size_t lens[] = {0, 1, 63, 64, 65, 100000, XORD_MEM_HUGE - 1, XORD_MEM_HUGE, XORD_MEM_HUGE + 1,
        5 * XORD_MEM_HUGE - 4096, 8 * XORD_MEM_HUGE};
#define LENS (sizeof(lens) / sizeof(lens[0]))

Test(mem, is_zeroed_aligned_and_can_be_written_to_its_end)
{
    for (size_t i = 0; i < LENS; i++) {
        uint8_t *mem = xord_mem_alloc(lens[i]);

        cr_assert_not_null(mem, "%zu bytes", lens[i]);
        cr_assert_eq((uintptr_t)mem % 64, 0);
        for (size_t at = 0; at < lens[i]; at++)
            cr_assert_eq(mem[at], 0);
        memset(mem, 0xff, lens[i]);
        xord_mem_free(mem, lens[i]);
    }
    xord_mem_free(NULL, 1);
    xord_mem_free(NULL, XORD_MEM_HUGE);
    TEST_NO_LEAK();
}

Test(mem, areas_are_apart)
{
    uint8_t *mem[LENS];

    for (size_t i = 0; i < LENS; i++) {
        mem[i] = xord_mem_alloc(lens[i]);
        memset(mem[i], (int)i + 1, lens[i]);
    }
    for (size_t i = 0; i < LENS; i++) {
        for (size_t at = 0; at < lens[i]; at++)
            cr_assert_eq(mem[i][at], i + 1);
        xord_mem_free(mem[i], lens[i]);
    }
    TEST_NO_LEAK();
}

Test(mem, what_cannot_be_had_is_null)
{
    cr_assert_null(xord_mem_alloc(SIZE_MAX));
    cr_assert_null(xord_mem_alloc(SIZE_MAX - XORD_MEM_HUGE));
    cr_assert_null(xord_mem_alloc(SIZE_MAX / 2 + 1));
}

#ifndef XORD_TEST_ASAN /* there all of it is on the heap, where leaks are seen */
/* The line of /proc/self/statm says: pages mapped, pages resident. */
static void pages(long *mapped, long *resident)
{
    FILE *file = fopen("/proc/self/statm", "r");

    cr_assert_not_null(file);
    cr_assert_eq(fscanf(file, "%ld %ld", mapped, resident), 2);
    fclose(file);
}

Test(mem, more_than_the_address_space_is_null)
{
    cr_assert_null(xord_mem_alloc(SIZE_MAX / 2));
    cr_assert_null(xord_mem_alloc(SIZE_MAX / 4));
}

Test(mem, a_large_area_is_aligned_to_its_huge_pages)
{
    void *mem = xord_mem_alloc(3 * XORD_MEM_HUGE + 5);

    cr_assert_eq((uintptr_t)mem % XORD_MEM_HUGE, 0);
    xord_mem_free(mem, 3 * XORD_MEM_HUGE + 5);
}

Test(mem, a_large_area_has_all_its_pages_and_gives_them_back)
{
    size_t len = 16 * XORD_MEM_HUGE - 100;
    long mapped[3], resident;
    unsigned char in_core[16 * XORD_MEM_HUGE / 4096];
    void *mem;

    pages(&mapped[0], &resident);
    mem = xord_mem_alloc(len);
    cr_assert_not_null(mem);
    pages(&mapped[1], &resident);
    cr_assert_eq(mapped[1] - mapped[0], (long)(16 * XORD_MEM_HUGE) / sysconf(_SC_PAGESIZE));
    cr_assert_eq(mincore(mem, len, in_core), 0);
    for (size_t page = 0; page < len / 4096; page++)
        cr_assert(in_core[page] & 1, "page %zu is not there", page);
    xord_mem_free(mem, len);
    pages(&mapped[2], &resident);
    cr_assert_eq(mapped[2], mapped[0], "%ld pages stay mapped", mapped[2] - mapped[0]);
}
#endif
