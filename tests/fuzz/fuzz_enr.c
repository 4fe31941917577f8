/* SPDX-License-Identifier: BSD-3-Clause */
/* Any input as a record. One that decodes: its pairs can be walked and shown, its draft holds all of them but the
 * signer's, and its text gives the same record. Input that starts like a text is read as one, too. */
#include "fuzz_target.h"
#include "xord_enr.h"
#include "xord_enr_keys.h"

static void check_pairs(const struct xord_enr *enr)
{
    struct xord_enr_draft draft;
    struct xord_enr_pair pair;
    unsigned cnt = 0;
    size_t pos = 0;

    while (xord_enr_next_pair(enr, &pos, &pair)) {
        char text[XORD_ENR_VALUE_TEXT_LEN], cut[9];

        (void)xord_enr_value_format(text, sizeof(text), &pair);
        (void)xord_enr_value_format(cut, sizeof(cut), &pair);
        FUZZ_CHECK(strlen(text) < sizeof(text) - 1 && strncmp(text, cut, strlen(cut)) == 0);
        cnt++;
    }
    FUZZ_CHECK(pos == enr->len);
    xord_enr_draft_from(&draft, enr);
    FUZZ_CHECK(draft.seq == enr->seq && draft.pair_cnt == cnt - 2);
    xord_enr_draft_unset(&draft, "udp");
    FUZZ_CHECK(draft.pair_cnt == cnt - 2 - enr->has_udp);
}

static void check_text(const struct xord_enr *enr)
{
    char text[XORD_ENR_MAX_TEXT_LEN + 1];
    struct xord_enr again;

    xord_enr_to_text(text, enr);
    FUZZ_CHECK(xord_enr_from_text(&again, text, strlen(text)) == 0);
    FUZZ_CHECK(again.len == enr->len && memcmp(again.raw, enr->raw, enr->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    struct xord_endpoint ep;
    struct xord_enr enr;

    if (xord_enr_decode(&enr, copy, size) == 0 || xord_enr_from_text(&enr, (const char *)copy, size) == 0) {
        check_pairs(&enr);
        check_text(&enr);
        (void)xord_enr_endpoint4(&enr, &ep);
        (void)xord_enr_endpoint6(&enr, &ep);
    } else {
        FUZZ_CHECK(enr.len == 0 && enr.seq == 0);
    }
    free(copy);
    return 0;
}
