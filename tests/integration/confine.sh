#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Least privilege: what the running commands have given up, that they work so, and what becomes of one that does what it should
# not. As root it shows more than as an ordinary user in a namespace, where there is nobody else to become.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"
unset SUDO_UID SUDO_GID

key=$tmp/node.key
"$XORD" key new "$key" >/dev/null
mkdir "$tmp/cores"
chmod 1777 "$tmp/cores"

nobody=$(id -u xord 2>/dev/null || id -u nobody)
nobody_name=$(id -un "$nobody")
# Is it a user of this namespace?
awk -v id="$nobody" '$1 <= id && id < $1 + $3 { found = 1 } END { exit !found }' /proc/self/uid_map || nobody=0

# --- what the threads of a process have ----------------------------------------------------------------------------

# threads_are PID NAME VALUE: a line of each thread's status; sets $threads.
threads_are() {
  threads=0
  for task in "/proc/$1/task"/*; do
    got=$(awk -v name="$2:" '$1 == name { print $2 }' "$task/status")
    [ "$got" = "$3" ] || fail "thread ${task##*/} of $1: $2 is $got, not $3"
    threads=$((threads + 1))
  done
}

# confined PID UID [CAPABILITIES [SECCOMP]]
confined() {
  threads_are "$1" Uid "$2"
  threads_are "$1" CapEff "${3:-0000000000000000}"
  threads_are "$1" CapPrm "${3:-0000000000000000}"
  threads_are "$1" CapInh 0000000000000000
  threads_are "$1" CapBnd 0000000000000000
  threads_are "$1" NoNewPrivs 1
  threads_are "$1" Seccomp "${4:-2}"
  ok "$threads threads, uid $2, capabilities ${3:-none}, no new privileges, seccomp ${4:-2}"
}

start_bootnode() { # NAME OPTION...
  bootnode_name=$1
  shift
  start "$bootnode_name" "$XORD" bootnode --key "$key" "$@"
  bootnode=$started_pid
  wait_for "$tmp/$bootnode_name.log" '^enr:' 20
  enr=$(record_of "$tmp/$bootnode_name.log")
}

stop_bootnode() {
  stop "$bootnode" INT
  assert_eq 'exit code after Ctrl-C' "$stopped_code" 0
  ! grep -v 'drop_icmp_error' "$tmp/$bootnode_name.log" | grep -q 'error' || fail 'an error at the end'
}

echo '== a bootnode on sockets, and who talks to it'
start_bootnode sockets --ip 127.0.0.1 --ip ::1 --workers 2
confined "$bootnode" "$nobody"
succeeds ping "$XORD" ping "$enr"
succeeds findnode "$XORD" findnode "$enr" --distance 0
succeeds load "$XORD" load "$enr" --identities 8 --rate 100 --duration 2s --hdr "$tmp/hdr" --html "$tmp/html"
succeeds 'a crawl, which writes its file' "$XORD" crawl --bootnodes "$enr" --out "$tmp/nodes.json" --ndjson "$tmp/nd"
assert_eq 'nodes in the file' "$(json "$tmp/nodes.json" 'len(d)')" 1
stop_bootnode

echo '== commands that stay what they are'
start_testnet net --nodes 400 --udp 9640 --ip 127.3.0.0/16 --truth "$tmp/truth" --latency 20ms
testnet=$started_pid
confined "$testnet" 0
head -n 5 "$tmp/net.enrs" >"$tmp/few"
start crawl "$XORD" crawl --bootnodes "$tmp/few" --out "$tmp/net.json"
until_true 10 grep -qs 'Seccomp:.*2' "/proc/$started_pid/status" || fail 'the crawl has no filter'
confined "$started_pid" 0
wait "$started_pid" || fail 'the crawl'
stop "$testnet"
assert_eq 'exit code of the testnet' "$stopped_code" 0
assert_eq 'lines of its truth' "$(wc -l <"$tmp/truth")" 400

if [ "$nobody" != 0 ]; then
  echo '== files where root could not write without its capabilities'
  mkdir "$tmp/theirs"
  chown "$nobody" "$tmp/theirs"
  chmod 700 "$tmp/theirs"
  start_bootnode again --ip 127.0.0.1
  succeeds 'a crawl into the directory of another user' "$XORD" crawl --bootnodes "$enr" --out "$tmp/theirs/nodes.json"
  stop_bootnode
  chmod 755 "$tmp"

  echo '== --user'
  one_sentence 'a user who is not there' 1 'no user "nobody-here"' \
    "$XORD" bootnode --key "$key" --ip 127.0.0.1 --ctl none --metrics off --user nobody-here
  start_bootnode user --ip 127.0.0.1 --user "$nobody_name"
  confined "$bootnode" "$nobody"
  stop_bootnode
  start_bootnode root --ip 127.0.0.1 --user root
  confined "$bootnode" 0
  stop_bootnode
  SUDO_UID=1 SUDO_GID=1 start_bootnode sudo --ip 127.0.0.1
  confined "$bootnode" 1
  stop_bootnode
  memif=net_memif0,role=server,socket-abstract=no,socket=$tmp/memif.sock
  one_sentence 'a user who may not write' 1 "user $nobody_name may not write to $tmp, as xord has to: chown" \
    "$XORD" bootnode --key "$key" --port "dpdk:$memif" --ip 10.9.0.1/24 --user "$nobody_name" --quiet
  [ ! -e "$tmp/memif.sock" ] || fail 'a socket is left behind'
  start_bootnode memif --port "dpdk:$memif" --ip 10.9.0.1/24 --idle sleep
  assert_match 'without a name, root stays' "$(cat "$tmp/memif.log")" 'warning: staying root, without its capabilities'
  confined "$bootnode" 0
  stop_bootnode
  [ ! -e "$tmp/memif.sock" ] || fail 'a socket is left behind'
fi

echo '== on DPDK: af_packet and, where the kernel has it, af_xdp'
ns_add a
ns_add b
ns_link a eth0 b eth0
ns_addr b eth0 10.9.0.2/24
for device in "net_af_packet0,iface=eth0 0000000000000000" "net_af_xdp0,iface=eth0,force_copy=1 0000000000001000"; do
  caps=${device#* }
  driver=${device%%0,*}
  device=${device% *}
  log=$tmp/$driver.log
  if [ "$driver" = net_af_xdp ] && [ "${XORD_SANITIZED:-0}" = 1 ]; then
    echo "$driver: not tried, libxdp leaks a little of its own"
    continue
  fi
  start "$driver" in_ns a "$XORD" bootnode --key "$key" --port "dpdk:$device" --ip 10.9.0.1/24 --idle sleep -v
  bootnode=$started_pid bootnode_name=$driver
  if [ "$driver" = net_af_xdp ] && ! (wait_for "$log" '^enr:' 10) >/dev/null; then
    echo "not tried: $(tail -n 1 "$log")"
    continue
  fi
  wait_for "$log" '^enr:' 20
  confined "$bootnode" "$nobody" "$caps"
  in_ns b "$XORD" ping "$(record_of "$log")" >"$tmp/out" 2>&1 || fail "$driver: $(cat "$tmp/out")"
  ok "$driver: $(cat "$tmp/out")"
  stop_bootnode
  ! in_ns a ip link show eth0 | grep -q xdp || fail 'an XDP program is left on the interface'
done

echo '== --seccomp'
for mode in 'off 0' 'log 2' 'on 2'; do
  start_bootnode "${mode% *}" --ip 127.0.0.1 --seccomp "${mode% *}"
  confined "$bootnode" "$nobody" '' "${mode#* }"
  stop_bootnode
done
one_sentence 'no such mode' 1 'neither on, off nor log' "$XORD" ping "$enr" --seccomp maybe

echo '== a forbidden call'
if [ "${XORD_SANITIZED:-0}" = 1 ]; then
  echo 'not tried: a sanitizer wants to be the first library'
else
  cc -shared -fPIC -O1 -o "$tmp/forbidden.so" "$XORD_SRC/tests/integration/forbidden.c" || fail 'cc'
  chmod 755 "$tmp" "$tmp/forbidden.so"
  # provoke NAME OPTION...: the bootnode answers, and then makes the call; sets $code.
  provoke() {
    rm -f "$tmp/now"
    LD_PRELOAD=$tmp/forbidden.so FORBIDDEN_WHEN=$tmp/now FORBIDDEN_IN=$thread \
      start "$1" "$XORD" bootnode --key "$key" --ip 127.0.0.1 --seccomp "$2"
    bootnode=$started_pid
    wait_for "$tmp/$1.log" '^enr:' 20
    enr=$(record_of "$tmp/$1.log")
    succeeds 'until then it answers' "$XORD" ping "$enr"
    : >"$tmp/now"
    "$XORD" ping "$enr" >/dev/null 2>&1 || true # so that a worker wakes up
    until_true 10 gone_or_zombie "$bootnode" || fail "$1: it lives on"
    code=0
    wait "$bootnode" || code=$?
  }
  for thread in ppoll recvmmsg; do
    provoke "unguarded-$thread" off
    assert_eq "$thread: without the filter it would be another program" "$code" 0
    provoke "forbidden-$thread" on
    assert_eq "$thread: ended by SIGSYS" "$code" 159
    assert_match "$thread: the line" "$(tail -n 1 "$tmp/forbidden-$thread.log")" \
      '^xord: error: system call execve \(59\) is not one that xord makes once it runs'
  done
fi

echo '== core dumps'
# What the key is in memory, in the file, and as the curve's library has it.
key_forms() {
  python3 - "$1" "$2" <<'END'
import sys
text = open(sys.argv[1]).read().strip()
raw = bytes.fromhex(text)
core = open(sys.argv[2], 'rb').read()
assert len(core) > 100000 and b'bootnode' in core, 'no dump of xord'
forms = {'raw': raw, 'reversed': raw[::-1], 'text': text.encode()}
print(len(core) >> 20, 'MiB,', 'found:', *[name for name, form in forms.items() if form[:16] in core or form[16:] in core])
END
}

start_dumping() { # NAME OPTION...
  # shellcheck disable=SC2016,SC2086
  start "$1" sh -c 'cd "$1" && shift && exec prlimit --core=unlimited "$@"' sh "$tmp/cores" \
    "$XORD" bootnode --key "$key" --ip 127.0.0.1 $2
  bootnode=$started_pid
  wait_for "$tmp/$1.log" '^enr:' 20
  succeeds ping "$XORD" ping "$(record_of "$tmp/$1.log")"
  stop "$bootnode" ABRT
  assert_eq 'ended by SIGABRT' "$stopped_code" 134
}

case $(cat /proc/sys/kernel/core_pattern) in
  '|'* | */*)
    echo 'not tried: core dumps go elsewhere here (/proc/sys/kernel/core_pattern)'
    exit 0
    ;;
esac
if [ "${XORD_SANITIZED:-0}" = 1 ] || ! prlimit --core=unlimited true 2>/dev/null; then
  echo 'not tried: no core dumps here'
  exit 0
fi
start_dumping nodump ''
assert_eq 'core dumps' "$(find "$tmp/cores" -type f | wc -l)" 0
start_dumping dump --core-dumps
assert_eq 'core dumps with --core-dumps' "$(find "$tmp/cores" -type f | wc -l)" 1
found=$(key_forms "$key" "$(find "$tmp/cores" -type f)") || fail 'the dump'
assert_match "the key in it: $found" "$found" 'found:$'
