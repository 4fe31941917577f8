/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues and RSS: will each worker have a queue of its own, with what belongs to it and nothing else? The same conditions as in
 * lib/engine/dpdk_device.c, on what the family's profile says. */
#include <string.h>

#include "doctor.h"
#include "xord_steer.h"

static uint16_t usable_queues(const struct nic *nic)
{
    return nic->usable_queues && nic->usable_queues < nic->max_queues ? nic->usable_queues : nic->max_queues;
}

static void queues_text(char text[64], uint16_t queues)
{
    if (queues == NIC_ANY_NUMBER)
        snprintf(text, 64, "as many queues as the device grants");
    else
        snprintf(text, 64, "up to %u queue%s", queues, queues == 1 ? "" : "s");
}

static bool nic_steers(const struct nic *nic, uint16_t queues)
{
    return nic->rss != NIC_NO && nic->rss_udp && nic->rss_key_bytes <= XORD_STEER_KEY_LEN &&
           xord_steer_reta_fits(nic->rss_reta, queues);
}

static void check_rss(struct findings *findings, const struct wish *wish)
{
    const struct nic *nic = wish->nic;
    uint16_t most = usable_queues(nic);
    char queues[64];

    queues_text(queues, most);
    if (wish->workers == 1)
        finding_ok(findings, "device.rss", "one worker needs one queue; %s has %s", nic->family, queues);
    else if (most < wish->workers)
        finding_ok(findings, "device.rss", "steering in software: %s has %s, for %u workers", nic->family, queues,
                wish->workers);
    else if (!nic_steers(nic, wish->workers))
        finding_ok(findings, "device.rss", "steering in software: %s has no RSS over UDP ports that xord could set",
                nic->family);
    else
        finding_ok(findings, "device.rss", "%s RSS over %u queues%s", nic->family, wish->workers,
                nic->rss == NIC_DEVICE ? ", if the host offers it; else steering in software" : "");
}

static void checksum_add(char *text, size_t cap, enum nic_answer answer, const char *name)
{
    size_t len = strlen(text);

    if (answer != NIC_NO)
        snprintf(text + len, cap - len, "%s%s%s", len ? ", " : "", name, answer == NIC_DEVICE ? " (if offered)" : "");
}

static void check_checksums(struct findings *findings, const struct nic *nic)
{
    char text[128] = "";

    checksum_add(text, sizeof(text), nic->rx_udp_checksum, "UDP received");
    checksum_add(text, sizeof(text), nic->tx_udp_checksum, "UDP sent");
    checksum_add(text, sizeof(text), nic->tx_ip4_checksum, "IPv4 sent");
    finding_ok(findings, "device.checksums", "by the device: %s", *text ? text : "none, all in software");
}

static unsigned asked_queues(const struct wish *wish)
{
    char text[16];
    unsigned cnt = 1;

    if (wish_argument(text, sizeof(text), wish, "queue_count"))
        (void)sscanf(text, "%u", &cnt);
    return cnt;
}

/* What comes by a queue without a socket goes to the kernel. */
static void check_xdp_queues(struct findings *findings, const struct wish *wish)
{
    unsigned asked = asked_queues(wish);
    struct iface iface;
    char fix[FIX_LEN];

    if (strcmp(wish->nic->family, "af_xdp") != 0 || !iface_read(&iface, &wish->host, wish->iface))
        return;
    if (iface.rx_queues <= asked) {
        finding_ok(findings, "iface.queues", "AF_XDP takes %s", asked == 1 ? "its one queue" : "all its queues");
        return;
    }
    snprintf(fix, sizeof(fix), "apt-get install -y ethtool && ethtool -L %s combined %u", wish->iface, asked);
    finding_warn(findings, "iface.queues", fix,
            "%s has %u queues and AF_XDP takes %u: what comes by the others is lost", wish->iface, iface.rx_queues,
            asked);
}

/* The kernel deals frames out to all of them, also to those that nobody reads. */
static void check_qpairs(struct findings *findings, const struct wish *wish)
{
    char text[16], fix[FIX_LEN];
    unsigned cnt;

    if (wish_argument(text, sizeof(text), wish, "qpairs") && sscanf(text, "%u", &cnt) == 1 && cnt > wish->workers)
        finding_fail(findings, "iface.queues", wish_otherwise(fix, wish, "qpairs", NULL),
                "qpairs=%u is more than there are workers: leave qpairs out", cnt);
}

void check_queues(struct findings *findings, const struct wish *wish)
{
    if (!wish->nic)
        return;
    check_rss(findings, wish);
    check_checksums(findings, wish->nic);
    if (wish->kind != PORT_IFACE)
        return;
    check_xdp_queues(findings, wish);
    check_qpairs(findings, wish);
}
