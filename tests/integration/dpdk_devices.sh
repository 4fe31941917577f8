# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# The DPDK port on devices other than af_packet: memif, by which two processes share memory and no kernel is between, and
# tap, at whose other end the kernel sits.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"

printf '%064d' 4711 >"$tmp/key"
chmod 600 "$tmp/key"

start_bootnode() { # NAME DEVICE WORKERS
  start "$1" "$XORD" bootnode --key "$tmp/key" --port "dpdk:$2" --ip 10.9.0.1/24 --ip fd00:9::1/64 --workers "$3" \
    --idle sleep
  bootnode=$started_pid
  wait_for "$tmp/$1.log" '^enr:' 20
  enr=$(grep '^enr:' "$tmp/$1.log")
}

expect_pong() { # WHAT PATTERN ARGUMENT...
  what=$1 pattern=$2
  shift 2
  "$XORD" ping "$@" "$enr" >"$tmp/out" 2>&1 || fail "$what: $(cat "$tmp/out")"
  assert_match "$what" "$(cat "$tmp/out")" "$pattern"
}

echo '== memif, with more workers on one side than on the other'
memif=net_memif0,socket-abstract=no,socket=$tmp/memif.sock
start_bootnode server "$memif,role=server" 2
for workers in 1 3; do
  expect_pong "IPv4, $workers workers" 'we are seen as 10.9.0.2:9000' --port "dpdk:$memif,role=client" --ip 10.9.0.2/24 \
    --workers $workers --idle sleep
  expect_pong "IPv6, $workers workers" 'we are seen as \[fd00:9::2\]:9000' --port "dpdk:$memif,role=client" \
    --ip fd00:9::2/64 --workers $workers --idle sleep
done
stop "$bootnode"
assert_eq 'exit code of the bootnode' "$stopped_code" 0

echo '== memif, a test network and its crawl'
start testnet "$XORD" testnet --nodes 300 --dead 0.1 --loss 0.02 --port "dpdk:$memif,role=server" --ip 10.9.0.0/16 \
  --gateway 10.9.255.254 --idle sleep --enrs "$tmp/testnet.enrs"
testnet=$started_pid
wait_for "$tmp/testnet.log" '^ready' 20
grep -m 5 '^enr:' "$tmp/testnet.enrs" >"$tmp/few"
"$XORD" crawl --quiet --bootnodes "$tmp/few" --port "dpdk:$memif,role=client" --ip 10.9.255.254/16 --idle sleep \
  >"$tmp/crawl.out" 2>&1 || fail "crawl: $(cat "$tmp/crawl.out")"
assert_at_least 'living nodes found, of 270' "$(awk '$1 == "alive" { print $2 }' "$tmp/crawl.out")" 268
stop "$testnet"
assert_eq 'exit code of the testnet' "$stopped_code" 0

if [ ! -c /dev/net/tun ]; then
  echo '== tap: not tried, there is no /dev/net/tun'
  exit 0
fi
echo '== tap, against the kernel'
start_bootnode tap net_tap0,iface=dtap0 2
ip addr add 10.9.0.2/24 dev dtap0
ip addr add fd00:9::2/64 dev dtap0 nodad
ip link set dtap0 up
ping -c 2 -i 0.2 -W 5 10.9.0.1 >"$tmp/ping4.log" || fail 'no answer to ping'
ok 'ping, IPv4'
ping -6 -c 2 -i 0.2 -W 5 fd00:9::1 >"$tmp/ping6.log" || fail 'no answer to ping -6'
ok 'ping, IPv6'
for port in 9001 9002 9003 9004; do
  expect_pong "IPv4, port $port" "we are seen as 10.9.0.2:$port" --ip 10.9.0.2 --udp $port
  expect_pong "IPv6, port $port" "we are seen as \\[fd00:9::2\\]:$port" --ip fd00:9::2 --udp $port
done
stop "$bootnode"
assert_eq 'exit code of the bootnode' "$stopped_code" 0
