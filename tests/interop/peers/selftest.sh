#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Do the peers work, each with its own kind and with the others? No xord in this one.
#
#   selftest.sh [DIRECTORY [KIND...]]       as install.sh: default build/peers of this tree, and all
set -eu
src=${XORD_SRC:-$(dirname "$0")/../../..}
# shellcheck source=tests/integration/lib.sh
. "$src/tests/integration/lib.sh"
own_net "$@"
export XORD_PEERS="${1:-${XORD_BUILD:-$src/build}/peers}"
# shellcheck source=tests/interop/peers/peers.sh
. "$src/tests/interop/peers/peers.sh"
[ $# = 0 ] || shift
[ $# != 0 ] || set -- chainsafe geth sigp

nodes=5

# with_own_kind PEER: node 1 asks node 2 whatever it can ask.
with_own_kind() {
  peer=$1
  enr=$(peer_enr "$peer" 2)
  peer_ask "$peer" '{"cmd":"join"}' 60
  peer_ask "$peer" "{\"cmd\":\"ping\",\"node\":1,\"enr\":\"$enr\"}"
  ok "$peer: ping"
  peer_ask "$peer" "{\"cmd\":\"talk\",\"node\":1,\"enr\":\"$enr\",\"protocol\":\"6563686f\",\"request\":\"010203\"}"
  assert_match "$peer: talk" "$answer" '"response":"030201"'
  peer_ask "$peer" "{\"cmd\":\"talk\",\"node\":1,\"enr\":\"$enr\",\"protocol\":\"00\",\"request\":\"010203\"}"
  assert_match "$peer: talk in a protocol that nobody knows" "$answer" '"response":""'
  peer_ask "$peer" "{\"cmd\":\"findnode\",\"node\":1,\"enr\":\"$enr\",\"distances\":[0]}"
  assert_match "$peer: findnode of distance 0" "$answer" "$enr"
  peer_ask "$peer" "{\"cmd\":\"findnode\",\"node\":1,\"enr\":\"$enr\",\"distances\":[256,255,254]}"
  assert_at_least "$peer: findnode" "$(answer_enrs)" 1
  peer_ask "$peer" "{\"cmd\":\"lookup\",\"node\":3,\"target\":\"$(peer_id "$peer" 4)\"}"
  assert_at_least "$peer: lookup" "$(answer_enrs)" 3
  peer_ask "$peer" '{"cmd":"table","node":4}'
  assert_at_least "$peer: table" "$(answer_enrs)" 3
  peer_ask "$peer" '{"cmd":"knowsall"}'
  assert_match "$peer: all nodes are known" "$answer" "\"count\":${nodes}[,}]"
  peer_ask "$peer" '{"cmd":"self","node":2}'
  assert_match "$peer: its record did not change" "$answer" "$enr"
  peer_try "$peer" '{"cmd":"no such"}'
  assert_match "$peer: a command that there is not" "$answer" '"ok":false'
}

# with_others A B: A's node 0 talks to B's node 0.
with_others() {
  enr=$(peer_enr "$2" 0)
  peer_ask "$1" "{\"cmd\":\"ping\",\"node\":0,\"enr\":\"$enr\"}"
  peer_ask "$1" "{\"cmd\":\"talk\",\"node\":0,\"enr\":\"$enr\",\"protocol\":\"6563686f\",\"request\":\"0a0b\"}"
  assert_match "$1 and $2" "$answer" '"response":"0b0a"'
}

port=9000
for kind; do
  peer_start "$kind" "$kind" --nodes $nodes --base-port $port --ip 127.0.0.1
  peer_start "${kind}6" "$kind" --nodes $nodes --base-port $((port + 100)) --ip6 ::1
  port=$((port + 1000))
done
for kind; do
  with_own_kind "$kind"
  with_own_kind "${kind}6"
done
for kind; do
  for other; do
    [ "$kind" = "$other" ] || with_others "$kind" "$other"
  done
done
for kind; do
  peer_stop "$kind"
  peer_pid_of "${kind}6"
  stop "$peer_pid" TERM
  assert_eq "$kind: ends by SIGTERM" "$stopped_code" 0
done
