/* SPDX-License-Identifier: BSD-3-Clause */
/* Real records. XORD_SHARED_DATA names a folder with nodes-mainnet-2020.json (node id -> record, the form in which
 * crawlers exchange what they found) and bootnodes-*.txt; without it these tests are skipped. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "record_util.h"
#include "xord_enr_keys.h"

#define NODES_FILE   "nodes-mainnet-2020.json"
#define NODES_CNT    1127
#define BOOTNODE_CNT 48
#define ID_TEXT_LEN  64

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t len = 0, cap = 1 << 22;
    char *text;

    if (!file)
        return NULL;
    text = malloc(cap);
    len = fread(text, 1, cap - 1, file);
    cr_assert_lt(len, cap - 1);
    text[len] = '\0';
    fclose(file);
    return text;
}

static char *read_shared(const char *name)
{
    const char *dir = getenv("XORD_SHARED_DATA");
    char path[4096], *text;

    if (!dir)
        cr_skip("XORD_SHARED_DATA is not set");
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    text = read_file(path);
    if (!text)
        cr_skip("no real records there");
    return text;
}

/* The next `"<64 hex digits>": { ... "record": "enr:..."` behind *pos. */
static bool next_node(const char **pos, uint8_t id32[32], struct xord_enr *enr)
{
    const char *colon, *record, *end;

    for (colon = strstr(*pos, "\":"); colon; colon = strstr(colon + 1, "\":")) {
        if (colon - *pos > ID_TEXT_LEN && colon[-ID_TEXT_LEN - 1] == '"')
            break;
    }
    if (!colon)
        return false;
    cr_assert_eq(xord_hex_decode(id32, 32, colon - ID_TEXT_LEN, ID_TEXT_LEN), 0);
    record = strstr(colon, "\"enr:");
    cr_assert_not_null(record);
    end = strchr(record + 1, '"');
    cr_assert_eq(xord_enr_from_text(enr, record + 1, (size_t)(end - record - 1)), 0, "%.*s", (int)(end - record),
            record);
    *pos = end;
    return true;
}

/* Whatever a valid record holds can be shown and carried through a draft, and its text is its text. */
static void check_use(const struct xord_enr *enr)
{
    char text[XORD_ENR_VALUE_TEXT_LEN];
    struct xord_enr again;
    struct xord_enr_pair pair;
    size_t pos = 0;

    while (xord_enr_next_pair(enr, &pos, &pair)) {
        cr_assert_not_null(xord_enr_key_lookup(pair.key, pair.key_len), "%.*s", pair.key_len, pair.key);
        cr_assert_eq(xord_enr_value_format(text, sizeof(text), &pair), 0, "%.*s %s", pair.key_len, pair.key, text);
    }
    xord_enr_to_text(text, enr);
    cr_assert_eq(xord_enr_from_text(&again, text, strlen(text)), 0);
    cr_assert_bytes(again.raw, enr->raw, enr->len);
}

Test(enr_data, every_mainnet_record_is_valid)
{
    char *json = read_shared(NODES_FILE);
    struct xord_curve *curve = test_curve();
    const char *pos = json;
    struct xord_enr enr;
    uint8_t id32[32];
    unsigned cnt = 0;

    for (; next_node(&pos, id32, &enr); cnt++) {
        cr_assert_eq(xord_enr_verify(&enr, curve), 0, "record %u", cnt);
        cr_assert_bytes(enr.id32, id32, 32);
        check_use(&enr);
    }
    cr_assert_eq(cnt, NODES_CNT);
    free(json);
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

static unsigned check_bootnodes(const char *path, const struct xord_curve *curve)
{
    char *text = read_file(path), *save = NULL;
    unsigned cnt = 0;

    cr_assert_not_null(text);
    for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save), cnt++) {
        struct xord_enr enr;

        cr_assert_eq(xord_enr_from_text(&enr, line, strlen(line)), 0, "%s", line);
        cr_assert_eq(xord_enr_verify(&enr, curve), 0, "%s", line);
        check_use(&enr);
    }
    free(text);
    return cnt;
}

Test(enr_data, every_bootnode_is_valid)
{
    const char *dir = getenv("XORD_SHARED_DATA");
    struct xord_curve *curve;
    char pattern[4096];
    unsigned cnt = 0;
    glob_t found;

    if (!dir)
        cr_skip("XORD_SHARED_DATA is not set");
    snprintf(pattern, sizeof(pattern), "%s/bootnodes-*.txt", dir);
    if (glob(pattern, 0, NULL, &found))
        cr_skip("no real records there");
    curve = test_curve();
    for (size_t i = 0; i < found.gl_pathc; i++)
        cnt += check_bootnodes(found.gl_pathv[i], curve);
    cr_assert_geq(cnt, BOOTNODE_CNT);
    globfree(&found);
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

static void check_flip(const struct xord_enr *enr, size_t byte, uint8_t mask, const struct xord_curve *curve)
{
    uint8_t raw[XORD_ENR_MAX_LEN];
    struct xord_enr bad;
    int err;

    memcpy(raw, enr->raw, enr->len);
    raw[byte] ^= mask;
    err = record_decode(&bad, raw, enr->len);
    if (!err)
        err = xord_enr_verify(&bad, curve);
    cr_assert_neq(err, 0, "byte %zu xor %02x", byte, mask);
}

/* Every byte of every record with one wrong bit, another one in each record; a whole wrong byte in a part of them. */
Test(enr_data, every_flipped_byte_is_invalid, .timeout = 110)
{
    char *json = read_shared(NODES_FILE);
    struct xord_curve *curve = test_curve();
    const char *pos = json;
    struct xord_enr enr;
    uint8_t id32[32];

    for (unsigned cnt = 0; next_node(&pos, id32, &enr); cnt++) {
        for (size_t byte = 0; byte < enr.len; byte++) {
            check_flip(&enr, byte, (uint8_t)(1 << (cnt + byte) % 8), curve);
            if (cnt % 16 == 0)
                check_flip(&enr, byte, 0xff, curve);
        }
    }
    free(json);
    xord_curve_close(curve);
    TEST_NO_LEAK();
}
