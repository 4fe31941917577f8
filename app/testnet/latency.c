/* SPDX-License-Identifier: BSD-3-Clause */
/* The latencies of a testnet: one for all, or a distribution out of a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "testnet.h"

#define VALUES_MAX 65536
#define MAX_MS     60000

static int value_add(uint64_t *values_ns, double *weights, size_t *cnt, const char *path, unsigned line,
        const char *text)
{
    double ms, weight = 1;
    char more;
    int n = sscanf(text, "%lf %lf %c", &ms, &weight, &more);

    if (n < 1 || n > 2 || !(ms >= 0 && ms <= MAX_MS) || !(weight > 0))
        return complain("%s, line %u: that wants milliseconds from 0 to %d, and a weight above 0 if not all weigh the "
                        "same",
                path, line, MAX_MS);
    if (*cnt == VALUES_MAX)
        return complain("%s has more than %d lines", path, VALUES_MAX);
    values_ns[*cnt] = (uint64_t)(ms * 1e6);
    weights[(*cnt)++] = weight;
    return 0;
}

static int file_parse(struct xord_latency *latency, FILE *file, const char *path, uint64_t *values_ns, double *weights)
{
    char text[256];
    unsigned line = 0;
    size_t cnt = 0;

    while (fgets(text, sizeof(text), file)) {
        line++;
        text[strcspn(text, "#\n")] = '\0';
        if (text[strspn(text, " \t\r")] != '\0' && value_add(values_ns, weights, &cnt, path, line, text))
            return EXIT_USER;
    }
    if (ferror(file))
        return complain("cannot read %s: %s", path, strerror(errno));
    if (cnt == 0)
        return complain("%s holds no latency: one a line, in milliseconds", path);
    return xord_latency_of(latency, values_ns, weights, cnt) ? complain("out of memory") : 0;
}

static int file_read(struct xord_latency *latency, const char *path)
{
    FILE *file = fopen(path, "re");
    uint64_t *values_ns;
    double *weights;
    int err;

    if (!file)
        return complain("--latency %.200s is neither a time, as 50ms, nor a file to read: %s", path, strerror(errno));
    values_ns = calloc(VALUES_MAX, sizeof(*values_ns));
    weights = calloc(VALUES_MAX, sizeof(*weights));
    err = values_ns && weights ? file_parse(latency, file, path, values_ns, weights) : complain("out of memory");
    free(values_ns);
    free(weights);
    fclose(file);
    return err;
}

int latency_parse(struct xord_latency *latency, const char *text)
{
    const double one = 1;
    char *unit;
    double n = strtod(text, &unit);
    uint64_t ns;

    if (unit == text || (strcmp(unit, "ms") != 0 && strcmp(unit, "s") != 0))
        return file_read(latency, text);
    n *= strcmp(unit, "s") == 0 ? 1000 : 1;
    if (!(n >= 0 && n <= MAX_MS))
        return complain("--latency %.60s: a round trip takes from 0 to %d ms", text, MAX_MS);
    ns = (uint64_t)(n * 1e6);
    return xord_latency_of(latency, &ns, &one, 1) ? complain("out of memory") : 0;
}
