# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# `xord doctor` on this machine: what it names as missing is mended by the very command that it prints. Interfaces, ports and
# limits are the test's own; as root also hugepages, hugetlbfs, buffers and the tap device, in a mount namespace of its own where
# the kernel has such a thing, else for a moment and put back.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"

# The network namespace that we come from, for limits that it alone has.
[ -n "${XORD_OWN_MOUNTS:-}${XORD_OWN_NET:-}" ] || exec 9</proc/self/ns/net

# A mount namespace too, so that nothing of what is mounted here is seen outside.
if [ "$(id -u)" = 0 ] && [ -z "${XORD_OWN_MOUNTS:-}" ]; then
  # In a chroot whose root is no mount of its own there is no such namespace, and nothing is mounted.
  export XORD_OWN_MOUNTS=none
  if unshare -m true 2>/dev/null; then
    export XORD_OWN_MOUNTS=yes
    rm -rf "$tmp"
    exec unshare -m sh "$0" "$@"
  fi
fi
own_net "$@"
# A bare chroot may lack it.
[ -d /sys/devices/system/cpu ] || [ "$(id -u)" != 0 ] || mount -t sysfs sysfs /sys

PATH=$(dirname "$XORD"):$PATH
is_root=$(awk '$1 == 0 && $2 == 0 && $3 > 1 { print "yes" }' /proc/self/uid_map)

# field CHECK NAME FILE: of the finding with that name in a JSON list
cat >"$tmp/field" <<'END'
import json, sys
found = [f for f in json.load(open(sys.argv[3])) if f['check'] == sys.argv[1]]
assert len(found) == 1, (sys.argv[1], found)
print(found[0][sys.argv[2]] or '')
END
field() { python3 "$tmp/field" "$@"; }

doctor() { # ARGUMENT...: sets $code, output in $tmp/out
  code=0
  # shellcheck disable=SC2086
  timeout "$(seconds 30)" ${with:-} "$XORD" doctor --json "$@" >"$tmp/out" 2>"$tmp/err" || code=$?
  [ "$code" -le 1 ] || fail "xord doctor $*: exit code $code, $(cat "$tmp/err")"
  [ ! -s "$tmp/err" ] || fail "xord doctor $*: $(cat "$tmp/err")"
}

# mends CHECK STATUS ARGUMENT...: it is found so; the command printed is run; it is found ok. With $with, doctor is run by that.
mends() {
  check=$1 status=$2
  shift 2
  doctor "$@"
  [ "$(field "$check" status "$tmp/out")" = "$status" ] || fail "$check is not found: $(cat "$tmp/out")"
  [ "$status" = warn ] || [ $code = 1 ] || fail "$check fails and the exit code is $code"
  fix=$(field "$check" fix "$tmp/out")
  [ -n "$fix" ] || fail "no command mends $check: $(field "$check" detail "$tmp/out")"
  (${by:-} sh -c "$fix") >"$tmp/fix.out" 2>&1 || fail "'$fix': $(cat "$tmp/fix.out")"
  doctor "$@"
  [ "$(field "$check" status "$tmp/out")" = ok ] || fail "'$fix' does not mend $check: $(field "$check" detail "$tmp/out")"
  ok "$check, mended by: $fix"
}

# no longer than the test
restore_all=:
restore() {
  restore_all="$1; $restore_all"
  # shellcheck disable=SC2064
  trap "$restore_all; cleanup" EXIT
}

same_number() { [ "$(cat "$1")" = "$(cat "$2")" ]; }
sum() { awk '{ n += $1 } END { print n }'; }

# by_shell CHECK LIMIT ARGUMENT...: a limit of the shell that doctor is run from, and that its command is pasted into
by_shell() {
  check=$1 limit=$2
  shift 2
  # shellcheck disable=SC2016
  check=$check limit=$limit tmp=$tmp sh -c '
    $limit
    timeout 60 $with "$XORD" doctor --json "$@" >"$tmp/shell1" || true
    [ "$(python3 "$tmp/field" "$check" status "$tmp/shell1")" = fail ] || exit 2
    fix=$(python3 "$tmp/field" "$check" fix "$tmp/shell1")
    eval "$fix" || exit 3
    timeout 60 $with "$XORD" doctor --json "$@" >"$tmp/shell2" || true
    [ "$(python3 "$tmp/field" "$check" status "$tmp/shell2")" = ok ] || exit 4
    echo "$fix" >"$tmp/shell"' sh "$@" || fail "$check: step $?, $(cat "$tmp"/shell[12])"
  ok "$check, mended by: $(cat "$tmp/shell")"
}

# rerun CHECK STATUS ARGUMENT...: the command is doctor itself, in a place or with a choice that suits
rerun() {
  check=$1 status=$2
  shift 2
  doctor "$@"
  [ "$(field "$check" status "$tmp/out")" = "$status" ] || fail "$check is not found: $(cat "$tmp/out")"
  fix=$(field "$check" fix "$tmp/out")
  sh -c "$fix" >"$tmp/fix.out" || fail "'$fix': $(cat "$tmp/fix.out")"
  grep -qE "^ok +$check " "$tmp/fix.out" || fail "'$fix' does not mend $check: $(cat "$tmp/fix.out")"
  ok "$check, mended by: $fix"
}

ip link add veth0 type veth peer name veth1
ip link set veth1 up
ip link set veth0 up
packet=dpdk:net_af_packet0,iface=veth0

echo '== this machine, as people see it'
"$XORD" doctor >"$tmp/out" 2>&1 || fail "not fit for sockets: $(cat "$tmp/out")"
cat "$tmp/out"
assert_match 'the last line sums up' "$(tail -n 1 "$tmp/out")" '^xord can work with --port socket: [0-9]+ warnings?'
! grep -vE '^$|^xord can work|^(ok  |warn|FAIL)  [a-z]+\.[a-z]+ +.' "$tmp/out" || fail 'a line of another form'
doctor --port "$packet"
assert_eq 'exit code for a packet socket' "$code" 0
seen=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
mkdir -p "$tmp/copy/proc/self"
cp /proc/cpuinfo "$tmp/copy/proc/cpuinfo"
cp /proc/self/status "$tmp/copy/proc/self/status"
live=$(field cpu.aes detail "$tmp/out")
doctor --root "$tmp/copy"
assert_eq "AES kernel by the library and by /proc/cpuinfo ($seen)" "$(field cpu.aes detail "$tmp/out")" "$live"

echo '== interfaces'
ip link set veth0 down
mends iface.link fail --port "$packet"
ip link set veth0 mtu 1280
mends iface.mtu warn --port "$packet"

echo '== ports and limits'
hold() { # FAMILY ADDRESS
  start holder python3 -uc "import socket, time
s = socket.socket(socket.$1, socket.SOCK_DGRAM)
s.bind(('$2', 9000))
print('held')
time.sleep(600)"
  wait_for "$tmp/holder.log" '^held' 10
}
hold AF_INET 127.0.0.1
mends udp.port fail
hold AF_INET6 ::1
mends udp.port fail
printf '%064d' 4711 >"$tmp/key"
chmod 600 "$tmp/key"
start holder "$XORD" bootnode --key "$tmp/key" --ip 127.0.0.1 --ctl none --metrics off
wait_for "$tmp/holder.log" '^enr:' 10
"$XORD" doctor >"$tmp/out" 2>&1 || fail 'a xord that runs is no failure'
assert_match 'nobody is told to end it' "$(grep udp.port "$tmp/out")" '^warn .* in use by xord, process [0-9]+: if that is the node meant, all is well; [^-]*--udp$'
stop "$started_pid"
with='setpriv --bounding-set=-all --inh-caps=-all'
mends udp.privilege fail --udp 53
by_shell limits.files 'ulimit -S -n 60'
most=$(awk '/^Max locked memory/ { print $5 }' /proc/self/limits)
if [ "$most" = unlimited ] || [ "$most" -ge 83886080 ]; then
  by_shell limits.memlock 'ulimit -S -l 64' --port dpdk:net_af_xdp0,iface=veth0
else
  echo "limits.memlock: not tried, $most bytes are all that may be locked here"
fi
with=''
rerun cpu.count warn --workers 64

echo '== memif'
memif=dpdk:net_memif0,role=server,socket-abstract=no,socket=$tmp/sockets/memif.sock
mends memif.socket fail --port "$memif"
: >"$tmp/sockets/memif.sock"
mends memif.socket fail --port "$memif"
start holder "$XORD" bootnode --key "$tmp/key" --port "$memif" --ip 10.9.0.1/24 --idle sleep
wait_for "$tmp/holder.log" '^enr:' 20
rerun memif.socket fail --port "$memif"
assert_match 'a server that is there' "$(field memif.socket detail "$tmp/out")" 'another server has the socket'
doctor --port "dpdk:net_memif0,socket-abstract=no,socket=$tmp/sockets/memif.sock"
assert_match 'a client finds it' "$(field memif.socket detail "$tmp/out")" 'a server listens'
stop "$started_pid"

if [ -z "$is_root" ]; then
  echo '== hugepages, hugetlbfs, buffers, tap: not tried, this is not root'
  exit 0
fi

if [ "$XORD_OWN_MOUNTS" = yes ]; then
  echo '== /sys, hugetlbfs and the tap device, of this mount namespace'
  umount -l /sys
  mends host.sysfs fail --port "$packet"
  awk '$3 == "hugetlbfs" { print $2 }' /proc/self/mounts | while read -r dir; do umount "$dir"; done
  [ -d /dev/hugepages ] || restore "rmdir /dev/hugepages 2>/dev/null || true"
  mends memory.hugetlbfs fail --port "$packet" -- --legacy-mem
  umount /dev/hugepages
  [ -d /dev/net ] || restore "rmdir /dev/net 2>/dev/null || true"
  mkdir -p /dev/net
  mount -t tmpfs tmpfs /dev/net
  mends tap.device fail --port dpdk:net_tap0
  umount /dev/net
else
  echo '== /sys, hugetlbfs and the tap device: not tried, there is no mount namespace in this chroot'
fi

echo '== what only the host has: put back at once'
pages=/sys/kernel/mm/hugepages
[ -d $pages ] || [ "$XORD_OWN_MOUNTS" = none ] || mount -t sysfs sysfs /sys
if [ -d $pages ]; then
  for size in "$pages"/*; do
    file=$size/nr_hugepages
    restore "echo $(cat "$file") >$file"
    cat "$file" >"$tmp/${size##*/}"
    if [ "$(cat "$size/nr_hugepages")" = "$(cat "$size/free_hugepages")" ]; then echo 0 >"$file"; fi
  done
  mends memory.hugepages warn --port "$packet"
  start holder "$XORD" bootnode --key "$tmp/key" --port "$packet" --ip 10.9.0.1/24 --idle sleep -v
  wait_for "$tmp/holder.log" '^enr:' 20
  assert_at_least 'hugepages that xord then takes' \
    $(($(cat $pages/hugepages-*/nr_hugepages | sum) - $(cat $pages/hugepages-*/free_hugepages | sum))) 1
  stop "$started_pid"
  set -- "$pages"/*
  for size; do cat "$tmp/${size##*/}" >"$size/nr_hugepages"; done
  for size; do
    until_true 10 same_number "$tmp/${size##*/}" "$size/nr_hugepages" || fail "hugepages are left in ${size##*/}"
  done
  ok 'as many hugepages as before'
fi
with='nsenter --net=/proc/self/fd/9 setpriv --bounding-set=-all --inh-caps=-all'
by='nsenter --net=/proc/self/fd/9'
for limit in rmem_max wmem_max; do
  before=$(nsenter --net=/proc/self/fd/9 cat /proc/sys/net/core/$limit)
  restore "nsenter --net=/proc/self/fd/9 sh -c 'echo $before >/proc/sys/net/core/$limit'"
  nsenter --net=/proc/self/fd/9 sh -c "echo 212992 >/proc/sys/net/core/$limit"
done
mends udp.receive warn
mends udp.send warn
