/* SPDX-License-Identifier: BSD-3-Clause */
/* After start nothing allocates: two engines of three workers each live through sessions, handshakes both ways, NODES, lookups,
 * table upkeep, hand-over between shards, junk, and minutes of virtual time, while every call of the allocator by this thread
 * is counted. The engines' turns are taken by hand, so that their thread is this one.
 *
 * The allocator is replaced in this program; where a sanitizer has done so already it is asked to tell instead (and mmap is
 * not watched). The clock too is replaced. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "engine_private.h"
#include "test_util.h"
#include "xord_bytes.h"
#include "xord_sim.h"

#define MS XORD_NS_PER_MS
#define S  XORD_NS_PER_S

/* ---- who calls the allocator ---- */

static _Thread_local volatile bool armed; /* volatile: compilers know that malloc does not read it */
static volatile unsigned long call_cnt;
static const char *volatile first_call;
static void *volatile first_caller;

static void note(const char *name, void *caller)
{
    if (!armed)
        return;
    if (call_cnt++ == 0) {
        first_call = name;
        first_caller = caller;
    }
}

#if defined(XORD_TEST_ASAN) || defined(__SANITIZE_THREAD__)
/* Of the sanitizers' run-time library; not every compiler comes with its header. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *memory, size_t len),
        void (*on_free)(const volatile void *memory));

static void on_malloc(const volatile void *memory, size_t len)
{
    (void)memory;
    (void)len;
    note("malloc", __builtin_return_address(0));
}

static void on_free(const volatile void *memory)
{
    if (memory)
        note("free", __builtin_return_address(0));
}

static void watch(void)
{
    cr_assert(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
}
#else
/* glibc's own, by the names that it keeps for those who replace the others. */
extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t cnt, size_t len);
extern void *__libc_realloc(void *memory, size_t len);
extern void *__libc_memalign(size_t alignment, size_t len);
extern void __libc_free(void *memory);

void *malloc(size_t len)
{
    note("malloc", __builtin_return_address(0));
    return __libc_malloc(len);
}

void *calloc(size_t cnt, size_t len)
{
    note("calloc", __builtin_return_address(0));
    return __libc_calloc(cnt, len);
}

void *realloc(void *memory, size_t len)
{
    note("realloc", __builtin_return_address(0));
    return __libc_realloc(memory, len);
}

void *aligned_alloc(size_t alignment, size_t len)
{
    note("aligned_alloc", __builtin_return_address(0));
    return __libc_memalign(alignment, len);
}

void *memalign(size_t alignment, size_t len);
void *memalign(size_t alignment, size_t len)
{
    note("memalign", __builtin_return_address(0));
    return __libc_memalign(alignment, len);
}

int posix_memalign(void **memory, size_t alignment, size_t len)
{
    note("posix_memalign", __builtin_return_address(0));
    *memory = __libc_memalign(alignment, len);
    return *memory ? 0 : 12; /* ENOMEM; errno is left alone */
}

void free(void *memory)
{
    if (memory)
        note("free", __builtin_return_address(0));
    __libc_free(memory);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    note("mmap", __builtin_return_address(0));
    return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset); /* NOLINT(performance-no-int-to-ptr) */
}

int munmap(void *addr, size_t len)
{
    note("munmap", __builtin_return_address(0));
    return (int)syscall(SYS_munmap, addr, len);
}

static void watch(void) {}
#endif

Test(no_alloc, the_watch_sees_calls)
{
    void *volatile memory;

    watch();
    memory = malloc(10);
    cr_assert_eq(call_cnt, 0);
    armed = true;
    free(memory);
    memory = calloc(3, 10);
    memory = realloc(memory, 10000);
    free(memory);
    memory = aligned_alloc(64, 64);
    free(memory);
    armed = false;
    cr_assert_geq(call_cnt, 6);
    cr_assert_str_eq(first_call, "free");
}

/* ---- the clock ---- */

static uint64_t virtual_ns; /* 0: time is the kernel's */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    if (virtual_ns == 0)
        return (int)syscall(SYS_clock_gettime, clock, ts);
    *ts = (struct timespec){(time_t)(virtual_ns / S), (long)(virtual_ns % S)};
    return 0;
}

/* ---- two engines ---- */

#define WORKERS  3
#define LOCALS   16
#define UDP_PORT 9000

static const struct xord_hash_key hash_key = {{3, 4}};
static const struct xord_aes_ops *aes_ops;
static struct xord_curve *curve;
static struct xord_aes *aes;
static struct xord_rng rng;
static uint32_t key_cnt;

struct side {
    struct xord_engine *engine;
    struct xord_locals *locals;
    struct xord_directory *directory;
    struct xord_enr bootnode;
    uint64_t done_cnt, ok_cnt;
};

static struct xord_endpoint ep_of(int side, uint32_t n)
{
    uint8_t ip4[4] = {10, 7, 0, (uint8_t)(10 + side * 100 + n)};

    return xord_endpoint_v4(ip4, UDP_PORT);
}

static void locals_make(struct side *side, int number)
{
    const struct xord_enr *enrs[LOCALS];

    side->locals = xord_locals_new(LOCALS, &hash_key);
    cr_assert_not_null(side->locals);
    for (uint32_t i = 0; i < LOCALS; i++) {
        struct xord_endpoint ep = ep_of(number, i);
        uint8_t seckey32[32] = {0};
        struct xord_enr_draft draft;
        struct xord_enr enr;

        xord_store_be32(seckey32 + 28, ++key_cnt);
        xord_enr_draft_init(&draft, 1);
        cr_assert(xord_enr_draft_set_endpoint(&draft, &ep) == 0);
        cr_assert(xord_enr_sign(&enr, &draft, curve, seckey32) == 0);
        cr_assert(xord_locals_add(side->locals, aes_ops, aes, seckey32, &enr, &ep, NULL) == 0);
        enrs[i] = &side->locals->all[i].enr;
    }
    side->directory = xord_directory_new(enrs, LOCALS);
    cr_assert_not_null(side->directory);
}

static struct xord_port *port_make(const char *spec, int number, struct xord_sim *sim)
{
    struct xord_port_config config = {.spec = spec,
            .addr_cnt = LOCALS,
            .udp_port = UDP_PORT,
            .worker_cnt = WORKERS,
            .sim = sim};
    char err[XORD_PORT_ERR_LEN] = "";
    struct xord_port *port;

    for (uint32_t i = 0; i < LOCALS; i++) {
        memcpy(config.addrs[i].ip16, ep_of(number, i).ip16, 16);
        config.addrs[i].prefix_len = 24;
    }
    port = xord_port_open(&config, err);
    cr_assert(port, "%s", err);
    return port;
}

static size_t echo(void *ctx, uint8_t *out, size_t cap, const uint8_t from_id32[32], const uint8_t *request, size_t len)
{
    (void)ctx;
    (void)from_id32;
    len = len < cap ? len : cap;
    if (len)
        memcpy(out, request, len);
    return len;
}

/* Capacities such that sessions give way all the time. */
static void side_start(struct side *side, const struct side *other, struct xord_port *port)
{
    static const struct xord_talk_handler handler = {.protocol = "echo", .respond = echo};
    struct xord_engine_config config = {.port = port,
            .worker_cnt = WORKERS,
            .idle = XORD_IDLE_SPIN,
            .node = {.aes_ops = aes_ops,
                    .curve = curve,
                    .locals = side->locals,
                    .directory = side->directory,
                    .host_cnt = 1,
                    .session_cap = 64,
                    .challenge_cap = 64,
                    .request_cap = 64,
                    .record_cap = 16,
                    .lane_cap = 16,
                    .talk_handlers = &handler,
                    .talk_handler_cnt = 1,
                    .bootnodes = &side->bootnode,
                    .bootnode_cnt = 1,
                    .maintain = true,
                    .learn_endpoint = true}};
    char err[XORD_PORT_ERR_LEN] = "";

    side->bootnode = other->locals->all[0].enr;
    side->engine = engine_new(&config, err);
    cr_assert(side->engine, "%s", err);
    for (uint16_t w = 0; w < WORKERS; w++)
        worker_begin(&side->engine->workers[w]);
}

static void side_stop(struct side *side)
{
    for (uint16_t w = 0; w < WORKERS; w++)
        worker_end(&side->engine->workers[w]);
    xord_engine_stop(side->engine);
    xord_directory_free(side->directory);
    xord_locals_free(side->locals);
}

/* ---- traffic ---- */

static void ask(struct side *from, const struct side *to)
{
    static const uint8_t types[] = {XORD_MSG_PING, XORD_MSG_FINDNODE, XORD_MSG_TALKREQ};
    const struct xord_local *peer = &to->locals->all[xord_rng_below(&rng, LOCALS)];
    struct xord_mail *mail =
            xord_engine_mail_new(from->engine, XORD_MAIL_REQUEST, (uint32_t)xord_rng_below(&rng, LOCALS), 1);

    if (!mail)
        return;
    mail->request.peer = xord_peer_from_enr(&peer->enr, &peer->ep[0]);
    mail->request.type = types[xord_rng_below(&rng, 3)];
    mail->request.protocol_len = 4;
    mail->request.request_len = (uint16_t)xord_rng_below(&rng, 1000);
    if (mail->request.type == XORD_MSG_FINDNODE) {
        mail->request.distance_cnt = 4;
        for (uint16_t i = 0; i < 4; i++)
            mail->request.distances[i] = i ? (uint16_t)(257 - i) : 0;
    } else {
        memset(mail->request.talk, 0, sizeof(mail->request.talk));
        memcpy(mail->request.talk, "echo", 4);
    }
    (void)!xord_engine_request(from->engine, mail);
}

static void look_up(struct side *side)
{
    struct xord_mail *mail = xord_engine_mail_new(side->engine, XORD_MAIL_LOOKUP, 0, 2);

    if (!mail)
        return;
    xord_rng_fill(&rng, mail->lookup.target32, 32);
    (void)!xord_engine_send(side->engine, (uint16_t)xord_rng_below(&rng, WORKERS), mail);
}

static void take_mail(struct side *side)
{
    struct xord_mail *mails[16];
    uint32_t n;

    while ((n = xord_engine_poll(side->engine, mails, 16)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            side->done_cnt += mails[i]->kind == XORD_MAIL_DONE;
            side->ok_cnt += mails[i]->kind == XORD_MAIL_DONE && mails[i]->done.err == 0;
            xord_engine_mail_free(side->engine, mails[i]);
        }
}

/* Past the other's engine, through its port: bytes at random, or what nobody can open. */
static void send_junk(struct side *from, const struct side *to)
{
    const struct xord_local *peer = &to->locals->all[xord_rng_below(&rng, LOCALS)];
    struct xord_port *port = from->engine->cfg.port;
    struct xord_tx tx = {.src = ep_of(from > to, (uint32_t)xord_rng_below(&rng, LOCALS)), .dst = peer->ep[0]};
    uint8_t random[16 + 12 + 32];

    if (!port->ops->tx_alloc(port, 0, &tx))
        return;
    tx.len = (uint16_t)(XORD_ORDINARY_HEAD_LEN + 20 + xord_rng_below(&rng, 200));
    xord_rng_fill(&rng, tx.data, tx.len);
    if (xord_rng_below(&rng, 2)) {
        xord_rng_fill(&rng, random, sizeof(random));
        xord_packet_put_ordinary(tx.data, random, random + 16, random + 28);
        xord_packet_mask(tx.data, XORD_ORDINARY_HEAD_LEN, aes_ops, aes, &peer->mask_key);
    }
    port->ops->tx_put(port, 0, &tx, 1, virtual_ns);
    port->ops->tx_burst(port, 0);
}

/* What carries frames from one side to the other between two turns. */
typedef void (*wire_fn)(int to, uint16_t worker);

static void turns(struct side *sides, wire_fn wire)
{
    for (int s = 0; s < 2; s++)
        for (uint16_t w = 0; w < WORKERS; w++) {
            wire(s, w);
            (void)worker_turn(&sides[s].engine->workers[w]);
        }
}

static void live(struct side *sides, wire_fn wire, unsigned rounds, uint64_t step_ns)
{
    for (unsigned i = 0; i < rounds; i++) {
        for (int s = 0; s < 2; s++) {
            if (i % 3 == 0)
                ask(&sides[s], &sides[!s]);
            if (i % 500 == 10)
                look_up(&sides[s]);
            if (i % 20 == 0)
                send_junk(&sides[s], &sides[!s]);
        }
        turns(sides, wire);
        for (int s = 0; s < 2; s++)
            take_mail(&sides[s]);
        virtual_ns += step_ns;
    }
}

static uint64_t sum(const struct side *side, enum xord_counter_id id)
{
    return xord_engine_counter_sum(side->engine, id);
}

/* It has not been idle. */
static void check_lived(const struct side *side)
{
    static const enum xord_counter_id wanted[] = {XORD_CNT_steer_out, XORD_CNT_steer_in, XORD_CNT_mail_out,
            XORD_CNT_drop_not_discv5, XORD_CNT_undecryptable, XORD_CNT_whoareyou_sent, XORD_CNT_whoareyou_received,
            XORD_CNT_handshakes_in, XORD_CNT_handshakes_out, XORD_CNT_sessions_evicted, XORD_CNT_records_verified,
            XORD_CNT_records_cached, XORD_CNT_ping_in, XORD_CNT_pong_in, XORD_CNT_findnode_in, XORD_CNT_nodes_in,
            XORD_CNT_talkreq_in, XORD_CNT_talkresp_in, XORD_CNT_requests_answered, XORD_CNT_nodes_own_shard,
            XORD_CNT_nodes_other_shard};
    struct xord_node_sizes sizes;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        cr_assert_gt(sum(side, wanted[i]), 0, "no %s", xord_counter_name(wanted[i]));
    xord_engine_sizes(side->engine, &sizes);
    cr_assert_gt(sizes.table_live, 5);
    cr_assert_gt(side->ok_cnt, 1000);
}

static void check(struct side *sides, struct xord_port *const ports[2], wire_fn wire)
{
    xord_rng_init(&rng, (const uint8_t[32]){9});
    for (int s = 0; s < 2; s++)
        side_start(&sides[s], &sides[!s], ports[s]);
    watch();
    armed = true;
    live(sides, wire, 6000, 1 * MS);
    live(sides, wire, 6000, 20 * MS);
    armed = false;
    virtual_ns = 0;
    cr_assert_eq(call_cnt, 0, "%lu calls, first %s from %p", call_cnt, first_call, first_caller);
    for (int s = 0; s < 2; s++)
        check_lived(&sides[s]);
    for (int s = 0; s < 2; s++)
        side_stop(&sides[s]);
}

static void setup(struct side sides[2])
{
    static const uint8_t seed32[32] = {1};

    virtual_ns = 1000 * S;
    aes_ops = xord_aes_best();
    aes = aes_ops->open();
    curve = xord_curve_open(seed32);
    cr_assert(aes && curve);
    for (int s = 0; s < 2; s++)
        locals_make(&sides[s], s);
}

static void teardown(void)
{
    xord_curve_close(curve);
    aes_ops->close(aes);
}

/* ---- over the simulated network ---- */

static void sim_wire(int to, uint16_t worker)
{
    (void)to;
    (void)worker;
}

Test(no_alloc, engines_on_a_simulated_network)
{
    struct side sides[2] = {{.engine = NULL}};
    struct xord_port *ports[2];
    struct xord_sim *sim = xord_sim_new(&(struct xord_sim_config){.conditions = {.loss_pm = 5, .duplicate_pm = 5}});

    cr_assert_not_null(sim);
    setup(sides);
    for (int s = 0; s < 2; s++)
        ports[s] = port_make("sim", s, sim);
    check(sides, ports, sim_wire);
    xord_sim_free(sim);
    teardown();
    TEST_NO_LEAK();
}

/* ---- over DPDK devices ---- */

/* What queue w of a net_ring device sends comes to its own queue w; the wire moves it to the other device before that
 * looks. */
static struct rte_ring *queues[2][WORKERS];
static struct rte_ring *cables[2][WORKERS]; /* frames on their way to a side */

static void ring_wire(int to, uint16_t worker)
{
    void *frames[XORD_PORT_BURST];
    unsigned n;

    for (uint16_t w = 0; w < WORKERS; w++)
        for (int s = 0; s < 2; s++)
            while ((n = rte_ring_dequeue_burst(queues[s][w], frames, XORD_PORT_BURST, NULL)) > 0)
                for (unsigned sent = rte_ring_enqueue_burst(cables[!s][w], frames, n, NULL); sent < n; sent++)
                    rte_pktmbuf_free(frames[sent]);
    n = rte_ring_dequeue_burst(cables[to][worker], frames, XORD_PORT_BURST, NULL);
    (void)rte_ring_enqueue_burst(queues[to][worker], frames, n, NULL);
}

static void eal_start(void)
{
    static char args[][32] = {"app", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m256", "-l0",
            "--file-prefix=xord-no-alloc", "--log-level=*:error"};
    char *argv[sizeof(args) / sizeof(args[0]) + 1] = {NULL};
    int argc = (int)(sizeof(args) / sizeof(args[0]));

    for (int i = 0; i < argc; i++)
        argv[i] = args[i];
    cr_assert(rte_eal_init(argc, argv) >= 0);
    cr_assert(rte_dev_probe("net_ring7") == 0);
    cr_assert(rte_dev_probe("net_ring8") == 0);
}

static void rings_find(void)
{
    char name[RTE_RING_NAMESIZE];

    for (unsigned s = 0; s < 2; s++)
        for (unsigned w = 0; w < WORKERS; w++) {
            snprintf(name, sizeof(name), "ETH_RXTX%u_net_ring%u", w, 7 + s);
            queues[s][w] = rte_ring_lookup(name);
            snprintf(name, sizeof(name), "cable%u_%u", s, w);
            cables[s][w] = rte_ring_create(name, 1024, SOCKET_ID_ANY, 0);
            cr_assert(queues[s][w] && cables[s][w]);
        }
}

Test(no_alloc, engines_on_dpdk_devices)
{
    static const char *const specs[2] = {"dpdk:net_ring7", "dpdk:net_ring8"};
    struct side sides[2] = {{.engine = NULL}};
    struct xord_port *ports[2];
    char dir[256];

    eal_start();
    setup(sides);
    for (int s = 0; s < 2; s++)
        ports[s] = port_make(specs[s], s, NULL);
    rings_find();
    check(sides, ports, ring_wire);
    teardown();
    snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
    cr_assert(rte_eal_cleanup() == 0);
    cr_assert(rmdir(dir) == 0);
}
