/* SPDX-License-Identifier: BSD-3-Clause */
/* What a testnet writes: its records, and the truth about its nodes. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "testnet.h"
#include "xord_text.h"

static int file_end(FILE *file, const char *path)
{
    bool bad = fflush(file) || ferror(file);
    int error = errno;

    bad |= fclose(file) != 0;
    return bad ? complain("cannot write %s: %s", path, strerror(error)) : 0;
}

static FILE *file_begin(const char *path)
{
    FILE *file = fopen(path, "we");

    if (!file)
        complain("cannot write %s: %s", path, strerror(errno));
    return file;
}

static void enrs_print(FILE *file, struct xord_crowd *crowd, enum xord_crowd_kind kind, uint32_t max, uint64_t now_ns)
{
    char text[XORD_ENR_MAX_TEXT_LEN + 1];
    struct xord_enr enr;

    for (uint32_t i = 0; i < xord_crowd_cnt(crowd) && max > 0 && !interrupted(); i++) {
        if (xord_crowd_kind(crowd, i) != kind)
            continue;
        xord_crowd_enr(crowd, &enr, i, now_ns);
        fprintf(file, "%s\n", xord_enr_to_text(text, &enr));
        max--;
    }
}

int enrs_write(struct xord_crowd *crowd, const struct testnet_args *args, uint64_t now_ns)
{
    FILE *file;

    if (!args->enrs_path)
        return 0;
    file = file_begin(args->enrs_path);
    if (!file)
        return EXIT_USER;
    fprintf(file, "# %u living nodes\n", xord_crowd_kind_cnt(crowd, XORD_CROWD_ALIVE));
    enrs_print(file, crowd, XORD_CROWD_ALIVE, args->enrs_cnt ? args->enrs_cnt : UINT32_MAX, now_ns);
    for (uint32_t kind = XORD_CROWD_ALIVE + 1; kind < XORD_CROWD_KIND_CNT && args->enrs_cnt == 0; kind++) {
        if (xord_crowd_kind_cnt(crowd, kind) == 0)
            continue;
        fprintf(file, "# %u %s nodes: each %s\n", xord_crowd_kind_cnt(crowd, kind), xord_crowd_kind_name(kind),
                xord_crowd_kind_does(kind));
        enrs_print(file, crowd, kind, UINT32_MAX, now_ns);
    }
    return file_end(file, args->enrs_path);
}

int truth_write(const struct xord_crowd *crowd, const struct testnet_args *args, uint64_t now_ns)
{
    const struct xord_locals *locals = xord_crowd_locals(crowd);
    char id[65], ip[XORD_ENDPOINT_TEXT_LEN];
    FILE *file;

    if (!args->truth_path)
        return 0;
    file = file_begin(args->truth_path);
    if (!file)
        return EXIT_USER;
    for (uint32_t i = 0; i < xord_crowd_cnt(crowd); i++) {
        struct xord_endpoint ep = xord_crowd_endpoint(crowd, i, xord_crowd_version(crowd, i, now_ns));

        xord_hex_encode(id, locals->all[i].id32, 32);
        fprintf(file,
                "{\"node_id\":\"%s\",\"kind\":\"%s\",\"seq\":%" PRIu64 ",\"ip\":\"%s\",\"udp\":%u,\"here\":%s,"
                "\"was_away\":%s,\"class\":%u}\n",
                id, xord_crowd_kind_name(xord_crowd_kind(crowd, i)), xord_crowd_seq(crowd, i, now_ns),
                xord_ip_format(ip, ep.ip16), ep.port, xord_crowd_is_here(crowd, i, now_ns) ? "true" : "false",
                xord_crowd_was_away(crowd, i, now_ns) ? "true" : "false", xord_crowd_class(crowd, i));
    }
    return file_end(file, args->truth_path);
}
