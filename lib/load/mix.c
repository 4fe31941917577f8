/* SPDX-License-Identifier: BSD-3-Clause */
/* Shares of kinds. Each step owes every kind its share; the one that is owed most is next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xord_mix.h"

const char *const xord_mix_kind_names[XORD_MIX_KINDS] = {"ping", "findnode", "talk", "handshake"};

void xord_mix_single(struct xord_mix *mix, enum xord_mix_kind kind)
{
    memset(mix, 0, sizeof(*mix));
    mix->weight[kind] = 1;
}

static int line_fail(char err[XORD_MIX_ERR_LEN], unsigned line, const char *what, const char *text)
{
    snprintf(err, XORD_MIX_ERR_LEN, "line %u: %s \"%.40s\"; a line is KIND SHARE, as in \"ping 80\"", line, what, text);
    return XORD_EPROTO;
}

static int line_take(struct xord_mix *mix, char err[XORD_MIX_ERR_LEN], unsigned line, char *text)
{
    static const char space[] = " \t\r";
    char *rest, *end, *word, *number;
    double share;

    text[strcspn(text, "#")] = '\0';
    word = strtok_r(text, space, &rest);
    if (!word)
        return 0;
    number = strtok_r(NULL, space, &rest);
    share = number ? strtod(number, &end) : 0;
    if (!number || *end || !(share >= 0 && share <= 1e9))
        return line_fail(err, line, "no share in", word);
    if (strtok_r(NULL, space, &rest))
        return line_fail(err, line, "something behind the share of", word);
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        if (strcmp(word, xord_mix_kind_names[kind]) != 0)
            continue;
        mix->weight[kind] += share;
        return 0;
    }
    return line_fail(err, line, "no kind ping, findnode, talk or handshake:", word);
}

int xord_mix_parse(struct xord_mix *mix, char err[XORD_MIX_ERR_LEN], const char *text)
{
    char line[256];
    double sum = 0;

    memset(mix, 0, sizeof(*mix));
    for (unsigned number = 1; *text; number++) {
        size_t len = strcspn(text, "\n");

        snprintf(line, sizeof(line), "%.*s", (int)(len < sizeof(line) ? len : sizeof(line)), text);
        if (line_take(mix, err, number, line))
            return XORD_EPROTO;
        text += len + (text[len] == '\n');
    }
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++)
        sum += mix->weight[kind];
    if (!(sum > 0)) {
        snprintf(err, XORD_MIX_ERR_LEN, "it has no share above 0; a line is KIND SHARE, as in \"ping 80\"");
        return XORD_EPROTO;
    }
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++)
        mix->weight[kind] /= sum;
    return 0;
}

enum xord_mix_kind xord_mix_next(struct xord_mix *mix)
{
    int most = 0;

    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        mix->owed[kind] += mix->weight[kind];
        if (mix->owed[kind] > mix->owed[most])
            most = kind;
    }
    mix->owed[most] -= 1;
    return (enum xord_mix_kind)most;
}
