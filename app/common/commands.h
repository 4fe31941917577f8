/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands' entry points; see `struct command` in app.h. */
#pragma once

int key_main(int argc, char **argv);
int enr_main(int argc, char **argv);
int ping_main(int argc, char **argv);
int findnode_main(int argc, char **argv);
int talk_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int lookup_main(int argc, char **argv);
int bootnode_main(int argc, char **argv);
int config_main(int argc, char **argv);
int ctl_main(int argc, char **argv);
int load_main(int argc, char **argv);
int testnet_main(int argc, char **argv);
int crawl_main(int argc, char **argv);
