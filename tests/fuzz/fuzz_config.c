/* SPDX-License-Identifier: BSD-3-Clause */
/* Any text as a configuration, by a table with a key of each kind. One that is right is printed, and says the same then. */
#include <stdio.h>

#include "config.h"
#include "fuzz_target.h"

static const struct config_key keys[] = {
        {.path = "a", .option = "a", .preset = "1"},
        {.path = "flag", .option = "flag", .kind = CONFIG_FLAG},
        {.path = "list", .option = "list", .kind = CONFIG_LIST},
        {.path = "g.a", .option = "ga"},
        {.path = "g.list", .option = "glist", .kind = CONFIG_LIST},
        {.path = "es", .option = "es", .kind = CONFIG_ENTRIES, .fields = {"a", "b"}},
        {.path = "h.es", .option = "hes", .kind = CONFIG_ENTRIES, .fields = {"a", "b"}},
        {0},
};

static const char *nothing(void *ctx, unsigned key)
{
    (void)ctx;
    (void)key;
    return NULL;
}

static void check_values(struct config *config)
{
    unsigned cnt;

    for (unsigned i = 0; keys[i].path; i++) {
        char **texts = config_texts(config, i, &cnt);

        for (unsigned item = 0; item < cnt; item++)
            FUZZ_CHECK(texts[item] && config_item_line(config, i, item) > 0);
        FUZZ_CHECK(cnt == 0 || config_line(config, i) > 0);
    }
}

static void check_printed(struct config *config)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct config *again;

    FUZZ_CHECK(out && config_print(out, config, nothing, NULL) == 0);
    fclose(out);
    again = config_parse("printed", (const uint8_t *)text, len, keys);
    FUZZ_CHECK(again && config_errors(again) == 0);
    for (unsigned i = 0; keys[i].path; i++)
        FUZZ_CHECK(config_equal(config, again, i));
    config_free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    static FILE *quiet;
    struct config *config;

    if (!quiet)
        stderr = quiet = fopen("/dev/null", "w"); /* what is wrong is said there; a sanitizer writes past it */
    config = config_parse("fuzz", copy, size, keys);
    if (config) {
        check_values(config);
        if (config_errors(config) == 0)
            check_printed(config);
        config_free(config);
    }
    free(copy);
    return 0;
}
