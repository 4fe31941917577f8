# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# 10 nodes of $kind on loopback, xord on sockets with two workers: a crawl lists all of them; they list a xord bootnode in their
# tables, it answers them, and a lookup of theirs finds its neighbours.
: "${kind:?which peer}"
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"
. "$XORD_SRC/tests/interop/peers/peers.sh"
. "$XORD_SRC/tests/interop/meet.sh"

peer_start them "$kind" --nodes 10 --base-port 20000 --seed 10
peer_ask them '{"cmd":"join"}' 120
for i in 0 1 2; do peer_enr them $i; done >"$tmp/boot.enrs"
head -n 1 "$tmp/them.out" | grep -oE '"[0-9a-f]{64}"' | tr -d '"' >"$tmp/ids"

expect_crawl 'two workers' 10 10 --bootnodes "$tmp/boot.enrs" --workers 2
bootnode_start --ip 127.0.0.1 --udp 9200 --bootnodes "$tmp/boot.enrs" --workers 2
expect_answers them
expect_listed them 10 5
expect_neighbours 5
peer_start lone "$kind" --nodes 1 --base-port 20900 --seed 11 --no-join --bootnode "$xord_enr"
expect_lookup lone 3
bootnode_stop
peer_stop lone
peer_stop them
