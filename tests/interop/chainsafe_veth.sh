# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# The same across a veth pair: 50 @chainsafe/discv5 nodes in one namespace, half on IPv4 and half on IPv6, xord in another
# on DPDK with two workers. No static ARP or neighbour entry; xord's stack answers ping.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"
. "$XORD_SRC/tests/interop/peers/peers.sh"
. "$XORD_SRC/tests/interop/meet.sh"

ns_add peers
ns_add xord
ns_link peers eth0 xord eth0
ns_addr peers eth0 10.50.0.1/24 fd50::1/64
# shellcheck disable=SC2034  # for peers.sh and meet.sh
peer_ns=peers xord_ns=xord

device=dpdk:net_af_packet0,iface=eth0,qpairs=2
peer_start js4 chainsafe --nodes 25 --ip 10.50.0.1 --base-port 20000 --seed 4
peer_start js6 chainsafe --nodes 25 --ip6 fd50::1 --base-port 21000 --seed 6
peer_ask js4 '{"cmd":"join"}' 120
peer_ask js6 '{"cmd":"join"}' 120
for i in 0 1 2; do peer_enr js4 $i; done >"$tmp/boot4.enrs"
for i in 0 1 2; do peer_enr js6 $i; done >"$tmp/boot6.enrs"
for peer in js4 js6; do head -n 1 "$tmp/$peer.out" | grep -oE '"[0-9a-f]{64}"' | tr -d '"'; done >"$tmp/ids"

expect_crawl 'dpdk, two workers, IPv4 and IPv6' 50 10 --bootnodes "$tmp/boot4.enrs" --bootnodes "$tmp/boot6.enrs" \
  --port "$device" --ip 10.50.0.2/24 --ip fd50::2/64 --workers 2
expect_both_shards "$tmp/summary.log"

# One family at a time: a chainsafe node takes no record of both into its table.
for family in 4 6; do
  if [ $family = 4 ]; then ip=10.50.0.2 prefix=24; else ip=fd50::2 prefix=64; fi
  bootnode_start --port "$device" --ip $ip/$prefix --bootnodes "$tmp/boot$family.enrs" --workers 2
  in_ns peers ping -c 3 -i 0.2 -W 2 $ip >"$tmp/ping.log" || fail "no ping from $ip"
  assert_match "ping $ip is answered" "$(cat "$tmp/ping.log")" ' 0% packet loss'
  expect_answers js$family
  expect_listed js$family 25 8
  expect_neighbours 10
  if [ $family = 4 ]; then set -- --ip 10.50.0.1; else set -- --ip6 fd50::1; fi
  peer_start lone$family chainsafe --nodes 1 "$@" --base-port 2290$family --seed 7$family --no-join --bootnode "$xord_enr"
  expect_lookup lone$family 3
  bootnode_stop
  expect_both_shards "$tmp/node.log"
  peer_stop lone$family
done
in_ns peers ip neigh show dev eth0 | tee "$tmp/neigh.log"
assert_eq 'static neighbour entries' "$(grep -c PERMANENT "$tmp/neigh.log" || true)" 0
peer_stop js4
peer_stop js6
