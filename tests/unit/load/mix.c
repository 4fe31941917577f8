/* SPDX-License-Identifier: BSD-3-Clause */
/* Shares of kinds. */
#include "test_util.h"
#include "xord_mix.h"

static void counts_are(struct xord_mix *mix, uint32_t n, const uint32_t wanted[XORD_MIX_KINDS])
{
    uint32_t got[XORD_MIX_KINDS] = {0};

    for (uint32_t i = 0; i < n; i++)
        got[xord_mix_next(mix)]++;
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++)
        cr_assert_eq(got[kind], wanted[kind], "%s: %u", xord_mix_kind_names[kind], got[kind]);
}

Test(mix, exact_in_every_stretch)
{
    char err[XORD_MIX_ERR_LEN];
    struct xord_mix mix;

    cr_assert_eq(xord_mix_parse(&mix, err, "# a mix\nping 75\n\n  findnode\t12.5 # half of a quarter\ntalk 12.5\r\n"),
            0);
    for (int i = 0; i < 100; i++)
        counts_are(&mix, 8, (const uint32_t[]){6, 1, 1, 0});
}

Test(mix, single)
{
    struct xord_mix mix;

    xord_mix_single(&mix, XORD_MIX_HANDSHAKE);
    counts_are(&mix, 10, (const uint32_t[]){0, 0, 0, 10});
}

Test(mix, bad_files_are_told)
{
    static const char *const bad[][2] = {
            {"", "no share above 0"},
            {"ping 0\n", "no share above 0"},
            {"ping\n", "line 1: no share"},
            {"ping 1\nfindnode x\n", "line 2: no share"},
            {"ping -1", "line 1: no share"},
            {"ping nan", "line 1: no share"},
            {"pong 1", "line 1: no kind"},
            {"ping 1 2", "line 1: something behind"},
    };
    char err[XORD_MIX_ERR_LEN];
    struct xord_mix mix;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(xord_mix_parse(&mix, err, bad[i][0]), XORD_EPROTO, "%s", bad[i][0]);
        cr_assert(strstr(err, bad[i][1]), "%s: %s", bad[i][0], err);
    }
}
