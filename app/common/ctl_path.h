/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the control socket of a bootnode is, when nobody says: $XDG_RUNTIME_DIR/xord.sock, or else /run/xord/xord.sock. */
#pragma once

#include <stdbool.h>

#define CTL_PATH_LEN   108 /* what the kernel takes */
#define CTL_SYSTEM_DIR "/run/xord"

/* The first that can be made; false: neither. */
bool ctl_path_to_serve(char out[CTL_PATH_LEN]);
/* The first that is there; false: neither. `out` is then the first possible, for a message. */
bool ctl_path_to_ask(char out[CTL_PATH_LEN]);
