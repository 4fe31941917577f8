# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# Common ground of the shell tests, also of those in tests/interop. A test starts with
#
#   set -eu
#   . "$XORD_SRC/tests/integration/lib.sh"
#   own_net "$@"
#
# and then has a network namespace of its own (loopback up, nothing else), whether it runs as root or not; $XORD is the
# built binary, $tmp a directory for its files. It may make more namespaces and link them:
#
#   ns_add a; ns_add b
#   ns_link a eth0 b eth0
#   ns_addr a eth0 10.0.0.1/24 fd00::1/64
#   start node in_ns a "$XORD" bootnode --key "$tmp/key"      # log: $tmp/node.log
#   wait_for "$tmp/node.log" '^enr:' 10
#
# All of it ends with the test, however the test ends. Namespaces have no names outside the test: each lives as long as
# its one sleeping process, so none can be left behind and two runs cannot meet.

tmp=$(mktemp -d)
started=
pid= # set by ns_pid

# --- verdicts ------------------------------------------------------------------------------------------------------

ok() { echo "ok: $*"; }

fail() {
  echo "FAIL: $*"
  for log in "$tmp"/*.log; do
    [ ! -f "$log" ] || { echo "--- ${log##*/}"; tail -n 40 "$log"; }
  done
  exit 1
}

assert_eq() { # WHAT GOT WANTED
  [ "$2" = "$3" ] || fail "$1: got '$2', want '$3'"
  ok "$1: $2"
}

assert_at_least() { # WHAT GOT LEAST
  [ "$2" -ge "$3" ] || fail "$1: got $2, want at least $3"
  ok "$1: $2"
}

assert_match() { # WHAT TEXT PATTERN (grep -E)
  printf '%s\n' "$2" | grep -qE -e "$3" || fail "$1: '$2' does not match '$3'"
  ok "$1"
}

assert_fails() { # WHAT EXIT-CODE COMMAND...: output goes to $tmp/out
  what=$1 want=$2
  shift 2
  got=0
  "$@" >"$tmp/out" 2>&1 || got=$?
  [ "$got" = "$want" ] || { cat "$tmp/out"; fail "$what: exit code $got, want $want"; }
  ok "$what"
}

# --- time ----------------------------------------------------------------------------------------------------------

# Sanitized builds are several times slower: limits grow with them.
seconds() {
  if [ "${XORD_SANITIZED:-0}" = 1 ]; then echo $(($1 * 4)); else echo "$1"; fi
}

# until_true SECONDS COMMAND...: polls every 100 ms.
until_true() {
  polls=$(($(seconds "$1") * 10))
  shift
  until "$@"; do
    polls=$((polls - 1))
    [ $polls -gt 0 ] || return 1
    sleep 0.1
  done
}

wait_for() { # LOG PATTERN SECONDS
  until_true "$3" grep -qsE -e "$2" "$1" || fail "no line '$2' in ${1##*/} after $(seconds "$3") s"
}

# --- processes -----------------------------------------------------------------------------------------------------

# start NAME COMMAND...: in the background, output to $tmp/NAME.log. Sets $started_pid.
start() {
  start_name=$1
  shift
  # exec, so that the process to signal is the command and not a shell around it; functions cannot be exec'd.
  if [ "$1" = in_ns ]; then
    ns_pid "$2"
    shift 2
    set -- nsenter -t "$pid" -n "$@"
  fi
  : >"$tmp/$start_name.log" # now, or whoever waits for a line in it may find one of a process before
  exec_to "$tmp/$start_name.log" "$@" &
  started_pid=$!
  started="$started $started_pid"
}

exec_to() {
  exec_log=$1
  shift
  exec "$@" >"$exec_log" 2>&1 </dev/null
}

alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }

# stop PID [SIGNAL]: signals it, waits for its end (5 s, then KILL), sets $stopped_code.
stop() {
  kill "-${2:-TERM}" "$1" 2>/dev/null || true
  (until_true 5 gone_or_zombie "$1") || kill -KILL "$1" 2>/dev/null || true
  stopped_code=0
  wait "$1" 2>/dev/null || stopped_code=$?
}

# An ended child stays a zombie until `wait`.
gone_or_zombie() { [ "$(ps -o stat= -p "$1" 2>/dev/null | cut -c1)" = Z ] || gone "$1"; }

# --- namespaces ----------------------------------------------------------------------------------------------------

# own_net "$@": goes on inside a fresh network namespace; as root directly, else by a user namespace.
own_net() {
  if [ -n "${XORD_OWN_NET:-}" ]; then
    ip link set lo up
    return 0
  fi
  export XORD_OWN_NET=1
  rm -rf "$tmp"
  if [ "$(id -u)" = 0 ]; then
    unshare -n true || fail 'root, but not allowed to make a network namespace (CAP_SYS_ADMIN)'
    exec unshare -n sh "$0" "$@"
  fi
  unshare -Urn true || fail 'needs root, or a kernel that lets users make namespaces (unshare -Urn)'
  exec unshare -Urn sh "$0" "$@"
}

need_root() { [ "$(id -u)" = 0 ] || fail 'needs root'; }

# ns_pid NAME: sets $pid to the process that holds it.
ns_pid() { eval "pid=\${ns_$1:?no namespace $1}"; }

ns_differs() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

ns_add() { # NAME, letters and digits
  unshare -n sleep 86400 &
  eval "ns_$1=$!"
  started="$started $!"
  until_true 5 ns_differs "$!" || fail "no network namespace for $1"
  in_ns "$1" ip link set lo up
}

in_ns() { # NAME COMMAND...
  ns_pid "$1"
  shift
  nsenter -t "$pid" -n "$@"
}

ns_del() {
  ns_pid "$1"
  stop "$pid" KILL
}

# ns_link A DEVICE B DEVICE: a veth pair, both ends up. Addresses are usable at once: no duplicate detection.
ns_link() {
  ns_pid "$1"
  link_pid=$pid
  ns_pid "$3"
  ip link add name "$2" netns "$link_pid" type veth peer name "$4" netns "$pid"
  ns_up "$1" "$2"
  ns_up "$3" "$4"
}

ns_up() {
  # shellcheck disable=SC2016
  in_ns "$1" sh -c 'echo 0 >"/proc/sys/net/ipv6/conf/$1/accept_dad"' sh "$2"
  in_ns "$1" ip link set "$2" up
}

ns_addr() { # NAME DEVICE ADDRESS/PREFIX...
  ns=$1 device=$2
  shift 2
  for address; do
    case $address in
      *:*) in_ns "$ns" ip addr add "$address" dev "$device" nodad ;;
      *) in_ns "$ns" ip addr add "$address" dev "$device" ;;
    esac
  done
}

# --- the end -------------------------------------------------------------------------------------------------------

cleanup() {
  trap - EXIT INT TERM HUP
  for process in $started; do kill "$process" 2>/dev/null || true; done
  for process in $started; do stop "$process"; done
  rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
