/* SPDX-License-Identifier: BSD-3-Clause */
/* Clocks: the one that every turn of a worker reads, and the one that numbers our records. */
#include <errno.h>
#include <string.h>
#include <sys/timex.h>

#include "doctor.h"

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0"

/* Those that are read without a system call. */
static bool is_quick(const char *source)
{
    return strcmp(source, "tsc") == 0 || strcmp(source, "kvm-clock") == 0 ||
           strcmp(source, "hyperv_clocksource_tsc_page") == 0;
}

static void check_source(struct findings *findings, const struct wish *wish)
{
    char source[64], available[256];

    host_read(available, sizeof(available), &wish->host, CLOCKSOURCE "/available_clocksource");
    if (!host_read(source, sizeof(source), &wish->host, CLOCKSOURCE "/current_clocksource"))
        finding_ok(findings, "clock.source", "the system does not say which it is");
    else if (is_quick(source))
        finding_ok(findings, "clock.source", "%s, read without a system call", source);
    else if (strstr(available, "tsc"))
        finding_warn(findings, "clock.source", "echo tsc >" CLOCKSOURCE "/current_clocksource",
                "%s takes a system call each time that it is read, and workers read it every turn", source);
    else
        finding_warn(findings, "clock.source", NULL,
                "%s takes a system call each time that it is read; the kernel offers no better one (%s)", source,
                *available ? available : "none");
}

/* A record's number is the time of its making: a clock that goes back makes records that nobody takes for newer. */
static void check_sync(struct findings *findings, const struct wish *wish)
{
    bool systemd = host_has(&wish->host, "/run/systemd/system");
    struct timex now = {0};
    int rc;

    if (!host_is_live(&wish->host))
        return;
    rc = adjtimex(&now);
    if (rc < 0)
        finding_ok(findings, "clock.sync", "the system does not say (%s)", strerror(errno));
    else if (rc == TIME_ERROR && now.status & STA_UNSYNC)
        finding_warn(findings, "clock.sync",
                systemd ? "apt-get update && apt-get install -y systemd-timesyncd && timedatectl set-ntp true"
                        : "apt-get update && apt-get install -y chrony && chronyd",
                "nothing sets this machine's clock, by which our record is numbered at each start");
    else
        finding_ok(findings, "clock.sync", "the clock is kept right");
}

void check_clock(struct findings *findings, const struct wish *wish)
{
    check_source(findings, wish);
    check_sync(findings, wish);
}
