/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord crawl`: visits every node that it can learn of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "crawl.h"

#define SAVE_NS    (10 * XORD_NS_PER_S)
#define RECORD_CAP (1U << 19) /* verified records that each shard remembers: a crawl meets each some hundred times */

struct crawl_args {
    struct node_options node;
    const char *out, *ndjson;
    uint64_t duration_ns; /* 0: until the frontier is empty */
    bool counters;
};

enum { OPT_OUT = 0x200, OPT_NDJSON, OPT_DURATION, OPT_COUNTERS };

static const struct argp_option option_table[] = {
        {"out", OPT_OUT, "FILE", 0, "Write (or update) this nodes.json, at the end and every 10 s", 0},
        {"ndjson", OPT_NDJSON, "FILE", 0, "Append one JSON object a line as each node's visit ends", 0},
        {"duration", OPT_DURATION, "TIME", 0, "Stop after so long: 90, 90s, 15m, 2h", 0},
        {"counters", OPT_COUNTERS, NULL, 0, "Print all counters at the end, for each shard", 0},
        {0},
};

static uint64_t duration_parse(const char *text)
{
    uint64_t ns;

    if (time_parse(&ns, text, "duration"))
        exit(EXIT_USER);
    if (ns == 0)
        exit(complain("--duration %.60s leaves no time to crawl", text));
    return ns;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct crawl_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = state->child_inputs[2] = &args->node;
        return 0;
    case OPT_OUT:
        args->out = arg;
        return 0;
    case OPT_NDJSON:
        args->ndjson = arg;
        return 0;
    case OPT_DURATION:
        args->duration_ns = duration_parse(arg);
        return 0;
    case OPT_COUNTERS:
        args->counters = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument \"%s\"", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
        {&join_options_argp, 0, "Where to begin:", 1},
        {&node_options_argp, 0, "Node options:", 2},
        {&key_options_argp, 0, NULL, 2},
        {0},
};
static const struct argp crawl_argp = {
        .options = option_table,
        .parser = parse_option,
        .doc = "Visits every node of a network that can be learned of, beginning at the bootnodes, and asks each for "
               "all "
               "its neighbours.\v"
               "Exit code 3 when no bootnode answered. EAL options for DPDK go after \"--\".\n"
               "Example: xord crawl --network mainnet --out nodes.json",
        .children = children,
};

static uint64_t wall_offset(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * XORD_NS_PER_S + (uint64_t)ts.tv_nsec - xord_now_ns();
}

/* What a crawl writes while it is under way. */
struct saver {
    struct nodes_json *json;
    uint64_t next_ns;
    bool warned;
};

static void save_in_between(struct saver *saver, const struct driver *driver, const char *path, uint64_t now_ns)
{
    if (!saver->json || now_ns < saver->next_ns)
        return;
    saver->next_ns = now_ns + SAVE_NS;
    if (nodes_json_write(saver->json, driver->crawl, driver->wall_offset_ns) == 0 || saver->warned)
        return;
    saver->warned = true;
    xord_log(XORD_LOG_WARN, "cannot write %s now: %s; trying again later", path, strerror(errno));
}

/* Until the frontier is empty, the time is over or Ctrl-C. True when it was the frontier. */
static bool crawl_loop(struct driver *driver, const struct crawl_args *args, struct nodes_json *json)
{
    struct saver saver = {.json = json, .next_ns = driver->started_ns + SAVE_NS};
    struct progress progress;
    int more = json ? 1 : 0; /* nodes of the old file to visit again */

    progress_init(&progress, xord_now_ns());
    while ((more > 0 || !xord_crawl_is_done(driver->crawl)) && !interrupted()) {
        uint64_t now_ns = xord_now_ns();

        if (more > 0)
            more = nodes_json_revisit(json, driver->crawl, args->node.curve, now_ns);
        driver_turn(driver);
        if (driver->ndjson)
            fflush(driver->ndjson); /* for whoever follows the file */
        progress_show(&progress, driver, now_ns);
        if (args->duration_ns && now_ns - driver->started_ns >= args->duration_ns)
            break;
        save_in_between(&saver, driver, args->out, now_ns);
    }
    progress_end(&progress);
    if (more < 0)
        xord_log(XORD_LOG_WARN, "out of memory: not all nodes of %s were visited again", args->out);
    return more <= 0 && xord_crawl_is_done(driver->crawl);
}

static int crawl_finish(struct driver *driver, const struct crawl_args *args, struct nodes_json *json, bool complete)
{
    struct xord_crawl_stats stats;

    xord_crawl_stats(driver->crawl, &stats);
    if (stats.alive == 0 && stats.answers == 0 && complete) {
        driver_explain(driver);
        if (args->counters)
            counters_print(driver->service->engine, stdout);
        return EXIT_NOTHING;
    }
    if (json && nodes_json_write(json, driver->crawl, driver->wall_offset_ns))
        return complain("cannot write %s: %s; what stood there before is untouched", args->out, strerror(errno));
    xord_crawl_judge(driver->crawl);
    hostile_write(driver);
    if (driver->ndjson && (fflush(driver->ndjson) || ferror(driver->ndjson)))
        return complain("cannot write %s: %s", args->ndjson, strerror(errno));
    summary_print(driver, args->out, complete);
    if (args->counters)
        counters_print(driver->service->engine, stdout);
    if (stats.alive == 0 && stats.answers == 0) {
        complain("nothing found before the crawl was cut short");
        return EXIT_NOTHING;
    }
    return EXIT_OK;
}

static int crawl_run(struct crawl_args *args, struct nodes_json *json)
{
    struct service service = {0};
    struct driver driver = {0};
    int err;

    service.node.maintain = false;
    service.node.record_cap = RECORD_CAP;
    err = service_start_client(&service, &args->node);
    if (!err)
        err = driver_init(&driver, &service, &args->node);
    if (!err && args->ndjson) {
        driver.ndjson = fopen(args->ndjson, "ae");
        if (!driver.ndjson)
            err = complain("cannot write %s: %s", args->ndjson, strerror(errno));
    }
    if (!err)
        err = service_confine(&args->node, &(struct confine_wish){.file = args->out});
    if (!err) {
        driver.wall_offset_ns = wall_offset();
        err = crawl_finish(&driver, args, json, crawl_loop(&driver, args, json));
    }
    if (driver.ndjson)
        fclose(driver.ndjson);
    driver_free(&driver);
    service_stop(&service);
    return err;
}

int crawl_main(int argc, char **argv)
{
    struct crawl_args args = {0};
    struct nodes_json *json = NULL;
    int err = node_options_init(&args.node, &argc, argv);

    signals_init();
    if (!err)
        err = parse_args(&crawl_argp, argc, argv, &args);
    if (!err && args.node.bootnodes.cnt == 0)
        err = complain("a crawl needs somewhere to begin: --bootnodes FILE, --bootnodes enr:..., or --network NAME");
    if (!err && args.out) {
        json = nodes_json_open(args.out);
        err = json ? 0 : EXIT_USER;
    }
    if (!err)
        err = crawl_run(&args, json);
    nodes_json_close(json);
    node_options_free(&args.node);
    return err;
}
