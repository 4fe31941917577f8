/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands of ours on DPDK's telemetry socket: the test is the client and the control thread, DPDK's own thread stands between. */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dpdk_util.h"
#include "test_util.h"
#include "xord_telemetry.h"

#define WAIT_MS 20000 /* only a failing test waits so long */

static const struct xord_telemetry_command commands[] = {{"/xord/a", "A"}, {"/xord/b", "B"}};
static const char *text; /* what is answered; NULL: nothing */
static char asked[64];

static char *answer(void *ctx, const char *command, const char *params)
{
    cr_assert_eq(ctx, &asked);
    snprintf(asked, sizeof(asked), "%s,%s", command, params);
    return text ? strdup(text) : NULL;
}

static struct bench open_bench(bool telemetry)
{
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);

    config.telemetry = telemetry;
    return bench_from(&config);
}

static int client(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    char greeting[1024];

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", xord_telemetry_path());
    cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    cr_assert_gt(recv(fd, greeting, sizeof(greeting), 0), 0);
    return fd;
}

static bool is_ready(int fd, int timeout_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    return poll(&ready, 1, timeout_ms) == 1;
}

static const char *heard(int fd)
{
    static char reply[16384 + 1];
    ssize_t n;

    cr_assert(is_ready(fd, WAIT_MS));
    n = recv(fd, reply, sizeof(reply) - 1, 0);
    cr_assert_gt(n, 0);
    reply[n] = '\0';
    return reply;
}

/* Asks, serves, and returns what came. */
static const char *exchange(int fd, int watched, const char *question, const char *reply)
{
    text = reply;
    cr_assert_eq(send(fd, question, strlen(question), 0), (ssize_t)strlen(question));
    cr_assert(is_ready(watched, WAIT_MS));
    xord_telemetry_serve();
    return heard(fd);
}

Test(dpdk_telemetry, answers_what_the_control_thread_says)
{
    struct bench bench = open_bench(true);
    int watched = xord_telemetry_open(commands, 2, answer, &asked), fd;

    cr_assert_geq(watched, 0);
    cr_assert_eq(xord_telemetry_open(commands, 2, answer, &asked), -1, "only once");
    fd = client();
    cr_assert_str_eq(exchange(fd, watched, "/xord/a", "{\"n\":1}"), "{\"/xord/a\":{\"n\":1}}");
    cr_assert_str_eq(asked, "/xord/a,");
    cr_assert_str_eq(exchange(fd, watched, "/xord/b,x,y", "{}"), "{\"/xord/b\":{}}");
    cr_assert_str_eq(asked, "/xord/b,x,y");
    cr_assert_str_eq(exchange(fd, watched, "/xord/a", NULL), "{\"/xord/a\":null}");
    cr_assert_str_eq(exchange(fd, watched, "/xord/a", "no JSON"), "{\"/xord/a\":null}");
    cr_assert_str_eq(exchange(fd, watched, "/xord/a", "[1]"), "{\"/xord/a\":null}");
    close(fd);
    xord_telemetry_close();
    bench_close(&bench);
}

Test(dpdk_telemetry, has_poorer_data_than_json)
{
    struct bench bench = open_bench(true);
    int watched = xord_telemetry_open(commands, 2, answer, &asked), fd = client();
    char json[400] = "{\"s\":\"";

    cr_assert_str_eq(exchange(fd, watched, "/xord/a",
                             "{\"t\":true,\"f\":false,\"none\":null,\"o\":{\"p\":{\"q\":7}},\"ints\":[1,2],"
                             "\"words\":[\"x\",\"y\"],\"rows\":[{\"k\":1},{\"k\":2}],\"empty\":[]}"),
            "{\"/xord/a\":{\"t\":1,\"f\":0,\"o\":{\"p\":{\"q\":7}},\"ints\":[1,2],\"words\":[\"x\",\"y\"],"
            "\"rows\":{\"0\":{\"k\":1},\"1\":{\"k\":2}},\"empty\":[]}}");
    cr_assert_str_eq(exchange(fd, watched, "/xord/a", "{\"seq\":9223372036854775808}"),
            "{\"/xord/a\":{\"seq\":9223372036854775808}}", "more than a signed integer holds");
    memset(json + 6, 'a', 127);
    strcpy(json + 6 + 127, "\"}");
    cr_assert_not_null(strstr(exchange(fd, watched, "/xord/a", json), "{\"s\":\"aaa"));
    memset(json + 6, 'a', 128);
    strcpy(json + 6 + 128, "\"}");
    cr_assert_not_null(strstr(exchange(fd, watched, "/xord/a", json), "aaa\",\"a\"]}}"), "in pieces");
    close(fd);
    xord_telemetry_close();
    bench_close(&bench);
}

Test(dpdk_telemetry, waits_for_nobody_for_ever)
{
    struct bench bench = open_bench(true);
    int watched = xord_telemetry_open(commands, 2, answer, &asked), fd = client();

    text = "{}";
    cr_assert_gt(send(fd, "/xord/a", 7, 0), 0);
    cr_assert_str_eq(heard(fd), "{\"/xord/a\":null}", "after two seconds");
    cr_assert(is_ready(watched, 0));
    xord_telemetry_serve(); /* a question that nobody asks any more */
    cr_assert_str_eq(asked, "");
    cr_assert_str_eq(exchange(fd, watched, "/xord/b", "{\"n\":2}"), "{\"/xord/b\":{\"n\":2}}");
    xord_telemetry_close();
    cr_assert_null(xord_telemetry_path());
    cr_assert_gt(send(fd, "/xord/a", 7, 0), 0);
    cr_assert_str_eq(heard(fd), "{\"/xord/a\":null}", "at once");
    close(fd);
    bench_close(&bench);
}

Test(dpdk_telemetry, is_not_there_unless_wanted)
{
    struct bench bench = open_bench(false);

    cr_assert_eq(xord_telemetry_open(commands, 2, answer, &asked), -1);
    cr_assert_null(xord_telemetry_path());
    xord_telemetry_close();
    bench_close(&bench);
}

Test(dpdk_telemetry, is_not_there_without_dpdk)
{
    cr_assert_eq(xord_telemetry_open(commands, 2, answer, &asked), -1);
    xord_telemetry_close();
}
