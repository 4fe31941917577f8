/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL, rings, an engine on them. */
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "dpdk_private.h"
#include "rig.h"

#define EAL_MB   512
#define POOL_CNT 16383 /* two full rings, and what is between */
#define POOL_KB  (POOL_CNT * 5ULL / 2)

static const uint8_t gateway_mac6[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t gateway_ip4[4] = {10, 200, 0, 1};
static const uint8_t engine_ip4[4] = {10, 200, 0, 2};

/* ---- EAL ---- */

static uint64_t hugepages_free_mb(void)
{
    unsigned long long cnt = 0, kb = 0, value;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "re");

    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "HugePages_Free: %llu", &value) == 1)
            cnt = value;
        if (sscanf(line, "Hugepagesize: %llu kB", &value) == 1)
            kb = value;
    }
    if (file)
        fclose(file);
    return cnt * kb / 1024;
}

static bool started, huge;

void rig_end(void)
{
    if (started)
        (void)rte_eal_cleanup();
}

static void eal_start(void)
{
    char prefix[48], mb[8];
    char args[][24] = {"xord_bench", "--no-pci", "--no-telemetry", "-l0", "--log-level=*:error", "--in-memory"};
    char no_huge[] = "--no-huge", no_shconf[] = "--no-shconf", m[] = "-m";
    char *argv[16];
    int argc = 0;
    cpu_set_t cpus;
    bool has_cpus;

    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]) - !huge; i++)
        argv[argc++] = args[i];
    snprintf(prefix, sizeof(prefix), "--file-prefix=xord-bench-%d", (int)getpid());
    snprintf(mb, sizeof(mb), "%d", EAL_MB);
    argv[argc++] = prefix;
    if (!huge) {
        argv[argc++] = no_huge;
        argv[argc++] = no_shconf;
        argv[argc++] = m;
        argv[argc++] = mb;
    }
    argv[argc] = NULL;
    has_cpus = sched_getaffinity(0, sizeof(cpus), &cpus) == 0;
    BENCH_CHECK(rte_eal_init(argc, argv) >= 0);
    if (has_cpus)
        (void)sched_setaffinity(0, sizeof(cpus), &cpus); /* DPDK has pinned us, and so who is started from here */
    (void)rmdir(rte_eal_get_runtime_dir());              /* what shares nothing needs none */
    BENCH_CHECK(atexit(rig_end) == 0);
}

bool rig_has_hugepages(void)
{
    if (!started) {
        huge = hugepages_free_mb() >= 128;
        eal_start();
        started = true;
    }
    return huge;
}

/* ---- a rig ---- */

static unsigned rig_number; /* rings, pools and devices need names of their own */

static struct rte_ring *ring_make(const char *way, uint16_t worker)
{
    char name[RTE_RING_NAMESIZE];
    struct rte_ring *ring;

    snprintf(name, sizeof(name), "bench%u_%s%u", rig_number, way, worker);
    ring = rte_ring_create(name, 2 * RIG_RING_LEN, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    BENCH_CHECK(ring);
    return ring;
}

static struct xord_port *port_make(struct rig *rig)
{
    char name[32], spec[64], err[XORD_PORT_ERR_LEN];
    struct xord_port_config config = {.spec = spec,
            .addr_cnt = 1,
            .addrs = {{.prefix_len = 24}},
            .has_gateway4 = true,
            .udp_port = RIG_PORT,
            .worker_cnt = rig->worker_cnt};
    struct xord_endpoint gateway = xord_endpoint_v4(gateway_ip4, 0);
    struct xord_port *port;

    memcpy(config.addrs[0].ip16, rig->ep.ip16, 16);
    memcpy(config.gateway4_ip16, gateway.ip16, 16);
    snprintf(name, sizeof(name), "bench%u", rig_number);
    snprintf(spec, sizeof(spec), "dpdk:net_ring_%s", name);
    BENCH_CHECK(rte_eth_from_rings(name, rig->in, rig->queue_cnt, rig->out, rig->worker_cnt, 0) >= 0);
    port = xord_port_open(&config, err);
    if (!port)
        fprintf(stderr, "%s\n", err);
    BENCH_CHECK(port);
    memcpy(rig->mac6, dpdk_port_of(port)->device.mac6, 6);
    return port;
}

static void local_make(struct rig *rig)
{
    static const struct xord_hash_key hash_key = {{1, 2}};
    static const uint8_t seckey32[32] = {0x0b, 0xe4};
    const struct xord_aes_ops *ops = xord_aes_best();
    struct xord_aes *aes = ops->open();
    struct xord_enr_draft draft;
    struct xord_enr enr;

    BENCH_CHECK(aes);
    rig->locals = xord_locals_new(1, &hash_key);
    BENCH_CHECK(rig->locals);
    xord_enr_draft_init(&draft, 1U << 24); /* such that a PONG has 24 bytes */
    BENCH_CHECK(xord_enr_draft_set_endpoint(&draft, &rig->ep) == 0);
    BENCH_CHECK(xord_enr_sign(&enr, &draft, rig->curve, seckey32) == 0);
    BENCH_CHECK(xord_locals_add(rig->locals, ops, aes, seckey32, &enr, &rig->ep, NULL) == 0);
    ops->close(aes);
    xord_masking_key(rig->aes_ops, rig->aes, &rig->mask_key, enr.id32);
}

static void engine_make(struct rig *rig, const struct rig_config *config)
{
    char err[XORD_PORT_ERR_LEN] = "";
    struct xord_engine_config engine = {.port = port_make(rig),
            .worker_cnt = rig->worker_cnt,
            .idle = XORD_IDLE_SPIN,
            .node = config->node};

    engine.node.aes_ops = xord_aes_best();
    engine.node.curve = rig->curve;
    engine.node.locals = rig->locals;
    engine.node.host_cnt = 1;
    rig->engine = rig->threads ? xord_engine_start(&engine, err) : engine_new(&engine, err);
    if (!rig->engine)
        fprintf(stderr, "%s\n", err);
    BENCH_CHECK(rig->engine);
    for (uint16_t w = 0; w < rig->worker_cnt && !rig->threads; w++)
        worker_begin(&rig->engine->workers[w]);
}

/* ---- ARP ---- */

#define ARP_LEN 42

/* Ethernet 14, then: type 2, protocol 2, lengths 2, operation 2, sender MAC 6, IP 4, target MAC 6, IP 4 */
static void arp_write(uint8_t frame[ARP_LEN], const struct rig *rig, uint16_t operation)
{
    static const uint8_t head[] = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4};

    memcpy(frame, rig->mac6, 6);
    memcpy(frame + 6, gateway_mac6, 6);
    memcpy(frame + 12, head, sizeof(head));
    xord_store_be16(frame + 20, operation);
    memcpy(frame + 22, gateway_mac6, 6);
    memcpy(frame + 28, gateway_ip4, 4);
    memcpy(frame + 32, rig->mac6, 6);
    memcpy(frame + 38, engine_ip4, 4);
}

static void arp_send(struct rig *rig, uint16_t worker, uint16_t operation)
{
    struct rte_mbuf *frame = rte_pktmbuf_alloc(rig->pool);

    BENCH_CHECK(frame);
    arp_write((uint8_t *)rte_pktmbuf_append(frame, ARP_LEN), rig, operation);
    rig_put(rig, worker, &frame, 1);
}

/* The engine asks for its gateway now and then; any worker may hear the answer. */
static bool arp_taken(struct rig *rig, uint16_t worker, struct rte_mbuf *frame)
{
    const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);

    if (frame->data_len < ARP_LEN || xord_load_be16(bytes + 12) != 0x0806)
        return false;
    if (xord_load_be16(bytes + 20) == 1 && memcmp(bytes + 38, gateway_ip4, 4) == 0) {
        rig->arp_cnt++;
        arp_send(rig, worker < rig->queue_cnt ? worker : 0, 2);
    }
    rte_pktmbuf_free(frame);
    return true;
}

/* ---- to and fro ---- */

void rig_put(struct rig *rig, uint16_t worker, struct rte_mbuf **frames, uint32_t cnt)
{
    BENCH_CHECK(rte_ring_enqueue_bulk(rig->in[worker], (void **)frames, cnt, NULL) == cnt);
}

uint32_t rig_take(struct rig *rig, uint16_t worker, struct rte_mbuf **frames, uint32_t max)
{
    uint32_t n = rte_ring_dequeue_burst(rig->out[worker], (void **)frames, max, NULL), kept = 0;

    for (uint32_t i = 0; i < n; i++)
        if (!arp_taken(rig, worker, frames[i]))
            frames[kept++] = frames[i];
    return kept;
}

uint64_t rig_turn(struct rig *rig, uint16_t worker)
{
    struct worker *engine_worker = &rig->engine->workers[worker];
    const struct dpdk_port *port = dpdk_port_of(rig->engine->cfg.port);
    uint64_t start = bench_cycles();

    do
        (void)worker_turn(engine_worker);
    while ((worker < rig->queue_cnt && !rte_ring_empty(rig->in[worker])) ||
            dpdk_steer_has_more(port, &port->workers[worker]) || worker_has_parcels(engine_worker));
    return bench_cycles() - start;
}

static void drop_sent(struct rig *rig)
{
    struct rte_mbuf *frames[XORD_PORT_BURST];

    for (uint16_t w = 0; w < rig->worker_cnt; w++)
        while (!rte_ring_empty(rig->out[w]))
            rte_pktmbuf_free_bulk(frames, rig_take(rig, w, frames, XORD_PORT_BURST));
}

void rig_idle(struct rig *rig, uint64_t ns)
{
    uint64_t start_ns = xord_now_ns();

    do {
        for (uint16_t w = 0; w < rig->worker_cnt && !rig->threads; w++)
            (void)rig_turn(rig, w);
        drop_sent(rig);
    } while (xord_now_ns() - start_ns < ns);
}

struct rig *rig_new(const struct rig_config *config)
{
    static const uint8_t seed32[32] = "a rig";
    struct rig *rig = calloc(1, sizeof(*rig));
    char name[RTE_MEMPOOL_NAMESIZE];

    BENCH_CHECK(rig && config->worker_cnt <= RIG_WORKERS);
    (void)rig_has_hugepages();
    rig_number++;
    rig->worker_cnt = config->worker_cnt ? config->worker_cnt : 1;
    rig->queue_cnt = config->queue_cnt ? config->queue_cnt : rig->worker_cnt;
    rig->threads = config->threads;
    rig->aes_ops = xord_aes_best();
    rig->aes = rig->aes_ops->open();
    rig->curve = xord_curve_open(seed32);
    rig->ep = xord_endpoint_v4(engine_ip4, RIG_PORT);
    xord_rng_init(&rig->rng, seed32);
    BENCH_CHECK(rig->aes && rig->curve);
    local_make(rig);
    snprintf(name, sizeof(name), "bench%u", rig_number);
    rig->pool = rte_pktmbuf_pool_create(name, POOL_CNT, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    BENCH_CHECK(rig->pool);
    for (uint16_t w = 0; w < rig->queue_cnt; w++)
        rig->in[w] = ring_make("in", w);
    for (uint16_t w = 0; w < rig->worker_cnt; w++)
        rig->out[w] = ring_make("out", w);
    engine_make(rig, config);
    for (uint16_t w = 0; w < rig->queue_cnt; w++)
        arp_send(rig, w, 1); /* so that each worker knows its gateway */
    rig_idle(rig, 5 * XORD_NS_PER_MS);
    return rig;
}

/* All mbufs go back to their pools before those go. */
void rig_free(struct rig *rig)
{
    struct rte_mbuf *frame;

    drop_sent(rig);
    for (uint16_t w = 0; w < rig->worker_cnt && !rig->threads; w++)
        worker_end(&rig->engine->workers[w]);
    for (uint16_t w = 0; w < rig->queue_cnt; w++)
        while (rte_ring_dequeue(rig->in[w], (void **)&frame) == 0)
            rte_pktmbuf_free(frame);
    xord_engine_stop(rig->engine);
    for (uint16_t w = 0; w < rig->queue_cnt; w++)
        rte_ring_free(rig->in[w]);
    for (uint16_t w = 0; w < rig->worker_cnt; w++)
        rte_ring_free(rig->out[w]);
    rte_mempool_free(rig->pool);
    xord_locals_free(rig->locals);
    rig->aes_ops->close(rig->aes);
    xord_curve_close(rig->curve);
    free(rig);
}
