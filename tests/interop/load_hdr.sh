#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The HDR log of xord load, read by the Python library hdrhistogram.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

reader=$XORD_BUILD/peers/bin/xord-peer-hdrhistogram
[ -x "$reader" ] || fail 'hdrhistogram is not installed: tests/interop/peers/install.sh'
"$XORD" key new "$tmp/node.key" >/dev/null
start bootnode "$XORD" bootnode --key "$tmp/node.key" --ip 127.0.0.1 --udp 9510
wait_for "$tmp/bootnode.log" '^enr:' 10
succeeds 'load' "$XORD" load "$(record_of "$tmp/bootnode.log")" --rate 2000 --duration 3s --json --hdr "$tmp/hdr"
"$reader" "$tmp/hdr" >"$tmp/read" || fail 'hdrhistogram does not read the log'
read -r intervals values p50 p99 most <"$tmp/read"
assert_at_least 'intervals' "$intervals" 3
assert_eq 'values' "$values" "$(json "$tmp/stdout" 'd["total"]["answered"]')"
assert_eq 'p50, p99 and most agree' "$(json "$tmp/stdout" '[abs(d["total"]["latency_us"][n] * 1000 / v - 1) < 0.002
  for n, v in (("p50", '"$p50"'), ("p99", '"$p99"'), ("max", '"$most"'))]')" '[True, True, True]'
