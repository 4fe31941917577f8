#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A bootnode with --state under load: killed and started again, it answers at once and has its table and bans back; killed at any
# moment its file is whole; whatever else stands in the file, it starts without it and sets it aside.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

key=$tmp/node.key
state=$tmp/state/bootnode.state
mkdir "$tmp/state"
"$XORD" key new "$key" >"$tmp/key.log"
now() { date +%s%N; }
# As root it would become somebody else, who may not write here.
user=
[ "$(id -u)" != 0 ] || user='--user root'

# shellcheck disable=SC2086  # $user: two words or none
# bootnode NAME OPTION...: sets $bootnode.
bootnode() {
  name=$1
  shift
  start "$name" "$XORD" bootnode --key "$key" --ip 127.0.0.1 --udp 9500 --state "$state" --ctl "$tmp/ctl" --metrics off $user "$@"
  bootnode=$started_pid
}
ctl() { "$XORD" ctl --socket "$tmp/ctl" "$@"; }
verified() { ctl status --json >"$tmp/status.json" 2>/dev/null && json "$tmp/status.json" "d['verified']"; }
verified_at_least() { n=$(verified) && [ -n "$n" ] && [ "$n" -ge "$1" ]; }
answers() { "$XORD" ping "$enr" --request-timeout 200 --handshake-timeout 200 --udp 9501 >"$tmp/ping.log" 2>&1; }
# Those that have answered: who has not is only hearsay, and is not saved.
ids() {
  ctl table --json >"$tmp/table.json" &&
    json "$tmp/table.json" "'\n'.join(sorted(n['node_id'] for n in d['nodes'] if n['verified'] and not n['replacement']))"
}

start testnet "$XORD" testnet --nodes 400 --seed 3 --ip 127.3.0.0/16 --udp 9502 --enrs "$tmp/net.enrs"
wait_for "$tmp/testnet.log" '^ready' 30

echo '== a table that has filled'
bootnode first --bootnodes "$tmp/net.enrs"
wait_for "$tmp/first.log" '^enr:' 20
enr=$(grep -m1 '^enr:' "$tmp/first.log")
until_true 30 verified_at_least 80 || fail "the table has $(verified) verified nodes only"
ctl ban 192.0.2.0/24 --for 1h >"$tmp/ban.log"
ctl ban 2001:db8::/32 >"$tmp/ban.log"
ids >"$tmp/ids.before"
before=$(wc -l <"$tmp/ids.before")
ctl snapshot >"$tmp/snapshot.log" || fail 'no snapshot'

echo '== killed under load'
start load "$XORD" load "$enr" --rate 300 --duration "$(seconds 8)s" --idle sleep --udp 9503
wait_for "$tmp/load.log" 'open loop' 20
kill -KILL "$bootnode"
wait "$bootnode" || true
begin=$(now)
bootnode second
until_true 20 answers || fail 'no answer after the restart'
answered=$((($(now) - begin) / 1000000))
until_true 30 verified_at_least "$before" || fail "$(verified) verified nodes, before it were $before"
full=$((($(now) - begin) / 1000000))
echo "first answer after $answered ms, table as full as before ($before) after $full ms"
[ $answered -le $(($(seconds 2) * 1000)) ] || fail 'it should answer within two seconds'
[ $full -le $(($(seconds 12) * 1000)) ] || fail 'checks of a recalled table are spread over five seconds'
ids >"$tmp/ids.after"
lost=$(comm -23 "$tmp/ids.before" "$tmp/ids.after" | wc -l)
[ "$lost" -le $((before / 10)) ] || fail "$lost of $before nodes did not come back"
ok "of $before nodes $lost did not come back"
assert_match 'it says what it has recalled' "$(cat "$tmp/second.log")" 'recalled [0-9]+ nodes and 2 bans'
ctl bans >"$tmp/bans.log"
assert_match 'a ban for a time' "$(cat "$tmp/bans.log")" '192.0.2.0/24 +ends in (59|60) m'
assert_match 'a ban for ever' "$(cat "$tmp/bans.log")" '2001:db8::/32 +until unban'
stop "$bootnode" INT
assert_eq 'Ctrl-C' "$stopped_code" 0
assert_eq 'left in the directory' "$(ls "$tmp/state")" bootnode.state

echo '== killed at any moment'
for round in 1 2 3 4 5 6 7 8; do
  bootnode "kill$round"
  until_true 10 answers || fail 'no answer'
  (while ctl snapshot; do :; done) >"$tmp/snapshots.log" 2>&1 &
  snapshots=$!
  sleep "0.0$((round * 9 % 10))$round"
  kill -KILL "$bootnode"
  wait "$bootnode" || true
  wait $snapshots || true
  ! grep 'refused' "$tmp/kill$round.log" || fail 'a file that was half written'
done
ok 'each time the file was whole'

echo '== whatever stands in the file'
cp "$state" "$tmp/good"
size=$(wc -c <"$tmp/good")
broken() { # WHAT PATTERN: of the file in $state
  bootnode broken
  until_true 10 answers || fail "$1: no answer"
  assert_match "$1" "$(cat "$tmp/broken.log")" "$2"
  stop "$bootnode" INT
  assert_eq "$1: exit code" "$stopped_code" 0
  [ -f "$state.bad" ] || fail "$1: not set aside"
  rm "$state.bad"
}
head -c $((size - 1)) "$tmp/good" >"$state"
broken 'cut off' 'state file .*bootnode.state is refused, its end is missing: set aside as .*bootnode.state.bad; starting without it'
: >"$state"
broken 'empty' 'its end is missing'
cp "$tmp/good" "$state"
printf 'other words than were saved here' | dd of="$state" bs=1 seek=$((size / 2)) conv=notrunc 2>"$tmp/dd.log"
broken 'changed' 'checksum does not match'
echo 'something else' >"$state"
broken 'foreign' 'no state file of this version'
cp "$tmp/good" "$state"
bootnode again
until_true 10 answers || fail 'no answer'
assert_match 'the good one is taken' "$(cat "$tmp/again.log")" 'recalled [1-9][0-9]* nodes'
stop "$bootnode" INT

echo '== another key'
"$XORD" key new "$tmp/other.key" >"$tmp/key.log"
key=$tmp/other.key
bootnode other
wait_for "$tmp/other.log" '^enr:' 20
assert_match 'a table is its own identity'"'"'s' "$(cat "$tmp/other.log")" 'recalled 0 nodes and 2 bans'
stop "$bootnode" INT
key=$tmp/node.key
bootnode back
until_true 10 answers || fail 'no answer'
assert_match 'and is there when that comes back' "$(cat "$tmp/back.log")" 'recalled [1-9][0-9]* nodes and 2 bans'
stop "$bootnode" INT

# shellcheck disable=SC2086
one_sentence 'a directory' 1 'state file' "$XORD" bootnode --key "$key" --ip 127.0.0.1 --ctl none --metrics off --state "$tmp/state" $user
# shellcheck disable=SC2086
one_sentence 'nowhere' 1 'no/such' "$XORD" bootnode --key "$key" --ip 127.0.0.1 --ctl none --metrics off --state "$tmp/no/such" $user
