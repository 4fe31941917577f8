#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Single exchanges - ping, findnode, talk, lookup - with a bootnode and with testnet nodes, by IPv4 and by IPv6.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

key=$tmp/node.key
"$XORD" key new "$key" >/dev/null
id=$("$XORD" key show "$key" | sed -n 's/^node id  *//p')
target=$(printf '%064d' 7)

# --- a bootnode, both families -------------------------------------------------------------------------------------

# exchanges WHAT RECORD SEEN OPTION...: all of them with one peer; SEEN is what it should see us as.
exchanges() {
  peer=$1 record=$2 seen=$3
  shift 3
  succeeds "ping, $peer" "$XORD" ping "$record" "$@"
  assert_match 'it has a time, a seq and our endpoint' "$(cat "$tmp/stdout")" \
    "^PONG in [0-9]+\.[0-9]{3} ms: record seq [0-9]+, we are seen as $seen:[0-9]+\$"
  succeeds "ping --json, $peer" "$XORD" ping --json "$record" "$@"
  assert_eq 'fields' "$(json "$tmp/stdout" '" ".join(d), 0 < d["rtt_ms"] < 60000')" \
    "('node_id rtt_ms enr_seq our_endpoint', True)"
  succeeds "findnode 0, $peer" "$XORD" findnode "$record" --distance 0 --json "$@"
  assert_eq 'is the record itself' "$(json "$tmp/stdout" 'len(d["records"]), d["records"][0]["record"]')" \
    "(1, '$record')"
  succeeds "talk, $peer" "$XORD" talk "$record" --protocol nosuch --request 0x00ff "$@"
  assert_match 'an unknown protocol is answered with nothing' "$(cat "$tmp/stdout")" '^empty response in [0-9.]+ ms'
  succeeds "talk --json, $peer" "$XORD" talk "$record" --protocol nosuch --json "$@"
  assert_eq 'response' "$(json "$tmp/stdout" 'd["response"], d["rtt_ms"] > 0')" "('', True)"
}

for workers in 1 2; do
  start bootnode "$XORD" bootnode --key "$key" --ip 127.0.0.1 --ip ::1 --udp 9400 --workers $workers
  wait_for "$tmp/bootnode.log" '^enr:' 10
  bootnode=$started_pid
  assert_match 'the first line is the record' "$(head -n 1 "$tmp/bootnode.log")" '^enr:'
  both=$(record_of "$tmp/bootnode.log")
  "$XORD" enr show --json "$both" >"$tmp/shown"
  assert_eq 'its record' "$(json "$tmp/shown" '[d[k] for k in ("node_id", "valid", "ip", "udp", "ip6", "udp6")]')" \
    "['$id', True, '127.0.0.1', 9400, '::1', 9400]"
  exchanges "IPv4, $workers workers" "$both" '127\.0\.0\.1' --ip 127.0.0.1
  exchanges "IPv6, $workers workers" "$both" '\[::1\]' --ip ::1
  exchanges "by itself, $workers workers" "$both" '127\.0\.0\.1'
  echo "$both" >"$tmp/record"
  succeeds 'ping the record in a file' "$XORD" ping "$tmp/record"
  stop "$bootnode"
  assert_eq 'the bootnode ends on SIGTERM' "$stopped_code" 0
done
run_command "$XORD" ping "$both"
assert_eq 'nobody there: exit code' "$code" 3
assert_match 'and why' "$(cat "$tmp/stderr")" '^xord: no answer'

start bootnode "$XORD" bootnode --key "$key" --ip ::1 --udp 9401 --json
wait_for "$tmp/bootnode.log" '^\{' 10
assert_eq 'a bootnode in JSON' "$(head -n 1 "$tmp/bootnode.log" >"$tmp/b" && json "$tmp/b" 'd["node_id"]')" "$id"
only6=$(json "$tmp/b" 'd["record"]')
exchanges 'only IPv6' "$only6" '\[::1\]'
stop "$started_pid" INT
assert_eq 'the bootnode ends on Ctrl-C' "$stopped_code" 0

# --- a testnet -----------------------------------------------------------------------------------------------------

start_testnet net --nodes 500 --seed 8 --dead 0.1 --udp 9402
living=$(record_of "$tmp/net.enrs")
dead=$(tail -n 1 "$tmp/net.enrs")
exchanges 'a testnet node' "$living" '127\.0\.0\.1'
succeeds 'findnode' "$XORD" findnode "$living" --distance 256,255,254
assert_match 'counts records and packets' "$(tail -n 1 "$tmp/stdout")" \
  '^16 records in [0-9]+ packets, [0-9]+\.[0-9]{3} ms$'
grep '^[0-9a-f]' "$tmp/stdout" | grep enr: | while read -r node distance endpoint _ seq record; do
  case $distance in 256 | 255 | 254) ;; *) fail "distance $distance was not asked for" ;; esac
  grep -qxF "$record" "$tmp/net.enrs" || fail "$node at $endpoint, seq $seq, is not of the testnet"
done
ok 'findnode: of the testnet, at the distances asked for'
succeeds 'findnode at an empty distance' "$XORD" findnode "$living" --distance 1
assert_match 'finds nobody' "$(cat "$tmp/stdout")" '^0 records in 1 packet, '
succeeds 'lookup' "$XORD" lookup "$target" --bootnodes "$tmp/net.enrs" --json
found=$(json "$tmp/stdout" '[r["node_id"] for r in d["records"]]')
sed '/^# .* dead/,$d' "$tmp/net.enrs" | "$XORD" enr show --json - >"$tmp/living" 2>/dev/null
assert_eq 'finds the closest of the living, closest first' "$found" "$(json "$tmp/living" \
  'sorted((l["node_id"] for l in lines), key=lambda n: int(n, 16) ^ int("'"$target"'", 16))[:16]')"
succeeds 'lookup, for people' "$XORD" lookup "$target" --bootnodes "$living" --workers 2
assert_match 'counts nodes and queries' "$(tail -n 1 "$tmp/stdout")" '^16 nodes, [0-9]+ queries, [0-9.]+ ms$'
for command in ping 'findnode --distance 256' 'talk --protocol p'; do
  # shellcheck disable=SC2086
  run_command "$XORD" $command "$dead"
  assert_eq "$command a dead node: exit code" "$code" 3
  assert_match 'and why' "$(cat "$tmp/stderr")" '^xord: no answer: .*down'
done
run_command "$XORD" lookup "$target" --bootnodes "$dead"
assert_eq 'lookup from a dead node: exit code' "$code" 3
assert_match 'and why' "$(cat "$tmp/stderr")" '^xord: nobody answered'
