# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# A virtio-net with two queues that does RSS by the key and table that xord gives it: two workers, and each finds in its
# own queue what its shard owns, answers to what it sent included. Had the card dealt one packet otherwise, the worker
# that got it would have handed it over, and the counters would say so.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"
. "$XORD_SRC/tests/interop/peers/peers.sh"
. "$XORD_SRC/tests/nic/machine.sh"
. "$XORD_SRC/tests/nic/join.sh"

machine_start 3 2 virtio-net-pci,mq=on,rss=on --workers 2 --idle sleep
machine_expect 'it is a virtio card by uio_pci_generic' '0x1af4 .* has driver uio_pci_generic'
machine_expect 'the card deals out by RSS' '\(net_virtio\): .*, 2\+2 queues, RSS,'
join_start
join_pings 16
join_stop

for name in rx_packets tx_packets handshakes_in ping_in pong_in; do
  for shard in 0 1; do assert_at_least "$name of shard $shard" "$(counter $name $shard)" 1; done
done
for name in steer_out steer_in steer_dropped; do
  for shard in 0 1; do assert_eq "$name of shard $shard" "$(counter $name $shard)" 0; done
done
