# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# What is shown of xord on each card: 20 @chainsafe/discv5 nodes that know nobody else meet through it. After lib.sh,
# peers.sh and machine.sh:
#
#   join_start                    # after machine_start
#   join_pings 16
#   join_stop                     # and the machine; counters are then in $tmp/machine.log
: "${machine_enr?after machine.sh}" "${answer?after peers.sh}"
PEERS=20
PATIENCE='--request-timeout 5000 --handshake-timeout 5000'

echoed() { ping -c 1 -W 1 10.60.0.2 >"$tmp/ping.log" 2>&1; }

# xord_ask COMMAND OPTION...: a new node each time.
xord_ask() {
  asked=$1
  shift
  # shellcheck disable=SC2086
  "$XORD" "$asked" "$machine_enr" $PATIENCE "$@" 2>>"$tmp/asked.log"
}

# Of the peers' ids those that xord names: nodes that have answered a PING of its own.
named_all() {
  for distances in 256 255 254 253,252,251,250,249,248; do
    xord_ask findnode --udp 0 --distance $distances || true
  done | grep -oE '^[0-9a-f]{64}' | sort -u | comm -12 - "$tmp/ids" >"$tmp/named"
  [ "$(wc -l <"$tmp/named")" -ge $PEERS ] && return 0
  peer_ask js '{"cmd":"join"}' 120 # whoever was too slow for xord's PING shows itself again
  return 1
}

# All peers and xord stand in the tables.
met_all() {
  peer_ask js '{"cmd":"join"}' 120
  peer_ask js '{"cmd":"knowsall"}'
  known=$(printf '%s\n' "$answer" | grep -oE '"count":[0-9]+' | tr -dc 0-9)
  [ "$known" -gt $PEERS ]
}

join_start() {
  until_true 30 echoed || fail 'no echo from 10.60.0.2'
  ok 'xord answers echo requests through the card'
  peer_start js chainsafe --nodes $PEERS --ip 10.60.0.1 --base-port 20000 --seed nic --boot 0 --bootnode "$machine_enr" \
    --request-timeout 5000
  head -n 1 "$tmp/js.out" | grep -oE '"[0-9a-f]{64}"' | tr -d '"' | sort >"$tmp/ids"
  peer_ask js '{"cmd":"join"}' 120
  until_true 60 named_all || fail "xord names only $(wc -l <"$tmp/named") of the $PEERS peers"
  assert_eq 'peers, of 20, in its table that have answered it' "$(wc -l <"$tmp/named")" $PEERS
  until_true 60 met_all || fail "the peers know only $known nodes"
  assert_at_least 'nodes that the peers have met through it, itself among them' "$known" $((PEERS + 1))
  join_sessions
}

# Each peer has xord in its table, connected: they have a session.
join_sessions() {
  id=$(xord_ask findnode --udp 0 --distance 0 | grep -oE '^[0-9a-f]{64}')
  connected=0
  for node in $(seq 0 $((PEERS - 1))); do
    peer_ask js "{\"cmd\":\"table\",\"node\":$node}"
    ! printf '%s\n' "$answer" | grep -qE "\"id\":\"$id\",[^}]*\"connected\":true" || connected=$((connected + 1))
  done
  assert_eq 'peers with xord in their table, connected' $connected $PEERS
}

# join_pings N: so many nodes ask from so many ports.
join_pings() {
  for i in $(seq "$1"); do xord_ask ping --udp $((21000 + i)); done >"$tmp/pongs"
  assert_eq 'PINGs from as many endpoints, answered' "$(grep -c '^PONG' "$tmp/pongs")" "$1"
}

# counter NAME SHARD: rows that are zero everywhere are not printed.
counter() { awk -v name="$1" -v column=$(($2 + 3)) '$1 == name { n = $column } END { print n + 0 }' "$tmp/machine.log"; }

join_stop() {
  peer_stop js
  machine_stop
  sed -n 's/^xord: \(.* sessions, .* in the table .*\)/its last words: \1/p' "$tmp/machine.log"
  grep -E '^(rx_packets|tx_packets|handshakes_in|ping_in|findnode_in|steer_[a-z]+) ' "$tmp/machine.log"
}
