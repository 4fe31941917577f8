/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord enr`: finds its subcommand. */
#include <string.h>

#include "commands.h"
#include "enr.h"

static const struct command commands[] = {
        {"show", "read records: what they say, and whether they are valid", enr_show_main},
        {"new", "make a record out of a key", enr_new_main},
};

#define COMMAND_CNT (sizeof(commands) / sizeof(commands[0]))

static int usage(void)
{
    puts("Usage: xord enr COMMAND [OPTION...]\nNode records (ENR, EIP-778).\n\nCommands:");
    for (size_t i = 0; i < COMMAND_CNT; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    puts("\n`xord enr COMMAND --help` tells more.");
    return EXIT_OK;
}

int enr_main(int argc, char **argv)
{
    if (argc < 2)
        return complain("say `xord enr show X` or `xord enr new --key FILE`");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0)
        return usage();
    for (size_t i = 0; i < COMMAND_CNT; i++) {
        char name[32];

        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        snprintf(name, sizeof(name), "xord enr %s", commands[i].name);
        argv[1] = name;
        return commands[i].run(argc - 1, argv + 1);
    }
    if (strncmp(argv[1], "enr:", 4) == 0)
        return complain("say what to do with the record: xord enr show %.20s...", argv[1]);
    return complain("there is no `xord enr %.80s`: say `xord enr show X` or `xord enr new --key FILE`", argv[1]);
}
