/* SPDX-License-Identifier: BSD-3-Clause */
/* What a core dump holds: a process with two engines, whose worker threads have made sessions by real handshakes, ends by
 * SIGABRT, and the file that the kernel writes is searched for every key that it had. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_private.h"
#include "node_private.h"
#include "test_util.h"
#include "xord_bytes.h"
#include "xord_rng.h"

#define CLIENTS  40
#define KEYS_MAX 4096
#define WAIT_S   20
#define S        XORD_NS_PER_S

/* What the process that dumps had, in memory shared with the one that looks. */
struct keys {
    uint32_t cnt;
    struct {
        const char *what;
        uint8_t key16[16]; /* or the first half of a longer one */
    } all[KEYS_MAX];
};

static struct keys *keys;
static char dir[64];
static char marker[32] = "not yet"; /* to know a dump of this process by */

/* As the curve's library has it in its numbers: the other end first. */
static void reversed(uint8_t out16[16], const uint8_t seckey32[32])
{
    for (int i = 0; i < 16; i++)
        out16[i] = seckey32[31 - i];
}

static void key_note(const char *what, const uint8_t *key)
{
    static const uint8_t zero[16];

    if (keys->cnt == KEYS_MAX || memcmp(key, zero, 16) == 0)
        return;
    keys->all[keys->cnt].what = what;
    memcpy(keys->all[keys->cnt++].key16, key, 16);
}

static void seckey_note(const char *what, const uint8_t seckey32[32])
{
    uint8_t number16[16];

    key_note(what, seckey32);
    reversed(number16, seckey32);
    key_note(what, number16);
    xord_wipe(number16, sizeof(number16));
}

/* ---- the process that dumps ---- */

struct side {
    struct xord_engine *engine;
    struct xord_locals *locals;
    struct xord_curve *curve;
};

static void local_add(struct side *side, const struct xord_aes_ops *ops, struct xord_aes *aes, uint32_t i,
        uint16_t udp_port)
{
    static const uint8_t ip4[4] = {127, 0, 0, 1};
    struct xord_endpoint ep = xord_endpoint_v4(ip4, udp_port);
    struct xord_enr_draft draft;
    uint8_t seckey32[32];
    struct xord_enr enr;

    ep.ip16[14] = (uint8_t)i;
    xord_random_kernel(seckey32, sizeof(seckey32));
    seckey32[0] &= 0x7f;
    xord_enr_draft_init(&draft, 1);
    if (xord_enr_draft_set_endpoint(&draft, &ep) || xord_enr_sign(&enr, &draft, side->curve, seckey32) ||
            xord_locals_add(side->locals, ops, aes, seckey32, &enr, &ep, NULL))
        _exit(10);
    seckey_note("a secret key", seckey32);
    xord_wipe(seckey32, sizeof(seckey32));
}

static void side_start(struct side *side, uint32_t local_cnt)
{
    const struct xord_aes_ops *ops = xord_aes_best();
    struct xord_port_config port_config = {.spec = "socket",
            .addr_cnt = 1,
            .worker_cnt = 2,
            .whole_prefix = local_cnt > 1};
    struct xord_engine_config config = {.worker_cnt = 2, .mail_cap = 256};
    static const struct xord_hash_key hash_key = {{3, 4}};
    char err[XORD_PORT_ERR_LEN] = "";
    struct xord_aes *aes = ops->open();
    uint8_t seed32[32];

    xord_random_kernel(seed32, sizeof(seed32));
    side->curve = xord_curve_open(seed32);
    side->locals = xord_locals_new(local_cnt, &hash_key);
    if (xord_ip_parse(port_config.addrs[0].ip16, local_cnt > 1 ? "127.0.0.0" : "127.0.0.1"))
        _exit(11);
    port_config.addrs[0].prefix_len = local_cnt > 1 ? 16 : 32;
    config.port = xord_port_open(&port_config, err);
    if (!config.port || !side->curve || !side->locals || !aes)
        _exit(12);
    for (uint32_t i = 0; i < local_cnt; i++)
        local_add(side, ops, aes, i, config.port->bound[0].port);
    ops->close(aes);
    config.node = (struct xord_node_config){.aes_ops = ops,
            .curve = side->curve,
            .locals = side->locals,
            .host_cnt = local_cnt > 1 ? 0 : 1,
            .session_cap = 1024,
            .challenge_cap = 1024,
            .request_cap = 256,
            .record_cap = 1024,
            .request_timeout_ns = 5 * S,
            .handshake_timeout_ns = 5 * S};
    side->engine = xord_engine_start(&config, err);
    if (!side->engine)
        _exit(13);
}

static void ping_all(struct side *clients, const struct side *server)
{
    const struct xord_local *to = &server->locals->all[0];
    uint64_t end_ns = xord_now_ns() + WAIT_S * S;
    uint32_t answered = 0;

    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct xord_mail *mail = xord_engine_mail_new(clients->engine, XORD_MAIL_REQUEST, i, i);

        mail->request.peer = xord_peer_from_enr(&to->enr, &to->ep[0]);
        mail->request.type = XORD_MSG_PING;
        if (xord_engine_request(clients->engine, mail))
            _exit(14);
    }
    while (answered < CLIENTS && xord_now_ns() < end_ns) {
        struct xord_mail *mail;

        while (xord_engine_poll(clients->engine, &mail, 1) > 0) {
            answered += mail->kind == XORD_MAIL_DONE && mail->done.err == 0;
            xord_engine_mail_free(clients->engine, mail);
        }
        xord_engine_wait(clients->engine, S / 10);
    }
    if (answered < CLIENTS)
        _exit(15);
}

/* While nobody works. */
static void keys_note(const struct side *clients, const struct side *server)
{
    const struct side *sides[] = {clients, server};

    for (uint32_t i = 0; i < CLIENTS; i++)
        for (int s = 0; s < 2; s++)
            for (uint16_t w = 0; w < 2; w++) {
                struct xord_node *node = sides[s]->engine->workers[w].node;
                const struct xord_local *peer = s ? &clients->locals->all[i] : &server->locals->all[0];
                struct xord_session_key key = {.ep = peer->ep[0], .local = s ? 0 : i};
                const struct xord_session *session;

                memcpy(key.peer_id32, peer->id32, 32);
                session = xord_session_find(node->sessions, &key);
                if (session) {
                    key_note("a session's read key", session->read_key16);
                    key_note("a session's write key", session->write_key16);
                }
            }
    for (int s = 0; s < 2; s++)
        for (uint16_t w = 0; w < 2; w++) {
            struct xord_node *node = sides[s]->engine->workers[w].node;
            struct xord_ephemeral pair;

            key_note("a random stream", (const uint8_t *)node->rng.key);
            for (int n = 0; n < 8 && xord_ephemerals_cnt(node->ephemerals) > 0; n++) {
                (void)xord_ephemerals_take(node->ephemerals, &pair);
                seckey_note("an ephemeral key", pair.seckey32);
            }
            xord_wipe(&pair, sizeof(pair));
        }
}

static void dump(void)
{
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    struct side clients, server;

    if (chdir(dir) || setrlimit(RLIMIT_CORE, &unlimited) || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
        _exit(16);
    (void)madvise(keys, sizeof(*keys), MADV_DONTDUMP);
    side_start(&server, 1);
    side_start(&clients, CLIENTS);
    ping_all(&clients, &server);
    usleep(300000); /* until idle turns have filled the pools of ephemeral keys */
    keys_note(&clients, &server);
    snprintf(marker, sizeof(marker), "xord core %s", "marker");
    signal(SIGABRT, SIG_DFL);
    abort();
}

/* ---- the one that looks ---- */

static uint8_t *core_map(size_t *len)
{
    char path[384] = "";
    struct dirent *entry;
    DIR *files = opendir(dir);
    struct stat st;
    uint8_t *core;
    int fd;

    while (files && (entry = readdir(files)))
        if (strncmp(entry->d_name, "core", 4) == 0)
            snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
    closedir(files);
    cr_assert(path[0], "no core dump in %s", dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &st) == 0);
    core = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    cr_assert_neq(core, MAP_FAILED);
    close(fd);
    unlink(path);
    *len = (size_t)st.st_size;
    return core;
}

/* One pass: of most places the first two bytes are no key's. */
static uint32_t search(const uint8_t *core, size_t len)
{
    static bool begins[1 << 16];
    uint32_t found = 0;

    for (uint32_t i = 0; i < keys->cnt; i++)
        begins[xord_load_be16(keys->all[i].key16)] = true;
    for (size_t at = 0; at + 16 <= len; at++)
        for (uint32_t i = 0; begins[xord_load_be16(core + at)] && i < keys->cnt; i++)
            if (memcmp(core + at, keys->all[i].key16, 16) == 0) {
                fprintf(stderr, "%s at %zx of %zx\n", keys->all[i].what, at, len);
                found++;
            }
    return found;
}

static bool core_goes_here(void)
{
    char pattern[128] = "|";
    FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

    if (file && !fgets(pattern, sizeof(pattern), file))
        pattern[0] = '|';
    if (file)
        fclose(file);
    return strncmp(pattern, "core", 4) == 0 && !strchr(pattern, '/');
}

Test(core_dump, holds_no_key)
{
    uint32_t found;
    uint8_t *core;
    size_t len;
    int status;
    pid_t pid;

#ifdef XORD_TEST_ASAN
    cr_skip_test("with AddressSanitizer keys are on the heap");
#endif
    if (!core_goes_here())
        cr_skip_test("core dumps go elsewhere here: /proc/sys/kernel/core_pattern");
    snprintf(dir, sizeof(dir), "/tmp/xord-core-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    keys = mmap(NULL, sizeof(*keys), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(keys, MAP_FAILED);
    pid = fork();
    if (pid == 0)
        dump();
    cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "ended otherwise: %x", (unsigned)status);
    cr_assert(keys->cnt >= 4 * CLIENTS, "only %u keys", keys->cnt);
    core = core_map(&len);
    rmdir(dir);
    cr_assert(len > 100000 && memmem(core, len, "xord core marker", 16), "no real dump");
    found = search(core, len);
    munmap(core, len);
    cr_assert_eq(found, 0, "%u of %u keys are in the core dump", found, keys->cnt);
}
