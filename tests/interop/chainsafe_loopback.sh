# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# 50 @chainsafe/discv5 nodes on loopback, xord on sockets: a crawl lists all of them, with one worker and with two; they
# list a xord bootnode in their tables, it answers them, and a lookup of theirs finds its neighbours.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"
. "$XORD_SRC/tests/interop/peers/peers.sh"
. "$XORD_SRC/tests/interop/meet.sh"

peer_start js chainsafe --nodes 50 --base-port 20000 --seed 50
peer_ask js '{"cmd":"join"}' 120
for i in 0 1 2; do peer_enr js $i; done >"$tmp/boot.enrs"
head -n 1 "$tmp/js.out" | grep -oE '"[0-9a-f]{64}"' | tr -d '"' >"$tmp/ids"

expect_crawl 'one worker' 50 10 --bootnodes "$tmp/boot.enrs"
expect_crawl 'two workers' 50 10 --bootnodes "$tmp/boot.enrs" --workers 2
expect_both_shards "$tmp/summary.log"

bootnode_start --ip 127.0.0.1 --udp 9200 --bootnodes "$tmp/boot.enrs" --workers 2
expect_answers js
expect_listed js 50 10
expect_neighbours 10
peer_start lone chainsafe --nodes 1 --base-port 20900 --seed 51 --no-join --bootnode "$xord_enr"
expect_lookup lone 3
bootnode_stop
expect_both_shards "$tmp/node.log"
assert_at_least 'records handed out from the own shard' "$(awk '$1 == "nodes_own_shard" { print $2 }' "$tmp/node.log")" 1
assert_at_least 'records handed out from the other' "$(awk '$1 == "nodes_other_shard" { print $2 }' "$tmp/node.log")" 1
peer_stop lone
peer_stop js
