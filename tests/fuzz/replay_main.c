/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for libFuzzer: feeds files, or every file of a directory, to the target. So corpora (and crashes found
 * elsewhere) replay without clang. Exit 1 when a path holds no readable file. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz_target.h"

#define INPUT_MAX (1 << 20)

static unsigned replayed_cnt;

static int replay_file(const char *path)
{
    static uint8_t buf[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    size_t len;
    int bad;

    if (!file) {
        perror(path);
        return 1;
    }
    len = fread(buf, 1, sizeof(buf), file);
    bad = ferror(file);
    fclose(file);
    if (bad) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    LLVMFuzzerTestOneInput(buf, len);
    replayed_cnt++;
    return 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_dir(const char *path)
{
    struct dirent **entries;
    int cnt = scandir(path, &entries, is_visible, alphasort);
    int failed = cnt <= 0;
    char name[4096];

    if (failed)
        fprintf(stderr, "%s: no corpus\n", path);
    if (cnt < 0)
        return 1;
    for (int i = 0; i < cnt; i++) {
        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        failed |= replay_file(name);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;

    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);

        if (dir)
            closedir(dir);
        failed |= dir ? replay_dir(argv[i]) : replay_file(argv[i]);
    }
    printf("%u inputs replayed\n", replayed_cnt);
    return failed;
}
