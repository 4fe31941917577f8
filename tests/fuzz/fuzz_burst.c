/* SPDX-License-Identifier: BSD-3-Clause */
/* Bursts against the same packets one at a time, by a script instead of chance; twins.h says what must hold.
 * Input: seed of keys, nonces and capacities 2, then choices: a byte among up to 256, else two. */
#include "fuzz_target.h"
#include "twins.h"

#define STEPS_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct twins twins;
    static bool ready;
    uint8_t *copy = fuzz_copy(data, size);
    struct xord_rd script = xord_rd_init(copy, size);

    if (!ready)
        twins_setup();
    ready = true;
    if (size >= 2)
        twins_play(&twins, xord_rd_be16(&script) % 64, STEPS_MAX, &script);
    free(copy);
    return 0;
}
