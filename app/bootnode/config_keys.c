/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of a bootnode's configuration, in the order in which the default file has them. */
#include <string.h>

#include "bootnode.h"
#include "config.h"

static int eal_apply(struct bootnode_settings *settings, char **texts, unsigned cnt)
{
    settings->node.port.eal_args = texts;
    settings->node.port.eal_arg_cnt = (int)cnt;
    return 0;
}

static const char *idle_implied(const struct bootnode_settings *settings)
{
    return settings->node.idle == XORD_IDLE_SPIN ? "spin" : "sleep";
}

const struct config_key config_keys[] = {
        {.path = "key",
                .option = "key",
                .example = "/etc/xord/node.key",
                .check = CONFIG_KEY_FILE,
                .doc = "The file with the node's secret key; `xord key new FILE` makes one. A bootnode needs it, so "
                       "that it\n"
                       "stays the same node."},
        {.path = "state",
                .option = "state",
                .example = "/var/lib/xord/state",
                .check = CONFIG_MADE_FILE,
                .doc = "The file in which the node remembers its routing table and bans: saved every minute and at the "
                       "end,\n"
                       "recalled at the start. Without it nothing is remembered."},
        {.path = "port",
                .option = "port",
                .preset = "socket",
                .doc = "What datagrams go through: \"socket\", the kernel's sockets; or \"dpdk:\" and a device of DPDK "
                       "- a PCI\n"
                       "address as dpdk:0000:03:00.0, or a virtual one as dpdk:net_af_packet0,iface=eth1 - which needs "
                       "`ip`."},
        {.path = "ip",
                .option = "ip",
                .kind = CONFIG_LIST,
                .example = "[192.0.2.1/24, \"2001:db8::1/64\"]",
                .doc = "Our addresses, at most one a family in the node's record. The length of the network's prefix "
                       "is for\n"
                       "devices. Without it sockets take all addresses, and the record names what most peers say ours "
                       "is."},
        {.path = "gateway",
                .option = "gateway",
                .kind = CONFIG_LIST,
                .example = "[192.0.2.254, \"2001:db8::ff\"]",
                .doc = "The next hop for what is not in our networks; one a family, for devices."},
        {.path = "udp", .option = "udp", .preset = "9000", .doc = "The UDP port, 0 to 65535; 0: any that is free."},
        {.path = "nat",
                .option = "nat",
                .kind = CONFIG_LIST,
                .example = "[203.0.113.7:9000]",
                .doc = "How peers reach us where that is not `ip`: an address, or one with a port, at most one a "
                       "family; auto: what\n"
                       "most peers say; none: whatever they say."},
        {.path = "identities",
                .option = "identity",
                .kind = CONFIG_ENTRIES,
                .fields = {"key", "ip", "ip6", "udp", "nat"},
                .check = CONFIG_KEY_FILE,
                .example = "[{key: /etc/xord/second.key, ip: 192.0.2.2/24, udp: 9001}]",
                .doc = "More nodes in this process, at most 15, each with a table, sessions and a record of its own; "
                       "what each says\n"
                       "means what it means above."},
        {.path = "workers",
                .option = "workers",
                .preset = "1",
                .doc = "Worker threads, 1 to 64; each has a CPU of its own, and what it serves to itself."},
        {.path = "idle",
                .option = "idle",
                .example = "sleep",
                .implied = idle_implied,
                .doc = "What a worker with nothing to do does: \"sleep\", as it does for sockets, or \"spin\", as for "
                       "devices."},
        {.path = "eal",
                .kind = CONFIG_LIST,
                .apply = eal_apply,
                .example = "[--main-lcore, \"2\"]",
                .doc = "Options for DPDK's environment (EAL), as behind \"--\" on the command line."},
        {.path = "bootnodes",
                .option = "bootnodes",
                .kind = CONFIG_LIST,
                .example = "[/etc/xord/bootnodes.txt, \"enr:-...\"]",
                .reload = reload_bootnodes,
                .doc = "The nodes to begin at (reload: those that are new): records, files of records, nodes.json "
                       "files, or\n"
                       "networks' names."},
        {.path = "network",
                .option = "network",
                .kind = CONFIG_LIST,
                .example = "mainnet",
                .reload = reload_bootnodes,
                .doc = "Networks whose built-in bootnodes to begin at (reload: those that are new): mainnet, sepolia, "
                       "holesky,\n"
                       "gnosis, chiado."},
        {.path = "request-timeout",
                .option = "request-timeout",
                .preset = "500",
                .doc = "How long an answer is waited for, in milliseconds, 1 to 5000."},
        {.path = "handshake-timeout",
                .option = "handshake-timeout",
                .preset = "1000",
                .doc = "How long a handshake is waited for, in milliseconds, 1 to 5000."},
        {.path = "limits.address",
                .option = "limit-address",
                .preset = "5000:10000",
                .reload = reload_limit_address,
                .doc = "How many datagrams a second are taken from an IPv4 address or an IPv6 /64, and how many at "
                       "once:\n"
                       "RATE:BURST, RATE (two seconds' worth at once), or off (reload). Each worker counts for "
                       "itself."},
        {.path = "limits.prefix",
                .option = "limit-prefix",
                .preset = "20000:40000",
                .reload = reload_limit_prefix,
                .doc = "The same from an IPv4 /24 or an IPv6 /48 (reload)."},
        {.path = "bans",
                .option = "ban",
                .kind = CONFIG_LIST,
                .example = "[192.0.2.0/24, \"2001:db8::/32\", 198.51.100.7 12h]",
                .reload = reload_bans,
                .doc = "Prefixes and addresses from which nothing is taken in (reload); one with a time behind it, for "
                       "so long\n"
                       "from when the node first reads it. One that is taken out of the list is not banned any more."},
        {.path = "ctl",
                .option = "ctl",
                .example = "/run/xord/xord.sock",
                .check = CONFIG_MADE_FILE,
                .doc = "The socket that `xord ctl` talks to; none: no such socket. Without it "
                       "$XDG_RUNTIME_DIR/xord.sock or "
                       "that\n"
                       "below, if there is such a directory."},
        {.path = "metrics",
                .option = "metrics",
                .preset = DESK_METRICS_DEFAULT,
                .doc = "Where /metrics (for Prometheus), /healthz and /readyz are served: an address and a port, or "
                       "off."},
        {.path = "user",
                .option = "user",
                .example = "xord",
                .doc = "Started as root, become this user once all is open. Without it: who called sudo, else xord, "
                       "else "
                       "nobody;\n"
                       "root stays root, without its capabilities."},
        {.path = "seccomp",
                .option = "seccomp",
                .preset = "on",
                .doc = "Whether only those system calls are made, once started, that xord needs: on, off, or log, "
                       "which "
                       "lets others\n"
                       "go on and has the kernel log them. Said here or on the command line, \"on\" fails where the "
                       "kernel "
                       "cannot do it."},
        {.path = "core-dumps",
                .option = "core-dumps",
                .kind = CONFIG_FLAG,
                .preset = "false",
                .doc = "Whether a crash leaves a core dump; keys are not in it, but for what was just being computed."},
        {.path = "log",
                .option = "log",
                .also = "quiet verbose",
                .preset = "info",
                .reload = reload_log,
                .doc = "How much is logged: error, warning, info or debug (reload)."},
        {.path = "json",
                .option = "json",
                .kind = CONFIG_FLAG,
                .preset = "false",
                .doc = "Whether the node's record is printed as JSON, for machines."},
        {0},
};
