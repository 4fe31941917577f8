#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The commands themselves under ThreadSanitizer, with two workers each: `xord load` (its guests, the swap of their tallies,
# greeting and stopping), and the crowd of a testnet, which signs records while it answers and while a thread signs ahead.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

# What ThreadSanitizer finds it says on stderr, and ends the process with exit code 66.
clean() { # LOG
  if grep -q 'ThreadSanitizer' "$1"; then
    cat "$1"
    fail "a race: ${1##*/}"
  fi
}

load() { # OPTION...
  run_command "$XORD" load "$@" --workers 2 --idle sleep --request-timeout 5000 --json
  clean "$tmp/stderr"
  [ "$code" = 0 ] || refuse "exit code $code"
  ok "load $*"
}

what='load'
start testnet "$XORD" testnet --nodes 300 --seed 9 --workers 2 --idle sleep --loss 0.01 --latency 2ms --churn 2 --stale 0.2 \
  --malicious 0.1 --udp 9620 --enrs "$tmp/net.enrs" --enrs-count 40
testnet=$started_pid
wait_for "$tmp/testnet.log" '^ready' 120
load "$tmp/net.enrs" --rate 200 --duration 3s --mode findnode
"$XORD" crawl --bootnodes "$tmp/net.enrs" --workers 2 --request-timeout 5000 --out "$tmp/nodes.json" --duration 15s \
  >"$tmp/crawl.log" 2>&1 || fail 'the crawl'
clean "$tmp/crawl.log"
stop "$testnet"
clean "$tmp/testnet.log"
assert_eq 'exit code of the testnet' "$stopped_code" 0

"$XORD" key new "$tmp/key" >/dev/null
start bootnode "$XORD" bootnode --key "$tmp/key" --ip 127.0.0.1 --udp 9621 --workers 2
bootnode=$started_pid
wait_for "$tmp/bootnode.log" '^enr:' 60
enr=$(record_of "$tmp/bootnode.log")
printf 'ping 6\nfindnode 2\ntalk 1\nhandshake 1\n' >"$tmp/mix"
load "$enr" --identities 40 --rate 200 --duration 3s --mode "mix $tmp/mix" --hdr "$tmp/hdr" --html "$tmp/html"
load "$enr" --identities 40 --window 16 --duration 2s --ramp 1s
for kind in bad-signature replay slow-handshake; do
  load "$enr" --identities 40 --rate 200 --duration 2s --mode hostile $kind
done
start load "$XORD" load "$enr" --identities 40 --rate 100 --duration 60s --workers 2 --idle sleep --request-timeout 5000
wait_for "$tmp/load.log" '^ +2\.' 60
stop "$started_pid" INT
assert_eq 'Ctrl-C: exit code' "$stopped_code" 0
clean "$tmp/load.log"
stop "$bootnode"
clean "$tmp/bootnode.log"
assert_eq 'exit code of the bootnode' "$stopped_code" 0
