#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What hostile traffic does to the clients of a bootnode (attack.py), in a network namespace of its own. Over kernel sockets on
# loopback; and, where the kernel has bridges, from DPDK port to DPDK port:
#
#   bootnode -- veth --+
#   PINGs    -- veth --+-- bridge
#   new ones -- veth --+
#   attack   -- veth --+
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"

lan() { # NAME...: a namespace for each, all on a bridge
  ns_add lan
  in_ns lan ip link add lan0 type bridge 2>"$tmp/bridge.log" || return 1
  in_ns lan ip link set lan0 up
  for name; do
    ns_add "$name"
    ns_link lan "to$name" "$name" eth0
    in_ns lan ip link set "to$name" master lan0
    # shellcheck disable=SC2016
    in_ns "$name" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6'
    ns_pid "$name"
    spaces="$spaces --space $name=$pid"
  done
}

spaces=
case " $* " in
  *' socket '*) ;; # --ports socket
  *) lan bootnode pings strangers attack || echo "no bridge: $(cat "$tmp/bridge.log")" ;;
esac
# shellcheck disable=SC2086
python3 "$XORD_SRC/perf/attack/attack.py" --dir "$tmp" $spaces "$@" &
started="$! $started" # before the namespaces that it works in
wait $!
