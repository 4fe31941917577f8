#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Nodes that join a test network: it hands them out, so that they find each other; its nodes call on them, also those behind a
# NAT; and forgets them when they have gone.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

joined() { grep -c "^xord: $1.* has joined" "$tmp/net.log" || true; }
left() { grep -c "^xord: $1.* no longer answers" "$tmp/net.log" || true; }
has_joined() { [ "$(joined "$1")" -ge 1 ]; }
has_left() { [ "$(left "$1")" -ge 1 ]; }

# node NAME ADDRESS OPTION...: a bootnode; its record in $tmp/NAME.enr, its id in $id.
node() {
  name=$1 ip=$2
  shift 2
  "$XORD" key new "$tmp/$name.key" >/dev/null
  start "$name" "$XORD" bootnode --key "$tmp/$name.key" --ip "$ip" --udp 9400 "$@"
  wait_for "$tmp/$name.log" '^enr:' 10
  record_of "$tmp/$name.log" >"$tmp/$name.enr"
  id=$("$XORD" enr show --json "$tmp/$name.enr" | python3 -c 'import json, sys; print(json.load(sys.stdin)["node_id"])')
}

# --- two who know nobody but the network ---------------------------------------------------------------------------

start_testnet net --nodes 400 --nat 0.3 --seed 4 --udp 9310 --calls 20 --truth "$tmp/net.truth"
grep -m 3 '^enr:' "$tmp/net.enrs" >"$tmp/few"
node one 127.0.0.2 --bootnodes "$tmp/few"
one=$started_pid one_id=$id
node two 127.0.0.3 --bootnodes "$tmp/few"
two=$started_pid two_id=$id
until_true 30 has_joined "$(printf %.16s "$one_id")" || fail 'the first has not been taken in'
until_true 30 has_joined "$(printf %.16s "$two_id")" || fail 'the second has not been taken in'
ok 'both have been taken in'

succeeds 'one is looked up through the network' "$XORD" lookup "$two_id" --bootnodes "$tmp/few" --json
assert_match 'and found' "$(cat "$tmp/stdout")" "$two_id"
succeeds 'a crawl' "$XORD" crawl --quiet --bootnodes "$tmp/few" --out "$tmp/nodes.json" --request-timeout "$(seconds 500)"
assert_eq 'has both' "$(json "$tmp/nodes.json" "[i in d and d[i]['score'] > 0 for i in ('$one_id', '$two_id')]")" '[True, True]'

# --- and nodes that were named ---------------------------------------------------------------------------------------

node three 127.0.0.4
three=$started_pid three_id=$id
start_testnet nat --nodes 60 --nat 0.9 --seed 5 --udp 9311 --ip 127.3.0.0/16 --calls 50 --bootnodes "$tmp/three.enr"
nat=$started_pid
wait_for "$tmp/nat.log" "^xord: $(printf %.16s "$three_id").* has joined" 15
sleep "$(seconds 3)"
stop "$nat"
stop "$three"
# It was called on by nodes that nobody could have reached; some of them it has called on itself then.
assert_at_least 'handshakes that it was called on with' "$(sed -n 's/^handshakes_in  *//p' "$tmp/three.log")" 20
assert_at_least 'its own requests that were answered' "$(sed -n 's/^requests_answered  *//p' "$tmp/three.log")" 5

# --- the end ---------------------------------------------------------------------------------------------------------

stop "$two"
until_true 30 has_left "$(printf %.16s "$two_id")" || fail 'who has gone is still handed out'
assert_eq 'the other is still there' "$(left "$(printf %.16s "$one_id")")" 0
stop "$one"

one_sentence 'no rate' 1 'how often' "$XORD" testnet --nodes 10 --udp 9320 --bootnodes "$tmp/three.enr"
one_sentence 'too often' 1 'calls' "$XORD" testnet --nodes 10 --udp 9320 --calls 5000
one_sentence 'the real network' 1 'no place' "$XORD" testnet --nodes 10 --udp 9320 --calls 5 --bootnodes mainnet
