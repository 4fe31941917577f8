# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# For shell tests that talk with the peers. After tests/integration/lib.sh:
#
#   . "$XORD_SRC/tests/interop/peers/peers.sh"
#   peer_start js chainsafe --nodes 5 --base-port 9000    # returns when all five are up; errors: $tmp/js.log
#   peer_ask js "{\"cmd\":\"ping\",\"node\":0,\"enr\":\"$(cat "$tmp/xord.enr")\"}"
#   assert_match 'its record counts up' "$answer" '"seq":1'
#   peer_stop js
#
# With peer_ns=NAME set, a peer starts in that namespace of lib.sh. A peer that is not stopped ends with the test.
: "${tmp:?after tests/integration/lib.sh}"
peers_build=${XORD_PEERS:-${XORD_BUILD:-build}/peers}
answer=   # set by peer_try and peer_ask
peer_pid= # set by peer_pid_of

# peer_start NAME KIND OPTION...: sets $started_pid.
peer_start() {
  peer_name=$1
  peer_exe=$peers_build/bin/xord-peer-$2
  shift 2
  [ -x "$peer_exe" ] || fail "no $peer_exe; tests/interop/peers/install.sh installs it"
  mkfifo "$tmp/$peer_name.in"
  : >"$tmp/$peer_name.out"
  set -- "$peer_exe" "$@"
  if [ -n "${peer_ns:-}" ]; then
    ns_pid "$peer_ns"
    set -- nsenter -t "${pid:?}" -n "$@"
  fi
  peer_exec "$peer_name" "$@" &
  started_pid=$!
  started="$started $started_pid"
  eval "peer_pid_$peer_name=$started_pid"
  until_true 60 peer_said "$peer_name" 1 || fail "the peer $peer_name did not get ready"
}

# The peer holds both ends of its standard input, so that it neither waits for a writer nor sees an end.
peer_exec() {
  peer_files=$tmp/$1
  shift
  exec "$@" 0<>"$peer_files.in" >"$peer_files.out" 2>"$peer_files.log"
}

peer_pid_of() { eval "peer_pid=\$peer_pid_$1"; } # sets $peer_pid

# peer_said NAME N: it has printed N lines, or has died, and then the test fails.
peer_said() {
  [ "$(wc -l <"$tmp/$1.out")" -lt "$2" ] || return 0
  peer_pid_of "$1"
  gone_or_zombie "$peer_pid" || return 1
  # What it was asked for may have been its last words, between the two looks at it.
  [ "$(wc -l <"$tmp/$1.out")" -ge "$2" ] || fail "the peer $1 died"
}

# peer_try NAME JSON [SECONDS]: one command, without an id; its answer is in $answer then.
peer_try() {
  peer_line=$(($(wc -l <"$tmp/$1.out") + 1))
  printf '%s\n' "$2" 1<>"$tmp/$1.in"
  until_true "${3:-30}" peer_said "$1" $peer_line || fail "the peer $1 did not answer $2"
  answer=$(sed -n "${peer_line}p" "$tmp/$1.out")
}

# peer_ask NAME JSON [SECONDS]: like peer_try, and the test fails unless the answer is ok.
peer_ask() {
  peer_try "$@"
  case $answer in
    *'"ok":true'*) ;;
    *) fail "the peer $1 answers $2 with $answer" ;;
  esac
}

# The record, or the id, of the peer's Nth node; the first is 0.
peer_enr() { head -n 1 "$tmp/$1.out" | grep -o 'enr:[A-Za-z0-9_-]*' | sed -n "$(($2 + 1))p"; }
peer_id() { head -n 1 "$tmp/$1.out" | grep -oE '"[0-9a-f]{64}"' | tr -d '"' | sed -n "$(($2 + 1))p"; }

# How many records stand in $answer.
answer_enrs() { printf '%s\n' "$answer" | grep -o 'enr:' | wc -l; }

# peer_stop NAME: asks it to stop, and fails the test unless it ends by itself with 0.
peer_stop() {
  peer_ask "$1" '{"cmd":"stop"}'
  peer_pid_of "$1"
  until_true 5 gone_or_zombie "$peer_pid" || fail "the peer $1 does not end"
  wait "$peer_pid" || fail "the peer $1 ended with exit code $?"
}
