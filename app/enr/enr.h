/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of `xord enr`. Threading: the main thread only. */
#pragma once

#include "app.h"

int enr_show_main(int argc, char **argv);
int enr_new_main(int argc, char **argv);
