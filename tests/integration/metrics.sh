#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Metrics and health over HTTP, what promtool says of them, of the alerts and of the dashboard; the same by DPDK's telemetry.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

promtool=$XORD_SRC/build/promtool
where=127.0.0.1:19000 # the default
rules=$XORD_SRC/drivers-config/prometheus/xord.rules.yaml
dashboard=$XORD_SRC/drivers-config/grafana/xord.json
check() { limited python3 "$XORD_SRC/tests/integration/metrics_check.py" "$@"; }
ctl() { limited "$XORD" ctl --socket "$tmp/ctl" "$@"; }
is_200() { [ "$(check get "http://$where/$1" 2>/dev/null | cut -c1-3)" = 200 ]; }

[ -x "$promtool" ] || promtool=$(command -v promtool) || fail 'no promtool: sh tests/integration/promtool.sh build'
"$XORD" key new "$tmp/key" >/dev/null
start_testnet net --nodes 40 --seed 1 --ip 127.1.0.0/16 --udp 9100
grep '^enr:' "$tmp/net.enrs" | head -n 5 >"$tmp/boot.enrs"
start bootnode "$XORD" bootnode --key "$tmp/key" --ip 127.0.0.1 --workers 2 --bootnodes "$tmp/boot.enrs" --ctl "$tmp/ctl"
bootnode=$started_pid
wait_for "$tmp/bootnode.log" '^enr:' 20

# --- the pages -----------------------------------------------------------------------------------------------------

assert_eq '/healthz' "$(check get "http://$where/healthz")" '200 ok'
assert_eq '/readyz' "$(check get "http://$where/readyz")" '200 ready'
assert_eq '/' "$(check get "http://$where/")" '404 nothing here'
assert_eq '/metrics/' "$(check get "http://$where/metrics/")" '404 nothing here'
assert_eq 'POST' "$(check get "http://$where/metrics" POST)" '405 only GET and HEAD'
assert_eq 'HEAD' "$(check get "http://$where/metrics" HEAD)" '200 '
ctl drain >/dev/null
assert_eq '/readyz of one who drains' "$(check get "http://$where/readyz")" '503 draining'
assert_eq '/healthz of one who drains' "$(check get "http://$where/healthz")" '200 ok'
ctl drain --off >/dev/null
assert_eq '/readyz afterwards' "$(check get "http://$where/readyz")" '200 ready'

# --- metrics, alerts, dashboard ------------------------------------------------------------------------------------

scrape() { python3 -c "import urllib.request as u; print(u.urlopen('http://$where/metrics').read().decode(), end='')" >"$tmp/metrics"; }
has_traffic() {
  scrape
  grep -qE '^xord_table_verified_nodes\{shard="0"\} [1-9]' "$tmp/metrics"
}
until_true 30 has_traffic || fail 'no verified node shows'
"$promtool" check metrics <"$tmp/metrics" >"$tmp/said" 2>&1 || fail "promtool check metrics: $(cat "$tmp/said")"
assert_eq 'promtool check metrics says' "$(cat "$tmp/said")" ''
ctl --json counters >"$tmp/counters"
for name in $(json "$tmp/counters" "' '.join(d['counters'])"); do
  case $name in
    drop_*) pattern="^xord_drops_total\\{shard=\"1\",reason=\"${name#drop_}\"\\} [0-9]+\$" ;;
    *) pattern="^xord_${name}_total\\{shard=\"1\"\\} [0-9]+\$" ;;
  esac
  grep -qE "$pattern" "$tmp/metrics" || fail "no metric of the counter $name"
done
ok 'each counter of each shard is there'
for pattern in '^xord_build_info\{version="[0-9.]+",port="socket"\} 1$' '^xord_ready 1$' '^xord_shards 2$' \
  '^xord_service_seconds_bucket\{shard="1",le="\+Inf"\} [1-9]' '^xord_lane_wait_seconds_count\{shard="0"\} ' \
  '^xord_record_seq\{identity="0"\} 1[0-9]{9}$' '^xord_port_rx_packets_total [1-9]' '^process_open_fds [1-9]' \
  '^process_resident_memory_bytes [1-9][0-9]{6}' '^process_cpu_seconds_total 0?[0-9.]+$'; do
  grep -qE "$pattern" "$tmp/metrics" || fail "no line $pattern"
done
ok 'gauges, histograms, port, process'
succeeds 'promtool check rules' "$promtool" check rules "$rules"
succeeds 'promtool test rules' "$promtool" test rules "$XORD_SRC/tests/integration/xord.rules.test.yaml"
assert_at_least 'queries of the alerts, whose metrics exist' "$(check names "$rules" "$tmp/metrics")" 10
assert_at_least 'queries of the dashboard, whose metrics exist' "$(check names "$dashboard" "$tmp/metrics")" 30
assert_eq 'each alert has a summary, and what to do' \
  "$(grep -c '^          summary:' "$rules") $(grep -c '^          description:' "$rules")" \
  "$(grep -c 'alert:' "$rules") $(grep -c 'alert:' "$rules")"

# --- clients that do not behave, workers that stand still ----------------------------------------------------------

files=$(ctl --json status | sed 's/.*"open_files":\([0-9]*\).*/\1/')
borne=$(check misbehave 127.0.0.1 19000)
[ "$borne" -le "$(seconds 20)" ] || fail "a client that says nothing is borne for $borne s"
ok "a client that says nothing is borne for $borne s"
until_true 20 is_200 metrics || fail 'no metrics any more'
few_files() { [ "$(ctl --json status | sed 's/.*"open_files":\([0-9]*\).*/\1/')" -le $((files + 1)) ]; }
until_true 30 few_files || fail 'connections are left'
ok 'nothing is left of them'

start tracer python3 "$XORD_SRC/tests/integration/metrics_check.py" stop_worker "$bootnode"
tracer=$started_pid
wait_for "$tmp/tracer.log" stopped 10
is_unwell() { check get "http://$where/healthz" | grep -qE '^503 shard 1 has done nothing for [5-9] s$'; }
until_true 15 is_unwell || fail '/healthz does not see that a worker stands still'
ok '/healthz: a worker that stands still'
one_sentence 'its table' 1 'shard 1 does not answer' ctl table
succeeds 'what needs no shard' ctl status
scrape
assert_match 'its metric' "$(cat "$tmp/metrics")" '^xord_shard_idle_seconds\{shard="1"\} ([5-9]|[1-9][0-9])\.'
stop "$tracer" KILL
until_true 10 is_200 healthz || fail 'it is not well again'
ok 'well again'

# --- where they are served -----------------------------------------------------------------------------------------

one_sentence 'the port is taken' 1 "cannot serve metrics at TCP $where: Address already in use" "$XORD" bootnode \
  --key "$tmp/key" --ip 127.0.0.1 --udp 9001 --ctl none --metrics "$where"
start second "$XORD" bootnode --key "$tmp/key" --ip 127.0.0.1 --udp 9001 --ctl none
wait_for "$tmp/second.log" '^enr:' 20
assert_match 'taken, but nobody named it: a warning' "$(cat "$tmp/second.log")" \
  '^xord: warning: cannot serve metrics at TCP 127\.0\.0\.1:19000: .*going on without'
stop "$started_pid"
one_sentence 'no address' 1 'ADDR:PORT' "$XORD" bootnode --key "$tmp/key" --ip 127.0.0.1 --udp 9001 --ctl none \
  --metrics localhost
start third "$XORD" bootnode --key "$tmp/key" --ip 127.0.0.1 --udp 9001 --ctl none --metrics '[::1]:19001'
wait_for "$tmp/third.log" '^enr:' 20
assert_eq 'IPv6' "$(check get 'http://[::1]:19001/readyz')" '200 ready'
stop "$started_pid"
stop "$bootnode"
assert_eq 'exit code' "$stopped_code" 0

# --- DPDK's telemetry ----------------------------------------------------------------------------------------------

ns_add a
ns_add b
ns_link a vetha b vethb
ns_addr b vethb 10.9.0.2/24
start dpdk in_ns a "$XORD" bootnode --key "$tmp/key" --port dpdk:net_af_packet0,iface=vetha --workers 2 --ip 10.9.0.1/24 \
  --idle sleep --ctl "$tmp/ctl" --metrics "$where"
bootnode=$started_pid
wait_for "$tmp/dpdk.log" '^enr:' 30
in_ns b "$XORD" ping --ip 10.9.0.2 "$(record_of "$tmp/dpdk.log")" >"$tmp/out" 2>&1 || fail "ping: $(cat "$tmp/out")"
path=$(ctl --json status | sed 's/.*"telemetry":"\([^"]*\)".*/\1/')
assert_match 'there is a socket' "$path" '/dpdk/xord-[0-9]+/dpdk_telemetry\.v2$'
peer=$(ctl --json sessions | sed 's/.*"node_id":"\([0-9a-f]*\)".*/\1/')
check telemetry "$path" / /xord/status /xord/shards /xord/counters /xord/table /xord/table,300 /xord/sessions,5 "/xord/peer,$peer" \
  /xord/peer /xord/bans /xord/limits >"$tmp/told"
json "$tmp/told" "'\n'.join(c for c in lines[0]['/'] if c.startswith('/xord'))" >"$tmp/commands"
assert_eq 'commands' "$(tr '\n' ' ' <"$tmp/commands")" \
  '/xord/bans /xord/counters /xord/limits /xord/peer /xord/sessions /xord/shards /xord/status /xord/table '
assert_eq 'status' "$(json "$tmp/told" "lines[1]['/xord/status']['workers'], lines[1]['/xord/status']['identities']['0']['node_id']")" \
  "(2, '$("$XORD" key show --json "$tmp/key" | sed 's/.*"node_id": *"\([0-9a-f]*\)".*/\1/')')"
assert_eq 'shards' "$(json "$tmp/told" "sorted(lines[2]['/xord/shards']['shards'])")" "['0', '1']"
assert_eq 'counters' "$(json "$tmp/told" "lines[3]['/xord/counters']['counters']['ping_in']['sum'] >= 1 and
  sum(lines[3]['/xord/counters']['counters']['rx_packets']['shards']) >= 2")" True
assert_eq 'table' "$(json "$tmp/told" "lines[4]['/xord/table']['nodes']['0']['node_id'], list(lines[5]['/xord/table'])")" \
  "('$peer', ['error'])"
assert_eq 'sessions' "$(json "$tmp/told" "lines[6]['/xord/sessions']['sessions']['0']['endpoint']")" '10.9.0.2:9000'
assert_eq 'a peer, its record in pieces' "$(json "$tmp/told" "lines[7]['/xord/peer']['decoded']['ip'],
  ''.join(lines[7]['/xord/peer']['record'])[:4], lines[8]['/xord/peer']['error'][:9]")" "('10.9.0.2', 'enr:', 'a node id')"
assert_eq 'bans and limits' "$(json "$tmp/told" "lines[9]['/xord/bans'], lines[10]['/xord/limits']['address']")" \
  "({'bans': []}, '5000:10000')"
succeeds 'metrics of a bootnode on DPDK' in_ns a python3 "$XORD_SRC/tests/integration/metrics_check.py" get "http://$where/metrics"
stop "$bootnode"
assert_eq 'exit code' "$stopped_code" 0
[ ! -e "$path" ] || fail 'the telemetry socket is left behind'
ok 'the telemetry socket is gone'

start dpdk in_ns a "$XORD" bootnode --key "$tmp/key" --port dpdk:net_af_packet0,iface=vetha --ip 10.9.0.1/24 \
  --idle sleep --ctl "$tmp/ctl" --metrics off
wait_for "$tmp/dpdk.log" '^enr:' 30
path=$(ctl --json status | sed 's/.*"telemetry":"\([^"]*\)".*/\1/')
stop "$started_pid" KILL
[ -S "$path" ] || fail 'killed, and yet it has removed its telemetry socket'
start dpdk in_ns a "$XORD" bootnode --key "$tmp/key" --port dpdk:net_af_packet0,iface=vetha --ip 10.9.0.1/24 \
  --idle sleep --ctl "$tmp/ctl" --metrics off -- --no-telemetry
wait_for "$tmp/dpdk.log" '^enr:' 30
assert_match 'without telemetry, when told so' "$(ctl --json status)" '"telemetry":null'
[ ! -e "${path%/*}" ] || fail 'what a killed one has left is not removed at the next start'
ok 'what a killed one has left goes at the next start'
