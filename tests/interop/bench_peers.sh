# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# ./run bench peers in its short form: every peer has a row with figures in it; one that is not there has a row that says
# so.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"

bench() {
  PEERS_ROUNDS=1 PEERS_SECONDS=0.25 PEERS_NODES=200 PEERS_CRAWL_SECONDS=4 timeout 600 \
    python3 "$XORD_SRC/perf/peers/bench.py" --xord "$XORD" --out "$tmp/peers.json" --no-install --quick "$@" \
    >"$tmp/bench.log" 2>&1
}

bench --peers "$XORD_BUILD/peers" || fail "exit code $?"
cat "$tmp/bench.log"
python3 - "$tmp/peers.json" <<'PY' || fail 'the figures'
import json, sys
report = json.load(open(sys.argv[1]))
assert list(report["servers"]) == ["socket", "memif", "geth", "sigp", "chainsafe"], list(report["servers"])
for name, server in report["servers"].items():
    (turn,) = server["rounds"]
    assert "error" not in server, server
    assert turn["records"] > 0 and turn["memory_mib"] >= turn["memory_now_mib"] > 1, (name, turn)
    for mode in ("ping", "findnode", "handshake"):
        figure = turn["modes"][mode]
        assert figure["rate"] > 0 and figure["lost"] == 0 and figure["p99_us"] > 0, (name, mode, figure)
        assert figure["server_cpu_s_per_million"] >= 0, (name, mode, figure)
        assert figure["limited_by"] in ("server", "buffer", "generator"), (name, mode, figure)
crawls = report["crawls"]
assert [row["crawler"] for row in crawls] == ["xord", "devp2p", "xord"], crawls
for row in crawls:
    least = 198 if row["crawler"] == "xord" else 1 # what geth's finds in its time is geth's matter
    assert row["nodes"] == 200 and least <= row["found"] <= 200 and row["packets"] > 200 and row["seconds"] > 0, row
PY
ok 'all rows, with figures'
for row in 'xord, socket' 'xord, memif' geth sigp chainsafe xord devp2p; do
  grep -qE "^$row +[^a-z ]" "$tmp/bench.log" || fail "no row for $row"
done
python3 "$XORD_SRC/perf/peers/bench.py" --show "$tmp/peers.json" --markdown >"$tmp/markdown" || fail 'Markdown'
assert_eq 'rows in Markdown' "$(grep -c '^| [a-z]' "$tmp/markdown")" 10

code=0
bench --peers "$tmp/none" --only socket,chainsafe || code=$?
assert_eq 'exit code when a peer is absent' $code 1
assert_match 'its row' "$(cat "$tmp/bench.log")" '^chainsafe +not installed: there is no '
assert_match 'the others are measured' "$(cat "$tmp/bench.log")" '^xord, socket +([>~]=? )?[0-9,]+ '

nothing_left() { ! pgrep -af "$tmp/end" >"$tmp/left"; }

# Ctrl-C reaches the whole group of a terminal; whoever is told by a signal of its own ends as cleanly.
mkdir "$tmp/end"
TMPDIR=$tmp/end PEERS_SECONDS=0.25 timeout 120 python3 "$XORD_SRC/perf/peers/bench.py" --xord "$XORD" --out "$tmp/none.json" \
  --peers "$XORD_BUILD/peers" --no-install --quick --only socket,geth >"$tmp/bench.log" 2>&1 &
started="$started $!"
bench_pid=$!
until_true 60 grep -q 'round 1' "$tmp/bench.log" || fail 'nothing is measured'
stop "$bench_pid"
assert_eq 'exit code after a signal' "$stopped_code" 143
assert_eq 'files left behind' "$(ls "$tmp/end")" ''
until_true 5 nothing_left || fail "left behind: $(cat "$tmp/left")"
ok 'no process is left behind'
