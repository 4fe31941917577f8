/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading what a host says of itself below /proc and /sys. */
#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

static void path_v(char path[PATH_MAX], const struct host *host, const char *format, va_list args)
        __attribute__((format(printf, 3, 0)));

static void path_v(char path[PATH_MAX], const struct host *host, const char *format, va_list args)
{
    int len = snprintf(path, PATH_MAX, "%s", host->root);

    if (len < 0 || len >= PATH_MAX || vsnprintf(path + len, (size_t)(PATH_MAX - len), format, args) < 0)
        *path = '\0';
}

#define PATH_OF(path, host, format)                                                                                    \
    do {                                                                                                               \
        va_list list;                                                                                                  \
        va_start(list, format);                                                                                        \
        path_v(path, host, format, list);                                                                              \
        va_end(list);                                                                                                  \
    } while (0)

void host_path(char path[PATH_MAX], const struct host *host, const char *format, ...)
{
    PATH_OF(path, host, format);
}

bool host_has(const struct host *host, const char *format, ...)
{
    char path[PATH_MAX];

    PATH_OF(path, host, format);
    return access(path, F_OK) == 0;
}

static bool read_path(char *out, size_t cap, const char *path)
{
    FILE *file = fopen(path, "re");
    size_t len;

    *out = '\0';
    if (!file)
        return false;
    len = fread(out, 1, cap - 1, file);
    if (ferror(file))
        len = 0;
    fclose(file);
    while (len > 0 && isspace((unsigned char)out[len - 1]))
        len--;
    out[len] = '\0';
    return len > 0;
}

bool host_read(char *out, size_t cap, const struct host *host, const char *format, ...)
{
    char path[PATH_MAX];

    PATH_OF(path, host, format);
    return read_path(out, cap, path);
}

long long host_number(const struct host *host, long long otherwise, const char *format, ...)
{
    char path[PATH_MAX], text[64], *end;
    long long number;

    PATH_OF(path, host, format);
    if (!read_path(text, sizeof(text), path))
        return otherwise;
    number = strtoll(text, &end, 0);
    return end == text ? otherwise : number;
}

bool host_link(char *name, size_t cap, const struct host *host, const char *format, ...)
{
    char path[PATH_MAX], target[PATH_MAX];
    const char *slash;
    ssize_t n;

    PATH_OF(path, host, format);
    *name = '\0';
    n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0)
        return false;
    target[n] = '\0';
    slash = strrchr(target, '/');
    snprintf(name, cap, "%s", slash ? slash + 1 : target);
    return true;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

void host_each(const struct host *host, bool (*visit)(void *ctx, const char *name), void *ctx, const char *format, ...)
{
    char path[PATH_MAX];
    struct dirent **entries;
    bool more = true;
    int n;

    PATH_OF(path, host, format);
    n = scandir(path, &entries, not_hidden, versionsort);
    if (n < 0)
        return;
    for (int i = 0; i < n; i++) {
        more = more && visit(ctx, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

bool host_row(char *value, size_t cap, const struct host *host, const char *path, const char *name)
{
    char full[PATH_MAX], line[8192];
    size_t len = strlen(name);
    bool found = false;
    FILE *file;

    *value = '\0';
    host_path(full, host, "%s", path);
    file = fopen(full, "re");
    while (file && !found && fgets(line, sizeof(line), file)) {
        const char *at = line + len;

        if (strncmp(line, name, len) != 0)
            continue;
        while (isspace((unsigned char)*at))
            at++;
        if (*at != ':')
            continue;
        do
            at++;
        while (isspace((unsigned char)*at));
        snprintf(value, cap, "%.*s", (int)strcspn(at, "\n"), at);
        found = true;
    }
    if (file)
        fclose(file);
    return found;
}

bool host_has_capability(const struct host *host, unsigned capability)
{
    char text[32];

    return host_row(text, sizeof(text), host, "/proc/self/status", "CapEff") &&
           (strtoull(text, NULL, 16) >> capability & 1);
}

uint64_t host_limit(const struct host *host, const char *name, bool hard)
{
    char path[PATH_MAX], line[256], text[2][32];
    uint64_t limit = UINT64_MAX;
    size_t len = strlen(name);
    FILE *file;

    host_path(path, host, "/proc/self/limits");
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, name, len) == 0 && sscanf(line + len, "%31s %31s", text[0], text[1]) == 2 &&
                isdigit((unsigned char)text[hard][0]))
            limit = strtoull(text[hard], NULL, 10);
    if (file)
        fclose(file);
    return limit;
}

/* ---- sets of CPUs ---- */

void cpus_parse(struct cpus *cpus, const char *list)
{
    memset(cpus, 0, sizeof(*cpus));
    while (isdigit((unsigned char)*list)) {
        char *end;
        unsigned long first = strtoul(list, &end, 10), last = first;

        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (; first <= last && first < CPUS_MAX; first++)
            cpus->bits[first / 64] |= 1ULL << first % 64;
        list = *end == ',' ? end + 1 : end;
    }
}

unsigned cpus_count(const struct cpus *cpus)
{
    unsigned cnt = 0;

    for (unsigned i = 0; i < CPUS_MAX / 64; i++)
        cnt += (unsigned)__builtin_popcountll(cpus->bits[i]);
    return cnt;
}

bool cpus_meet(const struct cpus *a, const struct cpus *b)
{
    for (unsigned i = 0; i < CPUS_MAX / 64; i++)
        if (a->bits[i] & b->bits[i])
            return true;
    return false;
}

bool cpus_have(const struct cpus *cpus, unsigned cpu)
{
    return cpu < CPUS_MAX && (cpus->bits[cpu / 64] >> cpu % 64 & 1);
}

void cpus_allowed(struct cpus *cpus, const struct host *host)
{
    char list[4096];

    host_row(list, sizeof(list), host, "/proc/self/status", "Cpus_allowed_list");
    cpus_parse(cpus, list);
}
