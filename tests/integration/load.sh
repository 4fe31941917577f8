#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# xord load against a real bootnode on loopback: modes, forms of output, assertions, hostile kinds, bad input; and over
# DPDK devices.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

"$XORD" key new "$tmp/node.key" >/dev/null
start bootnode "$XORD" bootnode --key "$tmp/node.key" --ip 127.0.0.1 --udp 9500
wait_for "$tmp/bootnode.log" '^enr:' 10
bootnode=$started_pid
enr=$(record_of "$tmp/bootnode.log")
calm='p50<20s,loss<50%' # what even a machine that is busy with other things keeps

# --- open loop, all outputs ----------------------------------------------------------------------------------------

succeeds 'open loop' "$XORD" load "$enr" --rate 500 --duration 2500ms --assert "$calm" --hdr "$tmp/hdr" --html "$tmp/html"
assert_match 'says what it does' "$(head -n 1 "$tmp/stdout")" \
  '^ping to 1 node from 1 identity \(1 pair\): open loop, 500 requests a second, 2\.5 s$'
assert_match 'a line a second' "$(sed -n 3p "$tmp/stdout")" '^ +1\.[0-9] +[0-9]+ +[0-9]+ +[0-9.]+%( +[0-9.]+(u|m)?s){6}$'
assert_match 'a summary' "$(cat "$tmp/stdout")" '^1250 sent, [0-9]+ answered in '
assert_match 'and its latency' "$(tail -n 1 "$tmp/stdout")" \
  '^latency p50 [0-9.]+[mu]?s p90 [0-9.]+[mu]?s p99 [0-9.]+[mu]?s p99\.9 [0-9.]+[mu]?s p99\.99 [0-9.]+[mu]?s max [0-9.]+[mu]?s$'
answered=$(sed -n 's/^1250 sent, \([0-9]*\) answered.*/\1/p' "$tmp/stdout")
python3 "$XORD_SRC/tests/integration/hdr_log.py" "$tmp/hdr" >"$tmp/hdr.read" || fail 'the HDR log is not readable'
read -r intervals values _ _ <"$tmp/hdr.read"
assert_at_least 'intervals of the HDR log' "$intervals" 3
assert_eq 'values of the HDR log' "$values" "$answered"

assert_eq 'plots of the page' "$(grep -c '<svg ' "$tmp/html")" 3
grep -qE 'https?:|src=|href=|url\(|@import|<script|<link' "$tmp/html" && fail 'the page refers to something outside'
python3 - "$tmp/html" <<'END' || fail 'the page is not well formed'
import html.parser, re, sys

text = open(sys.argv[1]).read()
for svg in re.findall(r'<svg .*?</svg>', text, re.S):
    for points in re.findall(r'points="([^"]*)"', svg):
        for point in points.split():
            x, y = map(float, point.split(','))
            assert 0 <= x <= 920 and 0 <= y <= 300, point
open_tags = []
class Check(html.parser.HTMLParser):
    def handle_starttag(self, tag, attrs):
        if tag in ('svg', 'table', 'html', 'body', 'head', 'style', 'title', 'h1', 'h2'):
            open_tags.append(tag)
    def handle_endtag(self, tag):
        if tag in ('svg', 'table', 'html', 'body', 'head', 'style', 'title', 'h1', 'h2'):
            assert open_tags.pop() == tag, tag
Check().feed(text)
assert not open_tags, open_tags
END
ok 'the page stands alone'

succeeds 'JSON' "$XORD" load "$enr" --rate 400 --duration 2s --json --hdr "$tmp/hdr" --assert "$calm,rate>1"
assert_eq 'its fields' "$(json "$tmp/stdout" 'd["mode"], d["wanted_rate"], d["total"]["sent"], len(d["intervals"])')" \
  "('ping', 400, 800, 2)"
assert_eq 'its assertions' "$(json "$tmp/stdout" '[a["term"] for a in d["assertions"]], all(a["holds"] for a in d["assertions"])')" \
  "(['p50<20s', 'loss<50%', 'rate>1', 'missed<=1%', 'silent<=0'], True)"
python3 "$XORD_SRC/tests/integration/hdr_log.py" "$tmp/hdr" >"$tmp/hdr.read"
read -r _ _ p50 p99 <"$tmp/hdr.read"
assert_eq 'HDR log and JSON agree' "$(json "$tmp/stdout" \
  '[abs(d["total"]["latency_us"][n] * 1000 / v - 1) < 0.002 for n, v in (("p50", '"$p50"'), ("p99", '"$p99"'))]')" '[True, True]'

# --- assertions ----------------------------------------------------------------------------------------------------

run_command "$XORD" load "$enr" --rate 200 --duration 1s --assert "loss<50%,p99<1ns"
assert_eq 'an assertion that fails: exit code' "$code" 4
assert_match 'and which' "$(cat "$tmp/stderr")" '^xord: assertion failed: p99<1ns, but it was [0-9.]+[um]s$'
run_command "$XORD" load "$enr" --rate 200 --duration 500ms --assert 'p99<1ns' --assert 'loss<50%'
assert_eq 'a second --assert takes nothing back: exit code' "$code" 4
run_command "$XORD" load "$enr" --rate 50M --duration 300ms --request-timeout 200 --assert 'loss<100%' --json
assert_eq 'an assertion about a load that could not be made: exit code' "$code" 4
assert_match 'and why' "$(cat "$tmp/stderr")" '^xord: assertion failed: the generator itself could not send [0-9.]+% of what was due'
assert_eq 'also in JSON' "$(json "$tmp/stdout" '[a["term"] for a in d["assertions"] if not a["holds"]], d["pairs"], d["silent"]')" \
  "(['missed<=1%'], 1, 0)"
start half "$XORD" testnet --nodes 40 --seed 5 --dead 0.5 --udp 9510 --enrs "$tmp/half.enrs"
wait_for "$tmp/half.log" '^ready' 20
run_command "$XORD" load "$tmp/half.enrs" --rate 200 --duration 500ms --request-timeout 500 --assert 'loss<100%' --json
assert_eq 'an assertion about nodes that are silent: exit code' "$code" 4
assert_match 'and how many' "$(cat "$tmp/stderr")" '^xord: assertion failed: [0-9]+ of 40 got no load'
assert_eq 'also in JSON' "$(json "$tmp/stdout" '[a["term"] for a in d["assertions"] if not a["holds"]], d["pairs"] > 0, d["silent"] > 0, d["pairs"] + d["silent"]')" \
  "(['silent<=0'], True, True, 40)"
stop "$started_pid"
one_sentence 'a bad assertion' 1 'assert "p99<2": a latency is compared with a time' "$XORD" load "$enr" --assert 'p99<2'
one_sentence 'an unknown metric' 1 'known are p50' "$XORD" load "$enr" --assert 'p99<2ms,lost<1%'

# --- modes ---------------------------------------------------------------------------------------------------------

printf '# a mix\nping 70\nfindnode 20\ntalk 5\nhandshake 5\n' >"$tmp/mix"
for mode in findnode talk handshake "mix $tmp/mix"; do
  # shellcheck disable=SC2086
  succeeds "mode $mode" "$XORD" load "$enr" --rate 100 --duration 1s --assert "$calm" --mode $mode
  assert_match 'all sent' "$(cat "$tmp/stdout")" '^100 sent, [0-9]+ answered'
done
assert_match 'handshakes in the mix' "$(cat "$tmp/stdout")" ', 5 handshakes'
assert_eq 'a line for each kind' "$(sed -n 's/^\([a-z]*: [0-9]* sent\), [0-9]* answered, loss .*, p50 .* max .*/\1/p' \
  "$tmp/stdout" | tr '\n' ' ')" 'ping: 70 sent findnode: 20 sent talk: 5 sent handshake: 5 sent '
succeeds 'a mix, JSON and page' "$XORD" load "$enr" --rate 100 --duration 1s --mode "mix $tmp/mix" --json --html "$tmp/html"
assert_eq 'kinds sum up' "$(json "$tmp/stdout" '[sum(k[f] for k in d["kinds"].values()) == d["total"][f]
  for f in ("sent", "answered", "handshakes")], d["kinds"]["talk"]["latency_us"]["max"] <= d["total"]["latency_us"]["max"]')" \
  '([True, True, True], True)'
assert_eq 'kinds on the page' "$(grep -cE '<td[^>]*>(ping<td>70|handshake<td>5)<td>' "$tmp/html")" 1
succeeds 'handshakes' "$XORD" load "$enr" --rate 50 --duration 1s --mode handshake --json
assert_eq 'each is one' "$(json "$tmp/stdout" 'd["total"]["handshakes"] == d["total"]["answered"], d["identities"]')" '(True, 64)'
succeeds 'closed loop' "$XORD" load "$enr" --window 8 --ramp 500ms --duration 1s --assert "$calm,rate>10"
succeeds 'identities' "$XORD" load "$enr" --identities 200 --rate 1000 --duration 1s --workers 2 --idle sleep --assert "$calm" --json
assert_eq 'all of them' "$(json "$tmp/stdout" 'd["identities"], d["total"]["sent"]')" '(200, 1000)'

start_testnet net --nodes 20 --seed 3 --udp 9502
succeeds 'a file of nodes' "$XORD" load "$tmp/net.enrs" --rate 500 --duration 1s --mode findnode --assert "$calm"
assert_match 'all of them' "$(head -n 1 "$tmp/stdout")" '^findnode to 20 nodes from 1 identity \(20 pairs\)'

# --- known truths; bounds are wide on the side to which a busy machine errs ---------------------------------------------

between() { # FILE PERCENTILE LEAST-MS MOST-MS
  json "$1" "$3 <= d['total']['latency_us']['$2'] / 1000 <= $4 or d['total']"
}

start far "$XORD" testnet --nodes 1 --seed 3 --latency 100ms --udp 9520 --enrs "$tmp/far.enrs"
wait_for "$tmp/far.log" '^ready' 20
succeeds 'a round trip of 100 ms' "$XORD" load "$tmp/far.enrs" --rate 300 --duration 3s --assert "$calm" --json
assert_eq 'is what is measured' "$(between "$tmp/stdout" p50 99 400)" True
assert_eq 'and at least' "$(between "$tmp/stdout" min 99 400)" True
printf 'ping 90\nhandshake 10\n' >"$tmp/mix"
succeeds 'handshakes that lack identities' "$XORD" load "$tmp/far.enrs" --rate 1000 --duration 3s --identities 32 \
  --mode mix "$tmp/mix" --assert "$calm" --json
assert_eq 'do not hold up PINGs' "$(json "$tmp/stdout" '99 <= d["kinds"]["ping"]["latency_us"]["p50"] / 1000 <= 400 or d["kinds"]')" True
assert_match 'and it says what they lack' "$(cat "$tmp/stderr")" 'too few --identities: [0-9]+ handshakes had to wait.* give --identities [1-9][0-9]+$'
stop "$started_pid"

"$XORD" load "$enr" --rate 300 --duration 5s --json >"$tmp/stalled.json" 2>"$tmp/stalled.log" &
load=$!
wait_for "$tmp/stalled.log" '^ +1\.' 20
kill -STOP "$bootnode"
sleep 1
kill -CONT "$bootnode"
wait "$load" || fail 'a target that stalls'
assert_eq 'a second in which a target stands still: the maximum' "$(between "$tmp/stalled.json" max 900 1e9)" True
assert_eq 'p90, for a fifth of all requests fell into it' "$(between "$tmp/stalled.json" p90 300 1e9)" True
assert_eq 'p99' "$(between "$tmp/stalled.json" p99 800 1e9)" True

# --- hostile kinds -------------------------------------------------------------------------------------------------

for kind in junk whoareyou-flood bad-signature replay spoofed oversize slow-handshake; do
  succeeds "hostile $kind" "$XORD" load "$enr" --rate 500 --duration 1500ms --mode hostile $kind
  assert_match 'was sent' "$(tail -n 1 "$tmp/stdout")" '^[1-9][0-9]* datagrams in [0-9.]+ s, '
done
assert_match 'slow handshakes need identities, and it says how many' "$(cat "$tmp/stderr")" \
  'only [0-9]+ datagrams of the 750 that were wanted were sent: .* give --identities [1-9][0-9]+'
succeeds 'hostile, JSON' "$XORD" load "$enr" --rate 100 --duration 500ms --mode hostile junk --json
assert_eq 'it has neither loss nor latency' "$(json "$tmp/stdout" \
  'd["total"]["sent"], [f for t in [d["total"], *d["intervals"]] for f in ("loss", "latency_us", "answered") if f in t]')" '(50, [])'
succeeds 'the bootnode still answers' "$XORD" ping "$enr"

# --- from a DPDK device --------------------------------------------------------------------------------------------

ns_add a
ns_add b
ns_link a vetha b vethb
# shellcheck disable=SC2016
in_ns a sh -c 'echo 1 >/proc/sys/net/ipv6/conf/vetha/disable_ipv6'
ns_addr b vethb 10.9.255.1/16
start far in_ns b "$XORD" bootnode --key "$tmp/node.key" --ip 10.9.255.1 --udp 9501
wait_for "$tmp/far.log" '^enr:' 10
far=$(record_of "$tmp/far.log")
dpdk() { in_ns a "$XORD" load "$far" --port dpdk:net_af_packet0,iface=vetha --gateway 10.9.255.1 "$@"; }
succeeds 'DPDK, many identities' dpdk --ip 10.9.0.0/16 --identities 50 --rate 300 --duration 1s --assert "$calm" --json
assert_eq 'all of them' "$(json "$tmp/stdout" 'd["identities"], d["total"]["sent"]')" '(50, 300)'
succeeds 'DPDK, one address' dpdk --ip 10.9.0.1/16 --window 4 --duration 1s --assert "$calm" --idle sleep
for kind in spoofed oversize replay; do
  succeeds "DPDK, hostile $kind" dpdk --ip 10.9.0.0/16 --rate 200 --duration 1s --mode hostile $kind
  assert_match 'was sent' "$(tail -n 1 "$tmp/stdout")" '^[1-9][0-9]* datagrams in [0-9.]+ s, '
done
stop "$started_pid"
assert_eq 'all 200 oversize datagrams were taken for such' "$(sed -n 's/^drop_size  *//p' "$tmp/far.log")" 200

# --- over memif, between two processes -----------------------------------------------------------------------------

memif=net_memif0,socket-abstract=no,socket=$tmp/memif.sock
over_memif() {
  limited "$XORD" load "$enr_memif" --port "dpdk:$memif,role=client" --ip 10.9.0.0/16 --gateway 10.9.255.254 --idle sleep \
    --duration 1s --rate 200 "$@"
}
start near "$XORD" bootnode --key "$tmp/node.key" --port "dpdk:$memif,role=server" --ip 10.9.255.254/16 --idle sleep
near=$started_pid
wait_for "$tmp/near.log" '^enr:' 20
enr_memif=$(record_of "$tmp/near.log")
for mode in ping findnode talk handshake; do
  succeeds "memif, $mode" over_memif --identities 50 --mode $mode --assert "$calm" --json
  assert_eq 'all pairs, all sent' "$(json "$tmp/stdout" 'd["identities"], d["total"]["sent"]')" '(50, 200)'
done
assert_eq 'handshakes: each answer is one' "$(json "$tmp/stdout" 'd["total"]["handshakes"] == d["total"]["answered"]')" True
succeeds 'memif, two workers' over_memif --identities 50 --workers 2 --rate 100 --assert "$calm"
for kind in junk whoareyou-flood bad-signature replay spoofed oversize slow-handshake; do
  succeeds "memif, hostile $kind" over_memif --identities 50 --mode hostile $kind
  assert_match 'was sent' "$(tail -n 1 "$tmp/stdout")" '^[1-9][0-9]* datagrams in [0-9.]+ s, '
done
stop "$near"
for counter in drop_not_discv5 drop_whoareyou drop_size; do
  assert_eq "memif: $counter" "$(sed -n "s/^$counter  *//p" "$tmp/near.log")" 200
done
for counter in drop_handshake_signature drop_handshake_no_challenge; do
  assert_at_least "memif: $counter" "$(sed -n "s/^$counter  *//p" "$tmp/near.log")" 20
done

# --- a peer that ends in the middle ----------------------------------------------------------------------------------

start near "$XORD" bootnode --key "$tmp/node.key" --port "dpdk:$memif,role=server" --ip 10.9.255.254/16 --idle sleep
near=$started_pid
wait_for "$tmp/near.log" '^enr:' 20
for n in 1 2 3 4 5; do
  start killed "$XORD" load "$enr_memif" --port "dpdk:$memif,role=client" --ip 10.9.0.0/16 --gateway 10.9.255.254 \
    --identities 20 --window 200 --duration 60s
  wait_for "$tmp/killed.log" '^ +1\.' 30
  stop "$started_pid" KILL
done
succeeds 'memif, after peers that were killed under load' over_memif --identities 50 --assert "$calm"
stop "$near"
assert_eq 'memif: exit code of who outlived them' "$stopped_code" 0

start net_memif "$XORD" testnet --nodes 100 --seed 5 --port "dpdk:$memif,role=server" --ip 10.9.0.0/16 \
  --gateway 10.9.255.254 --idle sleep --enrs "$tmp/memif.enrs"
wait_for "$tmp/net_memif.log" '^ready' 60
succeeds 'memif, a test network' "$XORD" load "$tmp/memif.enrs" --port "dpdk:$memif,role=client" --ip 10.9.255.254/16 \
  --idle sleep --rate 500 --duration 1s --mode findnode --assert "$calm"
assert_match 'all of it' "$(head -n 1 "$tmp/stdout")" '^findnode to 100 nodes from 1 identity \(100 pairs\)'
stop "$started_pid"

# --- the end, and nobody -------------------------------------------------------------------------------------------

start load "$XORD" load "$enr" --rate 200 --duration 60s --udp 9503
wait_for "$tmp/load.log" '^ +2\.' 15
if [ "$(nproc)" -gt 1 ]; then # the last CPU that it may run on is its worker's; what it measures may spin on the first
  last=$(sed -n 's/^Cpus_allowed_list:.*[,\t-]\([0-9]*\)$/\1/p' /proc/$$/status)
  sed -n 's/^Cpus_allowed_list:\t//p' /proc/"$started_pid"/task/*/status | grep -qx "$last" || fail 'the worker is not on the last CPU'
fi
stop "$started_pid" INT
assert_eq 'Ctrl-C: exit code' "$stopped_code" 0
assert_match 'and the summary' "$(cat "$tmp/load.log")" '^[0-9]+ sent, [0-9]+ answered in '
stop "$bootnode"
run_command "$XORD" load "$enr" --rate 100 --duration 1s --request-timeout 100
assert_eq 'nobody there: exit code' "$code" 3
assert_match 'and why' "$(cat "$tmp/stderr")" '^xord: no answer from enr:'
echo before >"$tmp/hdr"
echo before >"$tmp/html"
run_command "$XORD" load "$enr" --rate 100 --duration 1s --request-timeout 100 --json --hdr "$tmp/hdr" --html "$tmp/html"
assert_eq 'nobody there: exit code with --json' "$code" 3
assert_match 'and why' "$(json "$tmp/stdout" 'd["mode"], d["error"]')" "^\('ping', 'no answer from enr:"
assert_eq 'the last files are as they were' "$(cat "$tmp/hdr" "$tmp/html" | tr '\n' ' ')" 'before before '

# --- found by use --------------------------------------------------------------------------------------------------

start bootnode "$XORD" bootnode --key "$tmp/node.key" --ip 127.0.0.1 --udp 9500
wait_for "$tmp/bootnode.log" '^enr:' 10
enr=$(record_of "$tmp/bootnode.log")
succeeds 'more workers than pairs' "$XORD" load "$enr" --workers 3 --idle sleep --rate 100 --duration 1s
assert_match 'all sent' "$(cat "$tmp/stdout")" '^100 sent, '
succeeds 'less than a request a second' "$XORD" load "$enr" --rate 0.5 --duration 1500ms --json
assert_eq 'it lasts as long as asked, at the rate asked' "$(json "$tmp/stdout" \
  'd["total"]["sent"], 1.4 < d["total"]["seconds"] < 5, 0.6 < d["total"]["rate"] < 0.7')" '(1, True, True)'
succeeds 'more than can be made' "$XORD" load "$enr" --rate 50M --duration 300ms --request-timeout 200
assert_match 'and it says so' "$(cat "$tmp/stderr")" 'could make only [0-9]+ requests in .* of the 15000000 that were wanted'
succeeds 'a node named twice is one' "$XORD" load "$enr" "$enr" --rate 100 --duration 500ms
assert_match 'one target' "$(head -n 1 "$tmp/stdout")" '^ping to 1 node '
# shellcheck disable=SC2016
run_command sh -c '"$0" load "$@" >/dev/full' "$XORD" "$enr" --rate 100 --duration 60s
assert_eq 'no room for the results: at once' "$code" 1
assert_match 'and why' "$(cat "$tmp/stderr")" '^xord: cannot write the results: '
run_command "$XORD" load "$enr" --rate 100 --duration 60s --hdr /dev/full
assert_eq 'no room for the HDR log: at once' "$code" 1
stop "$started_pid"
succeeds 'hostile to nobody' "$XORD" load "$enr" --rate 100 --duration 500ms --mode hostile junk --request-timeout 200
assert_match 'a warning' "$(cat "$tmp/stderr")" 'no answer from enr:.*may reach nobody'
run_command "$XORD" load "$enr" --mode handshake --request-timeout 200
assert_eq 'handshakes with nobody: exit code' "$code" 3

# --- bad input -----------------------------------------------------------------------------------------------------

one_sentence 'no target' 1 'name the node' "$XORD" load
one_sentence 'no such file' 1 'nosuch' "$XORD" load "$tmp/nosuch"
one_sentence 'no record' 1 'no valid record' "$XORD" load enr:-nonsense
one_sentence 'two loops' 1 'choose one' "$XORD" load "$enr" --rate 5 --window 5
one_sentence 'a window too small' 1 'fewer --workers' "$XORD" load "$enr" --window 1 --workers 2
one_sentence 'a bad rate' 1 'rate' "$XORD" load "$enr" --rate -5
one_sentence 'a bad time' 1 'no time' "$XORD" load "$enr" --duration soon
one_sentence 'a ramp that is too long' 1 'ramp' "$XORD" load "$enr" --ramp 20s --duration 10s
one_sentence 'an unknown mode' 1 'no mode "pong"' "$XORD" load "$enr" --mode pong
one_sentence 'an unknown hostile kind' 1 'no hostile kind "rude"' "$XORD" load "$enr" --mode hostile rude
one_sentence 'hostile in a closed loop' 1 'rate' "$XORD" load "$enr" --mode hostile junk --window 5
one_sentence 'no mix' 1 'nosuch' "$XORD" load "$enr" --mode mix "$tmp/nosuch"
echo 'ping many' >"$tmp/mix"
one_sentence 'a bad mix' 1 'line 1' "$XORD" load "$enr" --mode mix "$tmp/mix"
one_sentence 'identities without addresses' 1 'address each' "$XORD" load "$enr" --identities 5 --ip ::1
one_sentence 'an HDR log that cannot be written' 1 'cannot write .*nosuch/x' "$XORD" load "$enr" --hdr "$tmp/nosuch/x"
one_sentence 'a page that cannot be written' 1 'cannot write .*nosuch/x' "$XORD" load "$enr" --html "$tmp/nosuch/x"
one_sentence 'a device without an address' 1 'needs --ip' "$XORD" load "$enr" --port dpdk:net_null0
