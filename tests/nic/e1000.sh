# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# An e1000, which has one queue and no RSS. The same two workers: one of them polls, and hands over what is the other's.
# That is how the counters look which virtio.sh wants to be zero.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"
. "$XORD_SRC/tests/interop/peers/peers.sh"
. "$XORD_SRC/tests/nic/machine.sh"
. "$XORD_SRC/tests/nic/join.sh"

machine_start 3 1 e1000 --workers 2 --idle sleep
machine_expect 'it is an e1000 by uio_pci_generic' '0x8086 0x100e .* has driver uio_pci_generic'
machine_expect 'it has one queue' '\(net_e1000_em\): .*, 1\+1 queues, steering in software,'
join_start
join_pings 16
join_stop
assert_at_least 'datagrams that shard 0 handed over' "$(counter steer_out 0)" 1
assert_eq 'datagrams that shard 1 took' "$(counter steer_in 1)" "$(counter steer_out 0)"
