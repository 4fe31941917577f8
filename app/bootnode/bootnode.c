/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord bootnode`: a node that stays. The first line on stdout is its record. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "bootnode.h"
#include "commands.h"
#include "xord_bytes.h"
#include "xord_rng.h"
#include "xord_text.h"

#define STATUS_NS (60 * XORD_NS_PER_S)
#define TURN_NS   (500 * XORD_NS_PER_MS)
#define MAILS     16

static void print_record(const struct xord_enr *enr, bool json)
{
    char text[XORD_ENR_MAX_TEXT_LEN + 1], id[2 * XORD_ID_LEN + 1];

    xord_hex_encode(id, enr->id32, XORD_ID_LEN);
    xord_enr_to_text(text, enr);
    if (json)
        printf("{\"node_id\":\"%s\",\"seq\":%" PRIu64 ",\"record\":\"%s\"}\n", id, enr->seq, text);
    else
        puts(text);
    fflush(stdout);
}

static void log_status(const struct xord_engine *engine)
{
    struct xord_node_sizes sizes;

    xord_engine_sizes(engine, &sizes);
    xord_log(XORD_LOG_INFO,
            "%u sessions, %u nodes in the table (%u verified), %" PRIu64 " packets in, %" PRIu64 " out, %" PRIu64
            " handshakes",
            sizes.sessions, sizes.table, sizes.table_live, xord_engine_counter_sum(engine, XORD_CNT_rx_packets),
            xord_engine_counter_sum(engine, XORD_CNT_tx_packets),
            xord_engine_counter_sum(engine, XORD_CNT_handshakes_in) +
                    xord_engine_counter_sum(engine, XORD_CNT_handshakes_out));
}

/* ---- the loop ---- */

bool bootnode_watch(struct bootnode *bootnode, int fd, short events, void (*ready)(void *ctx), void *ctx)
{
    for (int i = 0; i < XORD_ENGINE_WAIT_FDS; i++)
        if (bootnode->watches[i].fd < 0) {
            bootnode->watches[i] = (struct watch){fd, events, ready, ctx};
            return true;
        }
    return false;
}

static void turn_watches(struct bootnode *bootnode)
{
    struct pollfd fds[XORD_ENGINE_WAIT_FDS];

    for (int i = 0; i < XORD_ENGINE_WAIT_FDS; i++) /* poll passes over those that are -1 */
        fds[i] = (struct pollfd){.fd = bootnode->watches[i].fd, .events = bootnode->watches[i].events};
    xord_engine_wait_fds(bootnode->service.engine, fds, XORD_ENGINE_WAIT_FDS, TURN_NS);
    for (int i = 0; i < XORD_ENGINE_WAIT_FDS; i++)
        if (fds[i].revents && bootnode->watches[i].fd == fds[i].fd)
            bootnode->watches[i].ready(bootnode->watches[i].ctx);
}

/* " of identity N" where there are several. */
#define OF_LEN 32
static const char *of_identity(char text[OF_LEN], const struct bootnode *bootnode, uint32_t local)
{
    if (bootnode->service.self_cnt > 1)
        snprintf(text, OF_LEN, " of identity %u", local + 1);
    return text;
}

static void on_mail(struct bootnode *bootnode, const struct xord_mail *mail)
{
    struct service *service = &bootnode->service;

    if (mail->kind != XORD_MAIL_SELF || mail->local >= service->self_cnt ||
            mail->self.seq <= service->selves[mail->local].seq)
        return;
    service->selves[mail->local] = mail->self;
    xord_log(XORD_LOG_INFO, "a majority of peers sees us elsewhere: new record%s, seq %" PRIu64,
            of_identity((char[OF_LEN]){0}, bootnode, mail->local), mail->self.seq);
    print_record(&mail->self, bootnode->settings->node.json);
}

static void turn_mails(struct bootnode *bootnode)
{
    struct xord_mail *mails[MAILS];
    uint32_t n;

    while ((n = xord_engine_poll(bootnode->service.engine, mails, MAILS)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            on_mail(bootnode, mails[i]);
            xord_engine_mail_free(bootnode->service.engine, mails[i]);
        }
}

/* SIGHUP. Whatever there is to say, the log has it. */
static void reload(struct bootnode *bootnode)
{
    char err[BOOTNODE_ERR_LEN];

    (void)bootnode_reload(bootnode, err);
}

/* Until Ctrl-C, or until draining is over. */
static void serve(struct bootnode *bootnode)
{
    while (!interrupted() && xord_now_ns() < bootnode->ended_ns) {
        turn_mails(bootnode);
        turn_watches(bootnode);
        xord_bans_expire(bootnode->bans, xord_now_ns());
        remember_turn(bootnode);
        if (hangup_take())
            reload(bootnode);
        desk_turn(bootnode);
        if (xord_now_ns() >= bootnode->status_ns) {
            log_status(bootnode->service.engine);
            bootnode->status_ns += STATUS_NS;
        }
    }
}

/* ---- start and end ---- */

static int start(struct bootnode *bootnode)
{
    const struct node_options *options = &bootnode->settings->node;
    struct service *service = &bootnode->service;
    uint8_t seckeys32[SERVICE_SELVES][32];
    int err = identities_keys(seckeys32, options);

    if (!err)
        err = service_open(service, options, false);
    if (!err)
        err = recall_begin(bootnode);
    /* The time is a seq that grows from start to start without anything to remember. */
    for (uint32_t i = 0; i < options->identity_cnt && !err; i++)
        err = service_add_self(service, options, seckeys32[i], (uint64_t)time(NULL),
                recall_of_key(bootnode, seckeys32[i]));
    xord_wipe(seckeys32, sizeof(seckeys32));
    service->node.maintain = true;
    service->node.limits = bootnode->settings->limits;
    if (!err)
        err = service_start(service, options);
    if (!err)
        recall_end(bootnode);
    if (!err)
        err = bans_begin(bootnode);
    if (!err)
        err = desk_open(bootnode);
    if (!err)
        err = service_confine_fully(options, &(struct confine_wish){.file = bootnode->settings->state_path,
                                                     .socket = desk_control_path(bootnode),
                                                     .needs = XORD_NEED_FILES | XORD_NEED_CLIENTS});
    if (!err)
        reload_begin(bootnode);
    return err;
}

static int run(struct bootnode *bootnode)
{
    const struct node_options *options = &bootnode->settings->node;
    struct service *service = &bootnode->service;

    for (uint32_t i = 0; i < service->self_cnt; i++)
        print_record(&service->selves[i], options->json);
    for (uint32_t i = 0; i < service->self_cnt; i++)
        if (!service->selves[i].has_ip && !service->selves[i].has_ip6)
            xord_log(XORD_LOG_INFO, "the record%s names no address until peers have said what it is; %s sets it",
                    of_identity((char[OF_LEN]){0}, bootnode, i),
                    identity_has_ip(options, i) ? "--nat ADDR" : "--ip ADDR");
    desk_report(bootnode);
    serve(bootnode);
    log_status(service->engine);
    if (xord_log_get_level() > XORD_LOG_ERROR)
        counters_print(service->engine, stderr);
    return remember_end(bootnode);
}

static int bootnode_init(struct bootnode *bootnode, struct bootnode_settings *settings)
{
    struct xord_hash_key key;

    memset(bootnode, 0, sizeof(*bootnode));
    for (int i = 0; i < XORD_ENGINE_WAIT_FDS; i++)
        bootnode->watches[i].fd = -1;
    bootnode->settings = settings;
    bootnode->started_ns = xord_now_ns();
    bootnode->status_ns = bootnode->started_ns + STATUS_NS;
    bootnode->ended_ns = UINT64_MAX;
    xord_random_kernel(&key, sizeof(key));
    bootnode->bans = xord_bans_new(&key);
    return bootnode->bans ? 0 : complain("out of memory");
}

int bootnode_main(int argc, char **argv)
{
    struct bootnode_settings settings = {0};
    struct bootnode bootnode;
    int err;

    signals_init();
    hangups_init();
    err = bootnode_options(&settings, argc, argv);
    if (!err) {
        err = bootnode_init(&bootnode, &settings);
        if (!err)
            err = start(&bootnode);
        if (!err)
            err = run(&bootnode);
        desk_close(&bootnode);
        service_stop(&bootnode.service);
        xord_state_free(&bootnode.recalled);
        xord_bans_free(bootnode.bans);
        record_list_free(&bootnode.joined);
    }
    bootnode_settings_free(&settings);
    return err;
}
