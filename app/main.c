/* SPDX-License-Identifier: BSD-3-Clause */
/* The xord binary: finds the command and runs it. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "commands.h"

static const struct command commands[] = {
        {"key", "make a secret key, or show which node it makes", key_main},
        {"enr", "show, check and make node records", enr_main},
        {"ping", "one PING, with round-trip time", ping_main},
        {"findnode", "one FINDNODE: a node's neighbours at given distances", findnode_main},
        {"talk", "one TALKREQ", talk_main},
        {"lookup", "the nodes closest to a node id", lookup_main},
        {"bootnode", "a node that stays", bootnode_main},
        {"config", "check and show a bootnode's configuration, or print the default", config_main},
        {"ctl", "ask a running bootnode, or tell it what to do", ctl_main},
        {"testnet", "a network of many nodes in one process", testnet_main},
        {"load", "load on a node, with exact latency figures", load_main},
        {"doctor", "is this host fit for xord, and what mends what is not", doctor_main},
        {"crawl", "visit every node of a network", crawl_main},
};

#define COMMAND_CNT (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
    fputs("Usage: xord COMMAND [OPTION...]\n"
          "Node Discovery v5.1 (discv5): crawl networks, run bootnodes and test networks.\n\nCommands:\n",
            out);
    for (size_t i = 0; i < COMMAND_CNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`xord COMMAND --help` tells more. Results go to stdout, the log to stderr.\n", out);
}

static int run(const struct command *command, int argc, char **argv)
{
    char name[32];
    int code;

    snprintf(name, sizeof(name), "xord %s", command->name);
    argv[1] = name;
    code = command->run(argc - 1, argv + 1);
    return code ? code : output_end();
}

int main(int argc, char **argv)
{
    static char help[] = "--help";

    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 && argc == 3) {
        argv[1] = argv[2];
        argv[2] = help;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return output_end();
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("xord " XORD_VERSION);
        return EXIT_OK;
    }
    for (size_t i = 0; i < COMMAND_CNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc, argv);
    complain("there is no command \"%s\": see `xord --help`", argv[1]);
    return EXIT_USAGE;
}
