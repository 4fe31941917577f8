# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# What every interop test shows of xord and a peer program. After lib.sh and peers.sh. Where xord runs: `xord_ns` (a
# namespace of lib.sh) or here.
: "${tmp:?after tests/integration/lib.sh}"
: "${started_pid=}" "${stopped_code=}" "${answer=}" # theirs
xord_id=
xord_enr=
node_pid=

# at_xord COMMAND...: where xord runs.
at_xord() {
  if [ -n "${xord_ns:-}" ]; then in_ns "$xord_ns" "$@"; else "$@"; fi
}

# expect_crawl LABEL NODES SECONDS CRAWL-OPTION...: the ids in $tmp/ids are all found alive.
expect_crawl() {
  label=$1 want=$2 limit=$(seconds "$3")
  shift 3
  rm -f "$tmp/nodes.json"
  at_xord "$XORD" crawl --out "$tmp/nodes.json" --json --counters "$@" >"$tmp/summary.log" 2>"$tmp/crawl.log" ||
    fail "crawl: $label"
  python3 - "$tmp/nodes.json" "$tmp/ids" "$tmp/summary.log" "$limit" "$want" <<'PY' || fail "crawl: $label"
import json, sys
nodes = json.load(open(sys.argv[1]))
ids = set(open(sys.argv[2]).read().split())
summary = json.loads(open(sys.argv[3]).readline())
alive = {i for i, n in nodes.items() if n["score"] > 0}
missing = ids - alive
print(f"alive {len(alive)}, of the peers' {len(ids)} missing {len(missing)}, {summary['seconds']} s,",
      f"{summary['requests_a_node']} requests a node")
sys.exit(bool(missing) or len(ids) != int(sys.argv[5]) or summary["seconds"] > float(sys.argv[4]))
PY
  ok "crawl: $label: $want of $want in $limit s or less"
}

# expect_both_shards FILE: its counters show packets in and out on both.
expect_both_shards() {
  both=$(awk '/^(rx_packets|tx_packets) / && $3 > 0 && $4 > 0 { n++ } END { print n + 0 }' "$1")
  grep -E '^(rx_packets|tx_packets) ' "$1"
  assert_eq 'packet counters that are above zero on both shards' "$both" 2
}

# bootnode_start OPTION...: sets $xord_enr, $xord_id, $node_pid.
bootnode_start() {
  [ -e "$tmp/key" ] || "$XORD" key new "$tmp/key"
  if [ -n "${xord_ns:-}" ]; then
    start node in_ns "$xord_ns" "$XORD" bootnode --key "$tmp/key" "$@"
  else
    start node "$XORD" bootnode --key "$tmp/key" "$@"
  fi
  node_pid=$started_pid
  wait_for "$tmp/node.log" '^enr:' 20
  xord_enr=$(grep -m1 '^enr:' "$tmp/node.log")
  xord_id=$("$XORD" key show --json "$tmp/key" | grep -oE '[0-9a-f]{64}' | head -n 1)
}

bootnode_stop() {
  stop "$node_pid" INT
  assert_eq "the bootnode's exit code after Ctrl-C" "$stopped_code" 0
}

# expect_answers PEER: xord answers its PING, FINDNODE and TALKREQ.
expect_answers() {
  peer_ask "$1" "{\"cmd\":\"ping\",\"node\":1,\"enr\":\"$xord_enr\"}"
  ok "xord answers a PING of $1: $answer"
  peer_ask "$1" "{\"cmd\":\"findnode\",\"node\":1,\"enr\":\"$xord_enr\",\"distances\":[0]}"
  assert_match "xord answers a FINDNODE of $1 for distance 0 with its record" "$answer" "$xord_enr"
  peer_ask "$1" "{\"cmd\":\"talk\",\"node\":1,\"enr\":\"$xord_enr\",\"protocol\":\"6e6f6e65\",\"request\":\"01\"}"
  assert_match "xord answers a TALKREQ of $1 with an unknown protocol with nothing" "$answer" '"response":""'
}

# Asks node after node, and stops as soon as it is enough. A full bucket of theirs has no room for one more.
is_listed() { # PEER NODES LEAST: sets $listed
  listed=0
  node=0
  while [ $node -lt "$2" ] && [ $listed -lt "$3" ]; do
    peer_ask "$1" "{\"cmd\":\"table\",\"node\":$node}" >/dev/null
    case $answer in *"$xord_id"*) listed=$((listed + 1)) ;; esac
    node=$((node + 1))
  done
  [ $listed -ge "$3" ]
}

# expect_listed PEER NODES LEAST: at least so many of its nodes list xord in their tables.
expect_listed() {
  until_true 60 is_listed "$1" "$2" "$3" || fail "only $listed of the $2 nodes of $1 list xord in their tables"
  assert_at_least "nodes of $1, out of $2, that list xord in their tables" "$listed" "$3"
}

# expect_neighbours LEAST [OPTION...]: xord names so many nodes out of its own table.
names_enough() {
  named=$(at_peers "$XORD" findnode "$xord_enr" --distance 256,255,254,253 2>>"$tmp/findnode.log" |
    grep -c '^[0-9a-f]\{64\}' || true)
  [ "$named" -ge "$1" ]
}
expect_neighbours() {
  until_true 60 names_enough "$1" || fail "xord names only $named neighbours"
  assert_at_least 'neighbours that xord names' "$named" "$1"
}

# at_peers COMMAND...: where the peers run.
at_peers() {
  if [ -n "${peer_ns:-}" ]; then in_ns "$peer_ns" "$@"; else "$@"; fi
}

# expect_lookup PEER LEAST: node 0 of it knows nobody but xord; what a lookup of its own finds are xord's neighbours.
shared_with_named() { # PEER LEAST: sets $shared
  peer_ask "$1" "{\"cmd\":\"lookup\",\"node\":0}" 60 >/dev/null
  printf '%s\n' "$answer" | grep -o 'enr:[A-Za-z0-9_-]*' | sort -u >"$tmp/found"
  shared=$(comm -12 "$tmp/found" "$tmp/named" | wc -l)
  [ "$shared" -ge "$2" ]
}
expect_lookup() {
  for distances in 256 255 254,253,252,251; do
    at_peers "$XORD" findnode "$xord_enr" --distance $distances 2>>"$tmp/findnode.log"
  done | grep -o 'enr:[A-Za-z0-9_-]*' | sort -u >"$tmp/named"
  until_true 30 shared_with_named "$1" "$2" || fail "a lookup by $1 through xord finds only $shared of its neighbours"
  assert_at_least "of xord's $(wc -l <"$tmp/named") neighbours, found by a lookup by $1 that knew only xord" "$shared" "$2"
}
