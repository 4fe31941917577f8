/* SPDX-License-Identifier: BSD-3-Clause */
/* Any input as a state file, and as the body of one whose checksum was right: what is taken gives the same bytes again. */
#include "fuzz_target.h"
#include "state_private.h"

static void check_body(const uint8_t *body, size_t len)
{
    struct xord_state state = {0}, again;
    uint8_t *out;
    size_t out_len;

    if (state_decode_body(&state, body, len) == 0) {
        FUZZ_CHECK(xord_state_encode(&out, &out_len, &state) == 0);
        FUZZ_CHECK(xord_state_decode(&again, out, out_len) == 0);
        FUZZ_CHECK(again.self_cnt == state.self_cnt && again.ban_cnt == state.ban_cnt);
        xord_state_free(&again);
        free(out);
    }
    xord_state_free(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    struct xord_state state;

    check_body(copy, size);
    if (xord_state_decode(&state, copy, size) == 0)
        xord_state_free(&state);
    free(copy);
    return 0;
}
