#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Limits by source: whoever sends more than his address may is cut down to it, at no cost to others; what an ordinary client
# does is not noticed. A bootnode, a loud host and a quiet one, each in a namespace of its own.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

key=$tmp/node.key
"$XORD" key new "$key" >"$tmp/key.log"
ns_add node
ns_add loud
ns_add quiet
ns_link node eth0 loud eth0
ns_link node eth1 quiet eth0
ns_addr node eth0 10.0.1.1/24 fd00:1::1/64
ns_addr node eth1 10.0.2.1/24
ns_addr loud eth0 10.0.1.2/24 fd00:1::2/64
ns_addr quiet eth0 10.0.2.2/24
in_ns loud ip route add 10.0.2.0/24 via 10.0.1.1

# bootnode OPTION...: sets $enr and, for the loud, $enr6.
bootnode() {
  start bootnode in_ns node "$XORD" bootnode --key "$key" --udp 9000 "$@"
  bootnode=$started_pid
  wait_for "$tmp/bootnode.log" '^enr:' 30
  enr=$("$XORD" enr new --key "$key" --ip 10.0.2.1 --udp 9000)
  enr_near=$("$XORD" enr new --key "$key" --ip 10.0.1.1 --udp 9000)
  enr6=$("$XORD" enr new --key "$key" --ip fd00:1::1 --udp 9000)
}
counted() { sed -n "s/^$1  *//p" "$tmp/bootnode.log" | cut -d' ' -f1; }
counter() { c=$(counted "$1"); echo "${c:-0}"; }
loud() { in_ns loud timeout "$(seconds 30)" "$XORD" load "$@" --idle sleep; }
quiet() { in_ns quiet timeout "$(seconds 30)" "$XORD" load "$@" --idle sleep; }

echo '== the defaults'
bootnode
succeeds 'an ordinary client' quiet "$enr" --rate 300 --duration 2s --assert 'loss<2%'
succeeds 'a crowd behind one NAT' loud "$enr_near" --mode handshake --rate 50 --identities 1 --duration 2s
stop "$bootnode" INT
for name in drop_limit_address drop_limit_prefix drop_banned; do
  assert_eq "$name" "$(counter $name)" 0
done

echo '== a hundred datagrams a second from an address'
bootnode --limit-address 100:100
start client in_ns quiet "$XORD" load "$enr" --rate 50 --duration "$(seconds 6)s" --idle sleep --json
client=$started_pid
wait_for "$tmp/client.log" 'open loop' 20
loud "$enr_near" --mode hostile junk --rate 2000 --duration 2s >"$tmp/junk.log" 2>&1 || fail 'no junk'
loud "$enr6" --mode hostile junk --rate 2000 --duration 2s --udp 9001 >"$tmp/junk6.log" 2>&1 || fail 'no junk over IPv6'
wait "$client" || fail 'the quiet client'
grep '^{' "$tmp/client.log" >"$tmp/client.json"
assert_eq 'the quiet one lost' "$(json "$tmp/client.json" "d['total']['timeouts']")" 0
stop "$bootnode" INT
assert_eq 'Ctrl-C' "$stopped_code" 0
let_in=$(counter drop_not_discv5)
refused=$(counter drop_limit_address)
assert_at_least 'refused for the address' "$refused" 6000
assert_at_least 'let in: the burst and the rate' "$let_in" 400
[ "$let_in" -le $((2 * (100 + 100 * $(seconds 6)))) ] || fail "$let_in were let in"
ok "no more than that: $let_in"

echo '== prefixes'
bootnode --limit-address off --limit-prefix 100:100
loud "$enr_near" --mode hostile junk --rate 2000 --duration 1s >"$tmp/junk.log" 2>&1 || fail 'no junk'
stop "$bootnode" INT
assert_eq 'not for the address' "$(counter drop_limit_address)" 0
assert_at_least 'for the prefix' "$(counter drop_limit_prefix)" 1000

echo '== none'
bootnode --limit-address off --limit-prefix off
loud "$enr_near" --mode hostile junk --rate 2000 --duration 1s >"$tmp/junk.log" 2>&1 || fail 'no junk'
stop "$bootnode" INT
assert_eq 'for the prefix' "$(counter drop_limit_prefix)" 0

one_sentence 'a rate that is none' 1 '--limit-address wants a rate' "$XORD" bootnode --key "$key" --limit-address many
one_sentence 'a rate below what a handshake needs' 1 '--limit-address.*10' "$XORD" bootnode --key "$key" --limit-address 3
one_sentence 'a burst that is none' 1 '--limit-prefix' "$XORD" bootnode --key "$key" --limit-prefix 100:x
