#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The main job: every node of a network is found, and no more; with one worker and with two, small and large.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

# crawl_all WHAT ALIVE DEAD OPTION...: a crawl from the records in $tmp/few that must find just these.
crawl_all() {
  what=$1 alive=$2 dead=$3
  shift 3
  rm -f "$tmp/nodes.json"
  # Where a sanitizer or a busy machine makes everything slow, silence has to last longer to mean something.
  run_command "$XORD" crawl --quiet --json --bootnodes "$tmp/few" --out "$tmp/nodes.json" \
    --request-timeout "$(seconds 500)" "$@"
  [ "$code" = 0 ] || refuse "exit code $code"
  summary=$tmp/stdout
  assert_eq "$what: alive, dead, known, complete" \
    "$(json "$summary" 'd["alive"], d["dead"], d["known"], d["complete"], d["incomplete"]')" \
    "($alive, $dead, $((alive + dead)), True, 0)"
  assert_eq "$what: nodes.json says the same" \
    "$(json "$tmp/nodes.json" 'sum(e["score"] == 1 for e in d.values()), sum(e["score"] == 0 for e in d.values())')" \
    "($alive, $dead)"
  assert_eq "$what: who is alive" "$(json "$tmp/nodes.json" '{e["record"] for e in d.values() if e["score"]} == \
    set(open("'"$tmp"'/net.enrs").read().split("# '"$dead"' dead")[0].split("\n")[1:-1])')" True
  json "$summary" '"   %.2f s, %.0f MiB, %.1f requests a node, %d packets out, %d in" %
    (d["seconds"], d["peak_mib"], d["requests_a_node"], d["packets_out"], d["packets_in"])'
}

# --- 1,000 nodes, 100 dead -----------------------------------------------------------------------------------------

for workers in 1 2; do
  start_testnet net --nodes 1000 --seed 3 --dead 0.1 --udp 9300 --workers $workers
  assert_match 'ready' "$(cat "$tmp/net.log")" '^ready: 1000 nodes \(100 dead\) in 127\.1\.0\.0/16, UDP 9300'
  assert_eq 'records' "$(grep -c '^enr:' "$tmp/net.enrs")" 1000
  grep '^enr:' "$tmp/net.enrs" | head -n 3 >"$tmp/few"
  crawl_all "1,000 nodes, 1 worker against $workers" 900 100
  crawl_all "1,000 nodes, 2 workers against $workers" 900 100 --workers 2
  grep '^enr:' "$tmp/net.enrs" | sed -n 900p >"$tmp/few"
  crawl_all 'from one bootnode, another one' 900 100
  stop "$started_pid"
  assert_eq 'the testnet ends on SIGTERM' "$stopped_code" 0
done

# The same seed gives the same network, another one another.
for seed in 3 4; do
  start_testnet "seed$seed" --nodes 1000 --seed $seed --dead 0.1 --udp 9300
  stop "$started_pid"
done
cmp "$tmp/net.enrs" "$tmp/seed3.enrs" || fail 'the same seed gave another network'
! cmp -s "$tmp/net.enrs" "$tmp/seed4.enrs" || fail 'another seed gave the same network'
ok 'networks follow from their seeds'

# --- nobody there --------------------------------------------------------------------------------------------------

run_command "$XORD" crawl --quiet --bootnodes "$tmp/few" --out "$tmp/nobody.json"
assert_eq 'nobody answers: exit code' "$code" 3
assert_match 'and why' "$(cat "$tmp/stderr")" '^xord: nothing found: '
assert_match 'and who' "$(cat "$tmp/stderr")" '^  [0-9a-f]{16}\.\.\. at 127\.1\..*:9300: silent'
[ ! -s "$tmp/stdout" ] || fail 'a crawl that found nothing prints a summary'
[ ! -e "$tmp/nobody.json" ] || fail 'a crawl that found nothing leaves a file'

# --- 10,000 nodes, 1,000 dead --------------------------------------------------------------------------------------

many=10000
[ "${XORD_SANITIZED:-0}" = 0 ] || many=2000
start_testnet net --nodes $many --seed 10 --dead 0.1 --udp 9301
grep '^enr:' "$tmp/net.enrs" | head -n 5 >"$tmp/few"
crawl_all "$many nodes" $((many * 9 / 10)) $((many / 10))
crawl_all "$many nodes, 2 workers" $((many * 9 / 10)) $((many / 10)) --workers 2
assert_at_least 'requests a node, at most 15' "$(json "$tmp/stdout" 'int(15 - d["requests_a_node"])')" 0
