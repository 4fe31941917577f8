/* SPDX-License-Identifier: BSD-3-Clause */
/* RSS for a group of sockets that share a port: the kernel runs a small filter on each datagram, which computes the hash of
 * xord_steer.h and names the socket. Needs no privilege.
 * Threading: before the first datagram. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_err.h"

/* Of all sockets of the group, once they are bound, in the order of the shards; `fd` is one of them, `family` 0 for IPv4 and 1 for
 * IPv6. any_dst: the hash is that of the tuple with an unspecified destination address. XORD_ESTATE: the system knows no such
 * filters. */
XORD_MUST_CHECK int socket_steer(int fd, int family, uint16_t socket_cnt, bool any_dst);
