#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What a crawl leaves behind: nodes.json and its updates, NDJSON, the summary; when it is cut short; when the disk is full.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

nodes=$tmp/nodes.json
crawl() { limited "$XORD" crawl --quiet --bootnodes "$tmp/net.enrs" "$@"; }

# Entries of nodes.json by score, as Python prints them.
scores() { json "$nodes" 'sorted((s, sum(e["score"] == s for e in d.values())) for s in {e["score"] for e in d.values()})'; }

# --- updates -------------------------------------------------------------------------------------------------------

start_testnet net --nodes 300 --seed 5 --udp 9200
net=$started_pid
succeeds 'a first crawl' crawl --out "$nodes" --ndjson "$tmp/visits"
assert_eq 'scores' "$(scores)" '[(1, 300)]'
assert_eq 'fields of an entry' "$(json "$nodes" '" ".join(next(iter(d.values())))')" \
  'seq record score firstResponse lastResponse lastCheck'
assert_eq 'times' "$(json "$nodes" '[e for e in d.values() for t in list(e.values())[3:]
  if not __import__("re").fullmatch("20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", t)]')" '[]'
assert_eq 'sorted by node id' "$(json "$nodes" 'list(d) == sorted(d)')" True
succeeds 'each record is filed under its node id' "$XORD" enr show --json "$nodes"
assert_eq 'and is one of the testnet' \
  "$(json "$nodes" '{e["record"] for e in d.values()} == set(open("'"$tmp"'/net.enrs").read().split()[4:])')" True
assert_eq 'NDJSON' "$(json "$tmp/visits" 'len({l["node_id"] for l in lines}), all(l["alive"] for l in lines)')" \
  '(300, True)'
succeeds 'NDJSON is an input, too' "$XORD" enr show "$tmp/visits"
first=$(json "$nodes" 'sorted(e["firstResponse"] for e in d.values())')
chmod 640 "$nodes"
ln -s "$nodes" "$tmp/link.json"
succeeds 'a second crawl, through a symbolic link' crawl --out "$tmp/link.json" --ndjson "$tmp/visits"
assert_eq 'scores' "$(scores)" '[(2, 300)]'
assert_eq 'the first response stays' "$(json "$nodes" 'sorted(e["firstResponse"] for e in d.values())')" "$first"
assert_eq 'so does the mode' "$(stat -c %a "$nodes")" 640
[ -L "$tmp/link.json" ] || fail 'the link was replaced'
assert_eq 'NDJSON is appended to' "$(wc -l <"$tmp/visits")" 600
stop "$net"

start_testnet net --nodes 300 --seed 5 --udp 9200 --dead 0.1
net=$started_pid
succeeds 'a crawl with a tenth dead' crawl --out "$nodes"
assert_eq 'scores are halved, or one more' "$(scores)" '[(1, 30), (3, 270)]'
succeeds 'and once more' crawl --out "$nodes"
assert_eq 'scores' "$(scores)" '[(0, 30), (4, 270)]'
assert_eq 'the dead keep their last response' \
  "$(json "$nodes" 'all(e["lastResponse"] < e["lastCheck"] for e in d.values() if e["score"] == 0)')" True
stop "$net"

# Nobody names the dead ones now, nor most others.
start_testnet small --nodes 30 --seed 5 --udp 9200
small=$started_pid
succeeds 'a crawl of a network that has shrunk' \
  limited "$XORD" crawl --quiet --bootnodes "$tmp/small.enrs" --out "$nodes" --json
assert_eq 'it asks the nodes of its file' "$(json "$tmp/stdout" '(d["alive"], d["known"])')" '(30, 300)'
assert_eq 'and drops what has been silent for long' "$(json "$nodes" 'min(e["score"] for e in d.values()) > 0')" True
stop "$small"

# --- cut short -----------------------------------------------------------------------------------------------------

# The silent ones keep a crawl going for many seconds.
start_testnet net --nodes 2000 --seed 6 --udp 9201 --dead 0.1
net=$started_pid
succeeds '--duration' crawl --request-timeout 5000 --duration 0.5s --json
assert_eq 'says that it is not complete' "$(json "$tmp/stdout" 'd["complete"], d["seconds"] < 5')" '(False, True)'
start cut "$XORD" crawl --request-timeout 5000 --bootnodes "$tmp/net.enrs" --out "$tmp/cut.json" --ndjson "$tmp/cut.visits"
cut=$started_pid
until_true 20 [ -s "$tmp/cut.visits" ] || fail 'no visit was written'
stop "$cut" INT
assert_eq 'Ctrl-C: exit code' "$stopped_code" 0
assert_match 'Ctrl-C is said' "$(cat "$tmp/cut.log")" '^crawl cut short'
assert_at_least 'Ctrl-C writes what it has' "$(json "$tmp/cut.json" 'sum(e["score"] for e in d.values())')" 1
assert_eq 'whole' "$(json "$tmp/cut.visits" 'all("record" in l for l in lines)')" True
start cut "$XORD" crawl --request-timeout 5000 --bootnodes "$tmp/net.enrs" --out "$tmp/term.json"
cut=$started_pid
until_true 20 grep -qs known "$tmp/cut.log" || fail 'no progress was shown'
stop "$cut" TERM
assert_at_least 'so does SIGTERM' "$(json "$tmp/term.json" 'len(d)')" 1
code=0
timeout 1 "$XORD" crawl --quiet --request-timeout 5000 --bootnodes "$tmp/net.enrs" --out "$tmp/timeout.json" \
  >"$tmp/stdout" || code=$?
assert_eq 'timeout, which signals twice: exit code' "$code" 124
assert_at_least 'it too gets what there is' "$(json "$tmp/timeout.json" 'len(d)')" 1
stop "$net"

# --- disk full -----------------------------------------------------------------------------------------------------

start_testnet net --nodes 300 --seed 7 --udp 9202
cat >"$tmp/on_small_disk.sh" <<'END'
set -eu
mount -t tmpfs -o size="$3" none "$1"
trap 'cd / && umount "$1"' EXIT
cd "$1"
code=0
"$XORD" crawl --quiet --bootnodes "$2" --out nodes.json >"$1.first" 2>&1 || code=$?
echo "first $code"
cp nodes.json "$1.before" 2>/dev/null || echo 'no file'
code=0
"$XORD" crawl --quiet --bootnodes "$2" --out nodes.json >"$1.stdout" 2>"$1.stderr" || code=$?
echo "second $code"
[ ! -f nodes.json ] || cmp nodes.json "$1.before" && echo untouched
ls
END
mkdir "$tmp/disk"
private=
unshare -m true 2>/dev/null || private='--propagation unchanged' # in a chroot / is no mount point
small_disk() { # shellcheck disable=SC2086
  unshare -m $private sh "$tmp/on_small_disk.sh" "$tmp/disk" "$tmp/net.enrs" "$1" | tr '\n' ' '
}
assert_eq 'room for one file, not for two' "$(small_disk 208k)" 'first 0 second 1 untouched nodes.json '
assert_eq 'one sentence' "$(cat "$tmp/disk.stderr")" \
  'xord: cannot write nodes.json: No space left on device; what stood there before is untouched'
assert_eq 'no result' "$(cat "$tmp/disk.stdout")" ''
assert_eq 'room for none' "$(small_disk 64k)" 'first 1 no file second 1 untouched '
