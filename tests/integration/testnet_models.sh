#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A network with the faults of a real one: the crawl finds nearly all that can be reached, ends, and names the hostile nodes
# that it met by kind. What it says is compared with what the testnet says of itself.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

nodes=1000
[ "${XORD_SANITIZED:-0}" = 0 ] || nodes=300

# judge EXPRESSION: of `found` (ids that answered), `truth` (by id), `named` (ids by kind), `d` (the summary).
judge() {
  python3 - "$tmp/net.truth" "$tmp/nodes.json" "$tmp/stdout" "$1" <<'END'
import json, sys

truth = {e["node_id"]: e for e in map(json.loads, open(sys.argv[1]))}
found = {k for k, v in json.load(open(sys.argv[2])).items() if v["score"] > 0}
d = json.load(open(sys.argv[3]))
named = {kind: set(ids) for kind, ids in d["hostile"].items()}


def of(kind, steady=True):
    return {i for i, e in truth.items() if e["kind"] == kind and not (steady and e["was_away"])}


def share(part, whole):
    return 100 * len(part & whole) // len(whole) if whole else 100


print(eval(sys.argv[4]))
END
}

# crawl_net WHAT OPTION...: a testnet with these options, crawled; the truth is told when it has ended.
crawl_net() {
  what=$1
  shift
  rm -f "$tmp/nodes.json"
  start_testnet net --nodes "$nodes" --seed 5 --udp 9310 --truth "$tmp/net.truth" "$@"
  grep -m 5 '^enr:' "$tmp/net.enrs" >"$tmp/few"
  run_command "$XORD" crawl --quiet --json --bootnodes "$tmp/few" --out "$tmp/nodes.json" \
    --ndjson "$tmp/nodes.ndjson" --request-timeout "$(seconds 500)" --handshake-timeout "$(seconds 1000)"
  [ "$code" = 0 ] || refuse "exit code $code"
  stop "$started_pid"
  assert_eq "$what: the crawl ends" "$(judge 'd["complete"]')" True
  assert_at_least "$what: percent found of those that stayed" "$(judge 'share(found, of("alive"))')" 99
  assert_eq "$what: nobody who cannot answer" "$(judge 'len(found & (of("dead", False) | of("nat", False)))')" 0
  assert_eq "$what: no honest node accused" "$(judge 'sum(len(ids - of(k)) for k, ids in named.items())')" 0
}

# --- each alone ----------------------------------------------------------------------------------------------------

# Most are near, some are far: who is only far away is not slow.
printf '20 8\n60 1\n300 1\n' >"$tmp/far"
crawl_net 'latency and reordering' --latency "$tmp/far" --reorder 0.2
crawl_net 'NAT' --nat 0.3
crawl_net 'stale records' --stale 0.5
assert_eq 'the newest records are in the file' \
  "$(json "$tmp/nodes.json" 'sorted({e["seq"] for e in d.values()})')" '[2]'

# --- hostile nodes, of each kind and of one -------------------------------------------------------------------------

crawl_net 'hostile' --malicious 0.2
for kind in distance invalid totals whoareyou sybil eclipse slow; do
  [ "$nodes" = 1000 ] || [ $kind = distance ] || [ $kind = invalid ] || [ $kind = totals ] || continue
  assert_at_least "$kind: percent named" "$(judge "share(named['$kind'], of('$kind'))")" 90
done
assert_match 'and so says the ndjson' "$(tail -n 1 "$tmp/nodes.ndjson")" '"hostile":\["[a-z]+"\]'
crawl_net 'one kind' --malicious 0.1:totals
assert_eq 'a tenth of them' "$(judge 'len(named["totals"]) * 10')" "$nodes"
assert_eq 'and no other' "$(judge 'sum(len(ids) for k, ids in named.items() if k != "totals")')" 0

# --- all of it -----------------------------------------------------------------------------------------------------

cat >"$tmp/latencies" <<'END'
# milliseconds, weight
10 3
40 5
120 1
END
cat >"$tmp/mix" <<'END'
0.6 eth=b715077d:0 client=Geth/v1.14.0 snap=rlp:c0
0.4 eth2=6a95a1a967000000ffffffffffffffff attnets=random syncnets=00 client=Lighthouse/5.1.0
END
crawl_net 'all of it' --latency "$tmp/latencies" --loss 0.05 --reorder 0.05 --dead 0.3 --nat 0.2 --churn 0.5 --stale 0.2 \
  --malicious 0.2 --mix "$tmp/mix"
# Those that are told by what they do. The others are told by how they differ from the rest: that takes a large network.
told='("distance", "invalid", "totals", "whoareyou")'
assert_at_least 'most of the hostile nodes are named' \
  "$(judge "share(set().union(*(named[k] for k in $told)), set().union(*(of(k) for k in $told)))")" 80
succeeds 'its records are shown' "$XORD" enr show "$(grep -m 1 '^enr:' "$tmp/net.enrs")"
assert_match 'with what the mix says' "$(cat "$tmp/stdout")" '^client +(Geth v1.14.0|Lighthouse 5.1.0)'
assert_at_least 'percent of them execution clients' \
  "$(json "$tmp/net.truth" 'sum(e["class"] == 0 for e in lines) * 100 // len(lines)')" 50

# --- the same seed ---------------------------------------------------------------------------------------------------

for n in 1 2; do
  start_testnet "same$n" --nodes 300 --seed 9 --malicious 0.3 --dead 0.1 --udp 9310 --truth "$tmp/same$n.truth"
  cp "$tmp/same$n.truth" "$tmp/first$n.truth"
  stop "$started_pid"
done
cmp "$tmp/first1.truth" "$tmp/first2.truth" || fail 'the same seed gave another network'
ok 'the same seed gives the same network, hostile nodes and all'

# --- what cannot be --------------------------------------------------------------------------------------------------

bad() { one_sentence "$1" 1 "$2" "$XORD" testnet --nodes 100 --udp 9310 "$3" "$4"; }
bad 'loss' 'fraction' --loss 1.5
bad 'kinds' 'there is no kind "rude"' --malicious 0.1:rude
bad 'no kinds' 'list of kinds' --malicious 0.1:
bad 'churn' 'how often a minute' --churn -1
bad 'latency' 'neither a time' --latency "$tmp/none"
bad 'an hour' 'round trip' --latency 3600s
printf 'x 1\n' >"$tmp/bad"
bad 'latencies' 'line 1' --latency "$tmp/bad"
bad 'mix' 'share above 0' --mix "$tmp/bad"
printf '1 eth=abc\n' >"$tmp/bad"
bad 'mix: eth' 'hex' --mix "$tmp/bad"
printf '1 x=%0600d\n' 0 >"$tmp/bad"
bad 'mix: too much' 'hex|large' --mix "$tmp/bad"
one_sentence 'nobody left' 1 'must leave somebody' "$XORD" testnet --nodes 10 --dead 0.5 --nat 0.5
