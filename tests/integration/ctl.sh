#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# xord ctl against running bootnodes: every command in both forms, what it changes, errors, and clients that do not behave.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

unset XDG_RUNTIME_DIR
socket=$tmp/ctl
clients() { limited python3 "$XORD_SRC/tests/integration/ctl_clients.py" "$@"; }
ctl() { limited "$XORD" ctl --socket "$socket" "$@"; }

# ask EXPRESSION COMMAND...: a Python expression over its answer, `d`.
ask() {
  expression=$1
  shift
  ctl --json "$@" >"$tmp/answer" || fail "xord ctl --json $*"
  json "$tmp/answer" "$expression"
}
counter() { ask "d['counters']['$1']['sum']" counters; }
is_true() { [ "$(ask "$@")" = True ]; }
# until_asked WHAT SECONDS EXPRESSION COMMAND...
until_asked() {
  what=$1 patience=$2
  shift 2
  until_true "$patience" is_true "$@" || fail "$what: $* does not become true"
  ok "$what"
}

# start_bootnode NAME OPTION...: sets $bootnode and $enr.
start_bootnode() {
  bootnode_name=$1
  shift
  start "$bootnode_name" "$XORD" bootnode --metrics off --idle sleep "$@"
  bootnode=$started_pid
  wait_for "$tmp/$bootnode_name.log" '^enr:' 20
  enr=$(record_of "$tmp/$bootnode_name.log")
}

ip addr add 10.7.0.1/24 dev lo # not a loopback address to xord: limits hold for it
ip addr add 10.7.0.2/24 dev lo
ip addr add 10.7.0.3/24 dev lo
for name in a b; do "$XORD" key new "$tmp/$name.key" >/dev/null; done

# --- what can be asked, in both forms ------------------------------------------------------------------------------

start_testnet net --nodes 60 --seed 1 --ip 127.1.0.0/16 --udp 9100
grep '^enr:' "$tmp/net.enrs" | head -n 5 >"$tmp/boot.enrs"
start_bootnode first --key "$tmp/a.key" --ip 127.0.0.1 --workers 2 --bootnodes "$tmp/boot.enrs" --ctl "$socket" \
  --state "$tmp/state"
assert_eq 'mode of the socket' "$(stat -c %a "$socket")" 660
until_asked 'the table fills' 30 "d['verified'] >= 20 and d['table'] >= 20" status
id=$("$XORD" key show --json "$tmp/a.key" | sed 's/.*"node_id": *"\([0-9a-f]*\)".*/\1/')
assert_eq 'status: node id' "$(ask "d['identities'][0]['node_id']" status)" "$id"
assert_eq 'status: record' "$(ask "d['identities'][0]['record']" status)" "$enr"
assert_eq 'status: state' "$(ask "d['ready'], d['draining'], d['workers'], d['pid'], d['port'], d['control']" status)" \
  "(True, False, 2, $bootnode, 'socket', '$socket')"
succeeds 'status for people' ctl status
assert_match 'node id' "$(cat "$tmp/stdout")" "^node id +$id\$"
assert_match 'state' "$(cat "$tmp/stdout")" '^state +ready$'
assert_match 'endpoint' "$(cat "$tmp/stdout")" '^listens +127\.0\.0\.1:9000$'

assert_eq 'shards' "$(ask "[s['shard'] for s in d['shards']], all(s['idle_ms'] < 5000 for s in d['shards'])" shards)" \
  '([0, 1], True)'
succeeds 'shards for people' ctl shards
assert_eq 'its lines' "$(wc -l <"$tmp/stdout")" 3

assert_eq 'counters are sums of shards' \
  "$(ask "all(c['sum'] == sum(c['shards']) for n, c in d['counters'].items())" counters)" True
assert_at_least 'packets' "$(counter rx_packets)" 20
succeeds 'counters for people' ctl counters
assert_match 'a counter with its shards and its meaning' "$(cat "$tmp/stdout")" \
  '^drop_banned +0 +0 +0  from a banned prefix$'
assert_eq 'as many as in JSON' "$(grep -cv '^port ' "$tmp/stdout")" "$(ask "len(d['counters'])" counters)"

assert_eq 'the table is in order' "$(ask "[n['distance'] for n in d['nodes']] ==
  sorted((n['distance'] for n in d['nodes']), reverse=True), d['total'] == len(d['nodes'])" table)" '(True, True)'
assert_eq 'a bucket' "$(ask "{n['distance'] for n in d['nodes']}" table --bucket 255)" '{255}'
assert_eq 'some of it' "$(ask "len(d['nodes']), d['total'] > 3" table --limit 3)" '(3, True)'
assert_eq 'an empty bucket' "$(ask "d" table --bucket 3)" "{'total': 0, 'nodes': []}"
succeeds 'table for people' ctl table
assert_at_least 'verified nodes' "$(grep -cE '^ 2[0-9]{2}  [0-9a-f]{16}  127\.1\.[0-9]+\.1:9100 +verified ' "$tmp/stdout")" 20
assert_match 'and their sum' "$(tail -n 1 "$tmp/stdout")" '^[0-9]+ nodes$'

assert_eq 'sessions' "$(ask "len(d['sessions']), d['total'] > 3, {s['identity'] for s in d['sessions']}" sessions --limit 3)" \
  '(3, True, {0})'
succeeds 'sessions for people' ctl sessions --limit 2
assert_match 'and how many' "$(tail -n 1 "$tmp/stdout")" '^2 of [0-9]+ sessions$'

ctl --json table >"$tmp/table"
peer=$(json "$tmp/table" "next(n for n in d['nodes'] if n['verified'])['node_id']")
record=$(json "$tmp/table" "next(n for n in d['nodes'] if n['verified'])['record']")
for digits in "$peer" "0x$peer" "$(echo "$peer" | cut -c1-15)"; do
  assert_eq "peer $digits" "$(ask "d['node_id'], d['record'], d['decoded']['node_id'], d['nodes'][0]['verified']" \
    peer "$digits")" "('$peer', '$record', '$peer', True)"
done
"$XORD" enr show --json "$record" >"$tmp/shown"
ctl --json peer "$peer" >"$tmp/peer"
assert_eq 'its record is decoded as by enr show' "$(json "$tmp/peer" "d['decoded']")" "$(json "$tmp/shown" d)"
assert_at_least 'its sessions' "$(json "$tmp/peer" "len(d['sessions'])")" 1
succeeds 'peer for people' ctl peer "$peer"
"$XORD" enr show "$record" >"$tmp/shown"
head -n "$(wc -l <"$tmp/shown")" "$tmp/stdout" | cmp - "$tmp/shown" || fail 'peer does not begin as enr show'
one_sentence 'peer: nobody' 1 'no node with such an id' ctl peer 0123456789abcdef
one_sentence 'peer: several' 1 'give more digits' ctl peer "$(ask "max(set(n['node_id'][0] for n in d['nodes']),
  key=[n['node_id'][0] for n in d['nodes']].count)" table)"
one_sentence 'peer: no id' 1 '64 hexadecimal digits' ctl peer 127.0.0.1

# --- bans ----------------------------------------------------------------------------------------------------------

inside="sum(n['endpoint'].startswith(tuple('127.1.%d.' % i for i in range(32))) for n in d['nodes'])"
assert_at_least 'nodes in 127.1.0.0/19' "$(ask "$inside" table)" 3
assert_eq 'ban' "$(ask d ban 127.1.0.0/19 --for 1h)" "{'banned': '127.1.0.0/19', 'for_s': 3600}"
until_asked 'its nodes have left the table' 5 "$inside == 0" table
assert_at_least 'others are still there' "$(ask "d['total']" table)" 3
run_command "$XORD" ping --ip 127.1.5.77 "$enr"
assert_eq 'from there nobody is answered: exit code' "$code" 3
assert_at_least 'and is counted' "$(counter drop_banned)" 1
succeeds 'ban for people' ctl ban 2001:db8::/32
assert_eq 'its words' "$(cat "$tmp/stdout")" 'banned 2001:db8::/32 until unban'
assert_eq 'bans' "$(ask "[(b['prefix'], (b['ends_in_s'] or 0) // 100) for b in d['bans']]" bans)" \
  "[('127.1.0.0/19', 35), ('2001:db8::/32', 0)]"
succeeds 'bans for people' ctl bans
assert_match 'each' "$(cat "$tmp/stdout")" '^127\.1\.0\.0/19 +ends in 59 m$'
assert_eq 'unban' "$(ask d unban 127.1.0.0/19)" "{'unbanned': '127.1.0.0/19'}"
succeeds 'from there one is answered again' "$XORD" ping --ip 127.1.5.77 "$enr"
succeeds 'unban for people' ctl unban 2001:db8::/32
one_sentence 'unban what is not banned' 1 'is not banned' ctl unban 192.0.2.0/24
one_sentence 'no prefix' 1 'is no prefix' ctl ban 192.0.2.1/24
one_sentence 'no prefix at all' 1 'wants a prefix' ctl ban
ctl ban 192.0.2.0/24 --for 1s >/dev/null
until_asked 'a ban ends by itself' 10 "d['bans'] == []" bans

# --- snapshot, reload, log -----------------------------------------------------------------------------------------

rm -f "$tmp/state"
assert_eq 'snapshot' "$(ask d snapshot)" "{'saved': '$tmp/state'}"
[ -s "$tmp/state" ] || fail 'there is no state file'
one_sentence 'reload without a configuration' 1 'without --config' ctl reload
assert_eq 'log' "$(ask d log debug)" "{'log': 'debug'}"
succeeds 'log for people' ctl log info
one_sentence 'no such level' 1 'levels error, warn, info and debug' ctl log loud

# --- clients that do not behave ------------------------------------------------------------------------------------

before=$(ask "d['open_files']" status)
assert_at_least 'garbage is answered by an error' "$(clients garbage "$socket")" 70
clients half "$socket" && ok 'half lines'
clients huge "$socket" && ok 'a line without end'
seconds_borne=$(clients slow "$socket")
assert_at_least 'who says nothing is dropped' "$seconds_borne" 4
[ "$seconds_borne" -le "$(seconds 8)" ] || fail 'but late'
assert_eq 'a hundred clients at once' "$(clients crowd "$socket")" 100
until_asked 'nothing is left of them' 10 "d['open_files'] == $before" status
assert_eq 'a stranger word changes nothing' "$(ask "d['bans']" bans)" '[]'

# --- what cannot be asked ------------------------------------------------------------------------------------------

one_sentence 'no command' 1 'say what' ctl
one_sentence 'no such command' 1 'there is no command "fly".*status, shards' ctl fly
one_sentence 'a foreign option' 1 'takes no --bucket' ctl status --bucket 3
one_sentence 'a foreign argument' 1 'takes no "now"' ctl status now
one_sentence 'a bucket that there is not' 1 'bucket wants a number from 1 to 256' ctl table --bucket 257
one_sentence 'no time' 1 'is no time' ctl ban 192.0.2.0/24 --for long
usage_error 'no such option' 'unrecognized option' "$XORD" ctl --nonsense
one_sentence 'no socket there' 1 "no bootnode's socket at" "$XORD" ctl --socket "$tmp/nowhere" status
one_sentence 'no socket anywhere' 1 "no bootnode's socket" env XDG_RUNTIME_DIR="$tmp" "$XORD" ctl status
clients dead "$tmp/dead"
one_sentence 'a dead socket' 1 'nobody listens' "$XORD" ctl --socket "$tmp/dead" status
start silent python3 "$XORD_SRC/tests/integration/ctl_clients.py" silent "$tmp/silent"
wait_for "$tmp/silent.log" ready 10
one_sentence 'no answer' 1 'does not answer within 5 s' "$XORD" ctl --socket "$tmp/silent" status
start stranger python3 "$XORD_SRC/tests/integration/ctl_clients.py" stranger "$tmp/stranger"
wait_for "$tmp/stranger.log" ready 10
one_sentence 'no bootnode' 1 'is no bootnode' "$XORD" ctl --socket "$tmp/stranger" status
one_sentence 'a connection that ends' 1 'without an answer' "$XORD" ctl --socket "$tmp/stranger" status
one_sentence 'words that steer a terminal' 1 'evil \?\[31m words' "$XORD" ctl --socket "$tmp/stranger" status
one_sentence 'not an object' 1 'is no bootnode' "$XORD" ctl --socket "$tmp/stranger" status
chmod 755 "$tmp"
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if nobody "$XORD" --version >"$tmp/out" 2>&1; then
  one_sentence 'permission' 1 'no permission to talk to' nobody "$XORD" ctl --socket "$socket" status
fi

# --- where the socket is -------------------------------------------------------------------------------------------

one_sentence 'a second bootnode at a living socket' 1 'another process serves it' "$XORD" bootnode --key "$tmp/b.key" \
  --ip 10.7.0.1 --metrics off --ctl "$socket"
assert_match 'the first goes on' "$(ctl status)" '^state +ready$'
echo file >"$tmp/file"
one_sentence 'a file in its place' 1 'a file that is no socket' "$XORD" bootnode --key "$tmp/b.key" --ip 10.7.0.1 \
  --metrics off --ctl "$tmp/file"
one_sentence 'a directory that is not there' 1 'No such file or directory' "$XORD" bootnode --key "$tmp/b.key" \
  --ip 10.7.0.1 --metrics off --ctl "$tmp/no/where"
stop "$bootnode"
assert_eq 'exit code' "$stopped_code" 0
[ ! -e "$socket" ] || fail 'the socket is left behind'
ok 'the socket is gone with the bootnode'

mkdir "$tmp/run"
chown 65534:65534 "$tmp/run" 2>"$tmp/out" || true # where that user is there: the bootnode becomes it
export XDG_RUNTIME_DIR="$tmp/run"
start_bootnode second --key "$tmp/b.key" --ip 10.7.0.1 --udp 9001
kept=$bootnode
assert_eq 'the socket belongs to whom the bootnode has become' "$(stat -c '%u %g' "$tmp/run/xord.sock")" \
  "$(awk '$1 == "Uid:" { uid = $2 } $1 == "Gid:" { print uid, $2 }' "/proc/$kept/status")"
succeeds 'the default place' "$XORD" ctl status
assert_match 'is that of the user' "$("$XORD" ctl --json status)" "\"control\":\"$tmp/run/xord.sock\""
start_bootnode third --key "$tmp/a.key" --ip 10.7.0.1 --udp 9002
assert_match 'taken by another: only a warning' "$(cat "$tmp/third.log")" '^xord: warning: cannot listen at .*another process'
stop "$bootnode"
assert_match 'which has it still' "$("$XORD" ctl status)" '^state +ready$'
stop "$kept" KILL
[ -S "$tmp/run/xord.sock" ] || fail 'killed, and yet it has removed its socket'
unset XDG_RUNTIME_DIR
if [ ! -w /run/xord ]; then
  start_bootnode fourth --key "$tmp/a.key" --ip 10.7.0.1 --udp 9002
  assert_match 'no place for it' "$(cat "$tmp/fourth.log")" '^xord: no control socket: .*--ctl PATH'
  stop "$bootnode"
fi

# --- limits and draining -------------------------------------------------------------------------------------------

socket=$tmp/run/xord.sock
start_bootnode fifth --key "$tmp/b.key" --ip 10.7.0.1 --udp 9001 --ctl "$socket"
ok 'a dead socket is replaced'
one_sentence 'snapshot without a state file' 1 'without --state' ctl snapshot
assert_eq 'limits' "$(ask d limits)" "{'address': '5000:10000', 'prefix': '20000:40000'}"
assert_eq 'a lower one' "$(ask d limits address=50:50)" "{'address': '50:50', 'prefix': '20000:40000'}"
run_command "$XORD" load "$enr" --ip 10.7.0.2 --rate 500 --duration 2s --quiet
dropped=$(counter drop_limit_address)
assert_at_least 'takes effect' "$dropped" 200
succeeds 'limits for people' ctl limits off
assert_match 'off' "$(cat "$tmp/stdout")" '^address +off$'
succeeds 'a load without limits' "$XORD" load "$enr" --ip 10.7.0.2 --rate 500 --duration 2s --quiet --assert 'loss<50%'
assert_eq 'none is dropped any more' "$(counter drop_limit_address)" "$dropped"
one_sentence 'no limit' 1 'is no limit' ctl limits 500
one_sentence 'too low a limit' 1 'address wants a rate from 10' ctl limits address=1
one_sentence 'an odd burst' 1 'a burst is from 1' ctl limits prefix=100:x

sessions=$(ask "d['sessions']" status)
start load "$XORD" load "$enr" --ip 10.7.0.2 --udp 9700 --rate 50 --duration "$(seconds 6)s" --json --assert 'loss<20%'
load=$started_pid
until_asked 'a client is there' 10 "d['sessions'] > $sessions" status
assert_eq 'drain' "$(ask d drain)" "{'draining': True, 'ends_in_s': None}"
assert_eq 'status says so' "$(ask "d['ready'], d['draining']" status)" '(False, True)'
assert_match 'also to people' "$(ctl status)" '^state +draining$'
run_command "$XORD" ping --ip 10.7.0.3 --udp 9701 "$enr"
assert_eq 'a stranger is refused: exit code' "$code" 3
assert_at_least 'and counted' "$(counter drop_draining)" 1
until_true 30 gone_or_zombie "$load" || fail 'the load does not end'
stop "$load"
assert_eq 'the client goes on: exit code' "$stopped_code" 0
grep '^{' "$tmp/load.log" >"$tmp/load.json"
assert_at_least 'all the time' "$(json "$tmp/load.json" "d['total']['answered']")" 200
succeeds 'drain --off for people' ctl drain --off
succeeds 'the stranger is taken in' "$XORD" ping --ip 10.7.0.3 --udp 9701 "$enr"
assert_eq 'to drain and to end' "$(ask d drain --for 2s)" "{'draining': True, 'ends_in_s': 2}"
until_true 10 gone_or_zombie "$bootnode" || fail 'it does not end'
stop "$bootnode"
assert_eq 'exit code' "$stopped_code" 0
[ ! -e "$socket" ] || fail 'the socket is left behind'
ok 'it has ended by itself'
