/* SPDX-License-Identifier: BSD-3-Clause */
/* The state file: there and back, whatever is wrong with it, and on disk. */
#include "xord_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state_util.h"
#include "test_util.h"
#include "xord_rng.h"

static struct xord_curve *curve;
static char dir[] = "/tmp/xord-state-XXXXXX";
static char path[64], aside[64], fresh[64];

static void setup(void)
{
    curve = state_curve();
    strcpy(dir + sizeof(dir) - 7, "XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state", dir);
    snprintf(aside, sizeof(aside), "%s/state.bad", dir);
    snprintf(fresh, sizeof(fresh), "%s/state.new", dir);
}

static void teardown(void)
{
    unlink(path);
    unlink(aside);
    unlink(fresh);
    cr_assert_eq(rmdir(dir), 0, "something is left");
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

TestSuite(state, .init = setup, .fini = teardown);

static void check_same(const struct xord_state *a, const struct xord_state *b)
{
    cr_assert_eq(a->saved_s, b->saved_s);
    cr_assert_eq(a->self_cnt, b->self_cnt);
    cr_assert_eq(a->ban_cnt, b->ban_cnt);
    for (uint32_t s = 0; s < a->self_cnt; s++) {
        const struct xord_state_self *x = &a->selves[s], *y = &b->selves[s];

        cr_assert_eq(x->node_cnt, y->node_cnt);
        cr_assert_bytes(x->enr.id32, y->enr.id32, 32);
        cr_assert_bytes(x->enr.raw, y->enr.raw, x->enr.len);
        for (uint32_t n = 0; n < x->node_cnt; n++) {
            cr_assert_bytes(x->nodes[n].enr.raw, y->nodes[n].enr.raw, x->nodes[n].enr.len);
            cr_assert_bytes(x->nodes[n].enr.id32, y->nodes[n].enr.id32, 32);
            cr_assert_eq(x->nodes[n].live_checks, y->nodes[n].live_checks);
            cr_assert_eq(x->nodes[n].last_live_s, y->nodes[n].last_live_s);
            cr_assert_eq(x->nodes[n].replacement, y->nodes[n].replacement);
        }
    }
    for (uint32_t i = 0; i < a->ban_cnt; i++) {
        cr_assert(xord_prefix_equal(&a->bans[i].prefix, &b->bans[i].prefix));
        cr_assert_eq(a->bans[i].until_s, b->bans[i].until_s);
    }
}

static void check_empty(const struct xord_state *state)
{
    static const struct xord_state none;

    cr_assert_eq(memcmp(state, &none, sizeof(none)), 0, "half read");
}

/* The bytes of the usual state; the caller's. */
static uint8_t *bytes(size_t *len)
{
    struct xord_state state;
    uint8_t *data;

    state_make(&state, curve);
    cr_assert_eq(xord_state_encode(&data, len, &state), 0);
    xord_state_free(&state);
    return data;
}

Test(state, there_and_back)
{
    struct xord_state state, again;
    uint8_t *data;
    size_t len;

    state_make(&state, curve);
    cr_assert_eq(xord_state_encode(&data, &len, &state), 0);
    cr_assert_eq(xord_state_decode(&again, data, len), 0);
    cr_assert_eq(xord_state_verify(&again, curve), 0);
    check_same(&state, &again);
    free(data);
    xord_state_free(&state);
    xord_state_free(&again);
}

Test(state, of_nothing)
{
    struct xord_state state = {.saved_s = 5}, again;
    uint8_t *data;
    size_t len;

    cr_assert_eq(xord_state_encode(&data, &len, &state), 0);
    cr_assert_eq(len, XORD_STATE_HEAD_LEN);
    cr_assert_eq(xord_state_decode(&again, data, len), 0);
    cr_assert_eq(again.saved_s, 5);
    cr_assert_eq(again.self_cnt + again.ban_cnt, 0);
    free(data);
}

Test(state, a_node_before_any_identity)
{
    struct xord_state state = {0};

    cr_assert_eq(xord_state_add_node(&state, &(struct xord_state_node){0}), XORD_ESTATE);
}

/* ---- whatever is wrong with it ---- */

Test(state, cut_off_anywhere)
{
    struct xord_state state;
    size_t len;
    uint8_t *data = bytes(&len);

    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = malloc(cut + 1); /* of its size, so that reading on is seen */

        memcpy(part, data, cut);
        cr_assert_neq(xord_state_decode(&state, part, cut), 0, "%zu bytes of %zu", cut, len);
        check_empty(&state);
        free(part);
    }
    free(data);
}

Test(state, something_behind_the_end)
{
    struct xord_state state;
    size_t len;
    uint8_t *data = bytes(&len);

    data = realloc(data, len + 1);
    data[len] = 0;
    cr_assert_eq(xord_state_decode(&state, data, len + 1), XORD_ETRAIL);
    check_empty(&state);
    free(data);
}

Test(state, each_bit_of_the_head)
{
    struct xord_state state;
    size_t len;
    uint8_t *data = bytes(&len);

    for (unsigned bit = 0; bit < 8 * XORD_STATE_HEAD_LEN; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_neq(xord_state_decode(&state, data, len), 0, "bit %u", bit);
        check_empty(&state);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_assert_eq(xord_state_decode(&state, data, len), 0);
    xord_state_free(&state);
    free(data);
}

Test(state, a_thousand_places)
{
    struct xord_state state;
    struct xord_rng rng;
    size_t len;
    uint8_t *data = bytes(&len);

    xord_rng_init(&rng, (const uint8_t[32]){9});
    for (int i = 0; i < 1000; i++) {
        size_t at = (size_t)xord_rng_below(&rng, len);
        uint8_t by = (uint8_t)(1 + xord_rng_below(&rng, 255));

        data[at] ^= by;
        cr_assert_neq(xord_state_decode(&state, data, len), 0, "byte %zu", at);
        check_empty(&state);
        data[at] ^= by;
    }
    free(data);
}

/* ---- on disk ---- */

static void write_bytes(const char *to, const uint8_t *data, size_t len)
{
    FILE *file = fopen(to, "wb");

    cr_assert_not_null(file);
    cr_assert_eq(fwrite(data, 1, len, file), len);
    fclose(file);
}

Test(state, saved_and_loaded)
{
    struct xord_state state, again;
    char err[XORD_STATE_ERR_LEN] = "";
    struct stat st;

    cr_assert_eq(xord_state_load(&again, path, curve, err), XORD_ENOENT);
    state_make(&state, curve);
    for (int i = 0; i < 3; i++) {
        state.saved_s++;
        cr_assert_eq(xord_state_save(path, &state, err), 0, "%s", err);
        cr_assert_eq(xord_state_load(&again, path, curve, err), 0, "%s", err);
        check_same(&state, &again);
        xord_state_free(&again);
    }
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_neq(access(fresh, F_OK), 0);
    xord_state_free(&state);
}

Test(state, what_is_no_sound_state_is_set_aside_whole)
{
    static const struct {
        const char *what, *says;
    } rows[] = {
            {"short", "its end is missing"},
            {"empty", "its end is missing"},
            {"flipped", "its checksum does not match"},
            {"long", "something behind its end"},
            {"text", "no state file of this version"},
    };
    size_t len;
    uint8_t *data = bytes(&len);

    data = realloc(data, len + 1);
    data[len] = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t wrong_len = i == 0 ? len - 1 : i == 1 ? 0 : i == 3 ? len + 1 : i == 4 ? 9 : len;
        char err[XORD_STATE_ERR_LEN] = "";
        uint8_t *wrong = malloc(wrong_len + 1);
        struct xord_state state;
        struct stat st;

        memcpy(wrong, i == 4 ? (const uint8_t *)"node keys" : data, wrong_len);
        if (i == 2)
            wrong[len - 1] ^= 1;
        write_bytes(path, wrong, wrong_len);
        cr_assert_neq(xord_state_load(&state, path, curve, err), 0, "%s", rows[i].what);
        check_empty(&state);
        cr_assert_not_null(strstr(err, rows[i].says), "%s: %s", rows[i].what, err);
        cr_assert_not_null(strstr(err, aside), "%s", err);
        cr_assert_neq(access(path, F_OK), 0);
        cr_assert_eq(stat(aside, &st), 0);
        cr_assert_eq((size_t)st.st_size, wrong_len, "as it was");
        free(wrong);
    }
    free(data);
}

/* Somebody else's record under a right checksum. */
Test(state, a_signature_that_does_not_verify)
{
    char err[XORD_STATE_ERR_LEN] = "";
    struct xord_state state;

    state_make(&state, curve);
    state.selves[1].nodes[3].enr.raw[20] ^= 1;
    cr_assert_eq(xord_state_save(path, &state, err), 0, "%s", err);
    xord_state_free(&state);
    cr_assert_neq(xord_state_load(&state, path, curve, err), 0);
    check_empty(&state);
    cr_assert_not_null(strstr(err, "set aside"), "%s", err);
}

Test(state, what_the_system_refuses)
{
    char err[XORD_STATE_ERR_LEN] = "", nowhere[96];
    struct xord_state state;

    state_make(&state, curve);
    snprintf(nowhere, sizeof(nowhere), "%s/no/such", dir);
    cr_assert_eq(xord_state_save(nowhere, &state, err), XORD_EIO);
    cr_assert_not_null(strstr(err, nowhere), "%s", err);
    cr_assert_not_null(strstr(err, "No such file"), "%s", err);
    xord_state_free(&state);
    cr_assert_eq(xord_state_load(&state, dir, curve, err), XORD_EIO, "a directory");
    cr_assert_not_null(strstr(err, dir), "%s", err);
}

/* The disk is full in the middle: the old file stays. */
Test(state, a_save_that_fails_leaves_the_old)
{
    char err[XORD_STATE_ERR_LEN] = "";
    struct xord_state state, again;

    state_make(&state, curve);
    cr_assert_eq(xord_state_save(path, &state, err), 0, "%s", err);
    cr_assert_eq(mkdir(fresh, 0700), 0); /* what it would write stands in its way */
    state.saved_s++;
    cr_assert_eq(xord_state_save(path, &state, err), XORD_EIO);
    cr_assert_eq(rmdir(fresh), 0);
    cr_assert_eq(xord_state_load(&again, path, curve, err), 0, "%s", err);
    cr_assert_eq(again.saved_s + 1, state.saved_s);
    xord_state_free(&state);
    xord_state_free(&again);
}
