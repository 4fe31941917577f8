#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A bootnode for a long time in a network that comes and goes: nodes that leave, come back and move, some hostile, losses; a
# crawl a minute, new handshakes, established PINGs, and spoofed strangers. Its memory is read every SOAK_EVERY seconds (5).
# After the first third, in which 60,000 sessions fill the cache, nothing may grow: the median of the last third is at most
# SOAK_GROWTH percent (1) above that of the second. In a network namespace of its own.
#   soak.sh MINUTES
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"

minutes=${1:?soak.sh MINUTES}
every=${SOAK_EVERY:-5}
growth=${SOAK_GROWTH:-1}
load_xord=${XORD_LOAD:-$XORD}
# What is freed soon goes back to use; else the sanitizer's own stock would grow until it is full.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:quarantine_size_mb=0:thread_local_quarantine_size_kb=0"

rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"; }

"$XORD" key new "$tmp/node.key" >"$tmp/key.log"
start testnet "$load_xord" testnet --nodes "${SOAK_NODES:-2000}" --seed 7 --ip 127.5.0.0/16 --udp 9400 --churn 2 --dead 0.1 --nat 0.1 \
  --malicious 0.1 --loss 0.02 --calls 20 --enrs "$tmp/net.enrs" --enrs-count 50
wait_for "$tmp/testnet.log" '^ready' 60
start bootnode "$XORD" bootnode --key "$tmp/node.key" --ip 127.0.0.1 --udp 9401 --bootnodes "$tmp/net.enrs" --state "$tmp/state"
bootnode=$started_pid
wait_for "$tmp/bootnode.log" '^enr:' 30
grep -m1 '^enr:' "$tmp/bootnode.log" >"$tmp/enr"

# Begins again whenever it ends.
busy() { # NAME COMMAND...
  name=$1
  shift
  (
    trap 'kill $child 2>/dev/null; exit 0' TERM
    while :; do
      "$@" >"$tmp/$name.txt" 2>&1 </dev/null &
      child=$!
      wait $child || true
      sleep "${pause:-1}" &
      child=$!
      wait $child || true
    done
  ) &
  started="$started $!"
}
enr=$(cat "$tmp/enr")
# All memory is there from the start, but the system counts a page only once it was used: the session cache is filled first.
start fill nice -n 10 "$load_xord" load "$enr" --udp 9406 --mode handshake --rate 500 --identities 60000 --idle sleep --duration 150s
busy pings "$load_xord" load "$enr" --udp 9402 --rate 200 --identities 64 --idle sleep --duration 50s
busy strangers "$load_xord" load "$enr" --udp 9403 --mode handshake --rate 20 --identities 256 --idle sleep --duration 50s
busy spoofed "$load_xord" load "$enr" --udp 9404 --mode hostile spoofed --rate 500 --identities 64 --idle sleep --duration 50s
pause=50
busy crawl "$load_xord" crawl --udp 9405 --bootnodes "$tmp/enr" --duration 40s --out "$tmp/nodes.json" --quiet

end=$(($(date +%s) + minutes * 60))
: >"$tmp/samples"
while [ "$(date +%s)" -lt $end ]; do
  sleep "$every"
  alive "$bootnode" || fail 'the bootnode has ended'
  rss "$bootnode" >>"$tmp/samples"
done
printf 'minutes %s, samples %s; resident memory, KiB: ' "$minutes" "$(wc -l <"$tmp/samples")"
awk '{ v[NR] = $1 } END { for (i = 1; i <= 12; i++) printf "%s%d", (i > 1 ? ", " : ""), v[int((NR - 1) * (i - 1) / 11) + 1]; print "" }' \
  "$tmp/samples"
stop "$bootnode" INT
assert_eq 'Ctrl-C ends it' "$stopped_code" 0
grep -E 'nodes in the table|handshakes_in|^rx_packets|ping_in|findnode_in' "$tmp/bootnode.log" | tail -n 6

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
third=$(($(wc -l <"$tmp/samples") / 3))
second=$(sed -n "$((third + 1)),$((2 * third))p" "$tmp/samples" | median)
last=$(tail -n "$third" "$tmp/samples" | median)
change=$(awk -v a="$second" -v b="$last" 'BEGIN { printf "%.2f", 100 * (b - a) / a }')
echo "median of the second third $second KiB, of the last $last KiB: $change %"
awk -v c="$change" -v g="$growth" 'BEGIN { exit !(c <= g) }' || fail "memory grew by $change %, more than $growth %"
ok "memory grew by $change %, at most $growth % is allowed"
