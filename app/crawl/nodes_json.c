/* SPDX-License-Identifier: BSD-3-Clause */
/* nodes.json: node id -> seq, record, score, firstResponse, lastResponse, lastCheck, the form in which crawlers exchange what
 * they know. A score goes up by one when the node is found alive and is halved when it is not. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crawl.h"
#include "xord_text.h"

#define NEVER           "0001-01-01T00:00:00Z"
#define REVISITS_A_TURN 64 /* each costs a signature's verification */

struct entry {
    uint8_t id32[32];
    uint64_t seq;
    int64_t score;
    bool revisited; /* added to this crawl because it stands in the file */
    char record[XORD_ENR_MAX_TEXT_LEN + 1];
    char first[WALL_TIME_LEN], last[WALL_TIME_LEN], check[WALL_TIME_LEN];
};

struct nodes_json {
    char *path; /* without symbolic links, so that replacing the file leaves them alone */
    char *tmp_path;
    mode_t mode;       /* of the file that is replaced; 0: none */
    struct entry *old; /* sorted by id */
    size_t old_cnt;
    size_t revisited_cnt; /* so many of them have been handed to the crawl */
};

/* One line of the file to write: what is known of old, or of this crawl, or of both. */
struct row {
    const uint8_t *id32;
    const struct entry *old;
    struct xord_crawl_node node;
    bool has_node;
};

char *wall_time_format(char out[WALL_TIME_LEN], uint64_t wall_ns)
{
    time_t t = (time_t)(wall_ns / XORD_NS_PER_S);
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(out, WALL_TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

/* ---- reading ---- */

static int compare_entries(const void *a, const void *b)
{
    return memcmp(((const struct entry *)a)->id32, ((const struct entry *)b)->id32, 32);
}

static void copy_string(char *out, size_t cap, const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));

    snprintf(out, cap, "%s", text ? text : otherwise);
}

static int entry_read(struct entry *entry, const char *path, const char *key, const json_t *value)
{
    if (xord_hex_decode(entry->id32, 32, key, strlen(key)) || !json_is_object(value) ||
            !json_is_string(json_object_get(value, "record")))
        return complain("%s is no nodes.json: the entry \"%.64s\" is not a node; name another --out", path, key);
    entry->seq = (uint64_t)json_integer_value(json_object_get(value, "seq"));
    entry->score = json_integer_value(json_object_get(value, "score"));
    copy_string(entry->record, sizeof(entry->record), value, "record", "");
    copy_string(entry->first, sizeof(entry->first), value, "firstResponse", NEVER);
    copy_string(entry->last, sizeof(entry->last), value, "lastResponse", NEVER);
    copy_string(entry->check, sizeof(entry->check), value, "lastCheck", NEVER);
    return 0;
}

static int entries_read(struct nodes_json *json, const json_t *root)
{
    const char *key;
    json_t *value;

    if (!json_is_object(root))
        return complain("%s is no nodes.json: it holds no object; name another --out", json->path);
    json->old = calloc(json_object_size(root) + 1, sizeof(*json->old));
    if (!json->old)
        return complain("out of memory");
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        if (entry_read(&json->old[json->old_cnt], json->path, key, value))
            return EXIT_USER;
        json->old_cnt++;
    }
    qsort(json->old, json->old_cnt, sizeof(*json->old), compare_entries);
    return 0;
}

static int file_read(struct nodes_json *json)
{
    struct stat st;
    json_error_t error;
    json_t *root;
    int err;

    if (stat(json->path, &st)) {
        if (errno == ENOENT)
            return 0;
        return complain("cannot read %s: %s", json->path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode))
        return complain("%s is a directory: name a file with --out", json->path);
    if (!S_ISREG(st.st_mode))
        return complain("%s is no regular file: --out replaces the file that it names", json->path);
    json->mode = st.st_mode & 07777;
    if (st.st_size == 0)
        return 0;
    root = json_load_file(json->path, 0, &error);
    if (!root)
        return complain("%s is there but is no nodes.json (%s at line %d); name another --out, or remove it",
                json->path, error.text, error.line);
    err = entries_read(json, root);
    json_decref(root);
    return err;
}

/* The old file's permissions stay; what has none yet gets what the umask leaves. */
static FILE *tmp_open(const struct nodes_json *json)
{
    FILE *file = fopen(json->tmp_path, "wxe");

    if (file && json->mode && fchmod(fileno(file), json->mode)) {
        fclose(file);
        unlink(json->tmp_path);
        return NULL;
    }
    return file;
}

static int try_to_write(const struct nodes_json *json)
{
    FILE *file = tmp_open(json);

    if (!file)
        return complain("cannot write %s: %s", json->path, strerror(errno));
    fclose(file);
    unlink(json->tmp_path);
    return 0;
}

struct nodes_json *nodes_json_open(const char *path)
{
    struct nodes_json *json = calloc(1, sizeof(*json));
    int err = 0;

    if (json) {
        json->path = realpath(path, NULL);
        if (!json->path)
            json->path = strdup(path);
    }
    if (!json || !json->path || asprintf(&json->tmp_path, "%s.tmp.%d", json->path, (int)getpid()) < 0)
        err = complain("out of memory");
    if (!err && !*path)
        err = complain("--out wants the name of a file");
    if (!err)
        err = file_read(json);
    if (!err)
        err = try_to_write(json);
    if (!err)
        return json;
    nodes_json_close(json);
    return NULL;
}

void nodes_json_close(struct nodes_json *json)
{
    if (!json)
        return;
    free(json->old);
    free(json->tmp_path);
    free(json->path);
    free(json);
}

/* ---- visiting again ---- */

static int revisit(struct entry *entry, struct xord_crawl *crawl, const struct xord_curve *curve, uint64_t now_ns)
{
    struct xord_crawl_node node;
    struct xord_enr enr;
    int err;

    /* Somebody has named it already: that spares the signature. */
    if (xord_crawl_find(crawl, entry->id32, &node))
        return 0;
    err = xord_enr_from_text(&enr, entry->record, strlen(entry->record));
    if (!err)
        err = xord_enr_verify(&enr, curve);
    if (err || memcmp(enr.id32, entry->id32, 32) != 0)
        return 0; /* damaged: stays in the file until somebody names the node */
    err = xord_crawl_add(crawl, &enr, now_ns);
    entry->revisited = err == 0;
    return err == XORD_ENOMEM ? err : 0;
}

int nodes_json_revisit(struct nodes_json *json, struct xord_crawl *crawl, const struct xord_curve *curve,
        uint64_t now_ns)
{
    for (int i = 0; i < REVISITS_A_TURN && json->revisited_cnt < json->old_cnt; i++) {
        int err = revisit(&json->old[json->revisited_cnt++], crawl, curve, now_ns);

        if (err)
            return err;
    }
    return json->revisited_cnt < json->old_cnt;
}

/* ---- writing ---- */

static int compare_rows(const void *a, const void *b)
{
    return memcmp(((const struct row *)a)->id32, ((const struct row *)b)->id32, 32);
}

/* Old entries and the crawl's nodes, merged by id. NULL when out of memory. */
static struct row *rows_make(const struct nodes_json *json, const struct xord_crawl *crawl, size_t *cnt)
{
    struct xord_crawl_stats stats;
    struct xord_crawl_node node;
    struct row *rows;
    size_t pos = 0;

    xord_crawl_stats(crawl, &stats);
    rows = calloc(json->old_cnt + stats.known + 1, sizeof(*rows));
    *cnt = 0;
    if (!rows)
        return NULL;
    while (xord_crawl_each(crawl, &pos, &node)) {
        struct row *row = &rows[(*cnt)++];

        *row = (struct row){.id32 = node.enr->id32, .node = node, .has_node = true};
        if (json->old_cnt > 0)
            row->old = bsearch(node.enr->id32, json->old, json->old_cnt, sizeof(*json->old), compare_entries);
    }
    for (size_t i = 0; i < json->old_cnt; i++)
        if (!xord_crawl_find(crawl, json->old[i].id32, &node))
            rows[(*cnt)++] = (struct row){.id32 = json->old[i].id32, .old = &json->old[i]};
    qsort(rows, *cnt, sizeof(*rows), compare_rows);
    return rows;
}

/* A node whose visit has ended has a new score. One whose score has gone, that is silent, and that only the old file names,
 * has left the network: false. */
static bool entry_update(struct entry *entry, const struct row *row, uint64_t wall_offset_ns)
{
    const struct xord_crawl_node *node = &row->node;

    *entry = (struct entry){.first = NEVER, .last = NEVER, .check = NEVER};
    if (row->old)
        *entry = *row->old;
    if (!row->has_node)
        return true;
    if (!row->old || node->enr->seq >= entry->seq) {
        entry->seq = node->enr->seq;
        xord_enr_to_text(entry->record, node->enr);
    }
    if (node->status == XORD_CRAWL_ALIVE || node->last_response_ns > 0)
        entry->score++;
    else if (node->status == XORD_CRAWL_DEAD)
        entry->score /= 2;
    if (node->last_check_ns > 0)
        wall_time_format(entry->check, wall_offset_ns + node->last_check_ns);
    if (node->last_response_ns > 0)
        wall_time_format(entry->last, wall_offset_ns + node->last_response_ns);
    if (node->first_response_ns > 0 && strcmp(entry->first, NEVER) == 0)
        wall_time_format(entry->first, wall_offset_ns + node->first_response_ns);
    return !(entry->revisited && node->status == XORD_CRAWL_DEAD && node->seen_cnt <= 1 && entry->score <= 0);
}

static void entry_print(FILE *file, const struct entry *entry, const uint8_t id32[32], bool first)
{
    char id[65];

    xord_hex_encode(id, id32, 32);
    fprintf(file,
            "%s\n    \"%s\": {\n        \"seq\": %llu,\n        \"record\": \"%s\",\n        \"score\": %lld,\n"
            "        \"firstResponse\": \"%s\",\n        \"lastResponse\": \"%s\",\n        \"lastCheck\": \"%s\"\n    "
            "}",
            first ? "" : ",", id, (unsigned long long)entry->seq, entry->record, (long long)entry->score, entry->first,
            entry->last, entry->check);
}

static int file_write(const struct nodes_json *json, const struct row *rows, size_t cnt, uint64_t wall_offset_ns)
{
    FILE *file = tmp_open(json);
    bool first = true;
    bool bad;

    if (!file)
        return -1;
    fputc('{', file);
    for (size_t i = 0; i < cnt; i++) {
        struct entry entry;

        if (!entry_update(&entry, &rows[i], wall_offset_ns))
            continue;
        entry_print(file, &entry, rows[i].id32, first);
        first = false;
    }
    fputs("\n}\n", file);
    bad = fflush(file) || ferror(file) || fsync(fileno(file));
    bad |= fclose(file) != 0;
    return bad ? -1 : 0;
}

int nodes_json_write(struct nodes_json *json, const struct xord_crawl *crawl, uint64_t wall_offset_ns)
{
    size_t cnt;
    struct row *rows = rows_make(json, crawl, &cnt);
    int error = ENOMEM;

    if (rows && file_write(json, rows, cnt, wall_offset_ns) == 0 && rename(json->tmp_path, json->path) == 0) {
        free(rows);
        return 0;
    }
    if (rows)
        error = errno;
    free(rows);
    unlink(json->tmp_path);
    errno = error;
    return -1;
}
