# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# The DPDK port over a veth pair. On its one side xord alone answers: the kernel has no address there, no ARP or neighbour
# entry is set by hand. On the other side are the kernel's ping and xord on kernel sockets, or a second xord on DPDK.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"

# silent_link A DEVICE B DEVICE: a veth pair on whose first end the kernel says nothing, not even for IPv6.
silent_link() {
  ns_link "$@"
  silence "$1" "$2"
}

silence() {
  # shellcheck disable=SC2016
  in_ns "$1" sh -c 'echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"' sh "$2"
}

# columns LOG COUNTER: its values for each shard
columns() { sed -n "s/^$2  *[0-9][0-9]*  *//p" "$1"; }

assert_both_shards() { # WHAT LOG COUNTER
  # shellcheck disable=SC2046
  set -- "$1" $(columns "$2" "$3")
  assert_at_least "$1, shard 0" "${2:-0}" 1
  assert_at_least "$1, shard 1" "${3:-0}" 1
}

assert_quiet() { # LOG: no word of DPDK's
  ! grep -E 'EAL|ethdev|rte_|_dev_' "$1" || fail "noise in ${1##*/}"
  ok "${1##*/} has no word of DPDK's own"
}

# Who has left root cannot remove its directory from that of all, which is root's; empty, it goes at the next start.
assert_nothing_left() { # PID
  [ -z "$(ls -A "/var/run/dpdk/xord-$1" 2>/dev/null)" ] || fail 'something is left in the runtime directory'
  ok 'nothing left in the runtime directory'
}

link_local_of() { # MAC
  # shellcheck disable=SC2046
  set -- $(echo "$1" | tr : ' ')
  printf 'fe80::%02x%s:%sff:fe%s:%s%s' $((0x$1 ^ 2)) "$2" "$3" "$4" "$5" "$6"
}

field() { # JSON NAME: a number or a word
  printf '%s' "$1" | sed -n "s/.*\"$2\":\"\{0,1\}\([^,}\"]*\).*/\1/p"
}

printf '%064d' 4711 >"$tmp/key"
chmod 600 "$tmp/key"

echo '== a bootnode of two workers on DPDK; ping and xord from the other side'
ns_add a
ns_add b
silent_link a vetha b vethb
ns_addr b vethb 10.9.0.2/24 fd00:9::2/64
start bootnode in_ns a "$XORD" bootnode --key "$tmp/key" --port dpdk:net_af_packet0,iface=vetha --workers 2 \
  --ip 10.9.0.1/24 --ip fd00:9::1/64 --idle sleep
bootnode=$started_pid
wait_for "$tmp/bootnode.log" '^enr:' 20
enr=$(grep '^enr:' "$tmp/bootnode.log")

in_ns b ping -c 3 -i 0.2 -W 5 10.9.0.1 >"$tmp/ping4.log" || fail 'no answer to ping'
ok 'ping, IPv4'
in_ns b ping -6 -c 3 -i 0.2 -W 5 fd00:9::1 >"$tmp/ping6.log" || fail 'no answer to ping -6'
ok 'ping, IPv6'
in_ns b ping -c 2 -i 0.2 -W 5 -s 1400 10.9.0.1 >"$tmp/ping1400.log" || fail 'no answer to a long ping'
ok 'ping with 1,400 bytes'
assert_eq 'neighbour entries set by hand' "$(in_ns b ip neigh | grep -c PERMANENT)" 0
link_local=$(link_local_of "$(in_ns b ip -6 neigh show fd00:9::1 | sed 's/.*lladdr \([0-9a-f:]*\).*/\1/')")
in_ns b ping -6 -c 1 -W 5 "$link_local%vethb" >"$tmp/pingll.log" || fail "no answer to ping $link_local"
ok "ping of the link-local address"

for port in 9001 9002 9003 9004 9005 9006 9007 9008; do
  in_ns b "$XORD" ping --udp $port --ip 10.9.0.2 "$enr" >"$tmp/out" 2>&1 || fail "ping from port $port: $(cat "$tmp/out")"
  assert_match "xord ping, IPv4, port $port" "$(cat "$tmp/out")" "we are seen as 10.9.0.2:$port"
done
for port in 9001 9002 9003 9004; do
  in_ns b "$XORD" ping --udp $port --ip fd00:9::2 "$enr" >"$tmp/out" 2>&1 || fail "ping from port $port: $(cat "$tmp/out")"
  assert_match "xord ping, IPv6, port $port" "$(cat "$tmp/out")" "we are seen as \\[fd00:9::2\\]:$port"
done
for ip in 10.9.0.2 fd00:9::2; do
  assert_match "xord findnode from $ip" "$(in_ns b "$XORD" findnode --json --ip $ip --distance 0 "$enr")" \
    '"records":\[\{"node_id"'
  assert_match "xord talk from $ip" "$(in_ns b "$XORD" talk --json --ip $ip --protocol none --request 00 "$enr")" \
    '"response":""'
done
stop "$bootnode"
assert_eq 'exit code of the bootnode' "$stopped_code" 0
assert_both_shards 'pings answered by the bootnode' "$tmp/bootnode.log" ping_in
assert_quiet "$tmp/bootnode.log"
assert_nothing_left "$bootnode"

echo '== a test network that is a whole prefix on DPDK, crawled over kernel sockets'
ns_addr b vethb 10.77.255.254/16
start testnet in_ns a "$XORD" testnet --nodes 300 --dead 0.1 --port dpdk:net_af_packet0,iface=vetha --workers 2 \
  --ip 10.77.0.0/16 --gateway 10.77.255.254 --idle sleep --enrs "$tmp/testnet.enrs"
testnet=$started_pid
wait_for "$tmp/testnet.log" '^ready:' 20
sed -n '2,6p' "$tmp/testnet.enrs" >"$tmp/boot.enrs"
summary=$(in_ns b "$XORD" crawl --ip 10.77.255.254 --workers 2 --bootnodes "$tmp/boot.enrs" --json --quiet --counters) ||
  fail 'the crawl found nobody'
printf '%s\n' "$summary" >"$tmp/crawl-sockets.log"
summary=$(head -n 1 "$tmp/crawl-sockets.log")
assert_eq 'alive' "$(field "$summary" alive)" 270
assert_eq 'dead' "$(field "$summary" dead)" 30
stop "$testnet"
assert_quiet "$tmp/testnet.log"
assert_nothing_left "$testnet"

echo '== crawler and test network, both on DPDK'
ns_add c
ns_add d
silent_link c vethc d vethd
silence d vethd
start testnet2 in_ns c "$XORD" testnet --nodes 300 --port dpdk:net_af_packet0,iface=vethc --workers 2 \
  --ip 10.77.0.0/16 --gateway 10.77.255.254 --idle sleep --enrs "$tmp/testnet2.enrs"
testnet=$started_pid
wait_for "$tmp/testnet2.log" '^ready:' 20
sed -n '2,6p' "$tmp/testnet2.enrs" >"$tmp/boot.enrs"
start crawl in_ns d "$XORD" crawl --port dpdk:net_af_packet0,iface=vethd --ip 10.77.255.254/16 --workers 2 \
  --idle sleep --bootnodes "$tmp/boot.enrs" --json --counters
crawl=$started_pid
until_true 60 gone_or_zombie "$crawl" || fail 'the crawl does not end'
stop "$crawl"
assert_eq 'exit code of the crawl' "$stopped_code" 0
assert_eq 'alive' "$(field "$(grep '^{' "$tmp/crawl.log")" alive)" 300
assert_both_shards 'datagrams of the crawl' "$tmp/crawl.log" rx_packets
assert_quiet "$tmp/crawl.log"
assert_nothing_left "$crawl"

echo '== a transmit queue for one of three workers only, and the network by IPv6'
stop "$testnet"
start testnet3 in_ns d "$XORD" testnet --nodes 100 --port dpdk:net_af_packet0,iface=vethd,qpairs=1 --workers 3 \
  --ip fd00:77::/64 --gateway fd00:77::ffff --idle sleep --enrs "$tmp/testnet3.enrs"
wait_for "$tmp/testnet3.log" '^ready:' 20
sed -n '2,6p' "$tmp/testnet3.enrs" >"$tmp/boot.enrs"
in_ns c "$XORD" crawl --port dpdk:net_af_packet0,iface=vethc,qpairs=1 --ip fd00:77::ffff/64 \
  --workers 3 --idle sleep --bootnodes "$tmp/boot.enrs" --json --quiet >"$tmp/crawl6.log" || fail 'the crawl found nobody'
assert_eq 'alive' "$(field "$(cat "$tmp/crawl6.log")" alive)" 100

echo '== what cannot be had is said in one sentence'
refused() { # WHAT PATTERN ARGUMENT...
  what=$1 pattern=$2
  shift 2
  assert_fails "$what" 1 in_ns a "$XORD" ping --ip 10.9.0.1/24 "$@" "$enr"
  assert_eq 'lines' "$(wc -l <"$tmp/out")" 1
  assert_match 'the sentence' "$(cat "$tmp/out")" "^xord: $pattern"
}
refused 'no such interface' 'there is no network interface "nope"' --port dpdk:net_af_packet0,iface=nope
refused 'no interface named' '"net_af_packet0" needs to know its interface' --port dpdk:net_af_packet0
refused 'no such driver' 'DPDK has no driver for "net_foo0"' --port dpdk:net_foo0
refused 'no such PCI device' 'there is no PCI device 0000:ff:1f.7' --port dpdk:ff:1f.7
refused 'more queues than workers' 'net_af_packet0 has qpairs=4' --port dpdk:net_af_packet0,iface=vetha,qpairs=4
refused 'a multicast address' '--ip 224.0.0.1/24 is no address' --port dpdk:net_ring0 --ip 224.0.0.1/24
refused 'a gateway that is ourselves' '--gateway names an address that is our own' --port dpdk:net_ring0 \
  --gateway 10.9.0.1
assert_fails 'no EAL option' 1 in_ns a "$XORD" ping --ip 10.9.0.1/24 --port dpdk:net_ring0 "$enr" -- --nonsense
assert_match 'the sentence' "$(cat "$tmp/out")" "^xord: DPDK cannot start .*unrecognized option '--nonsense'"
assert_fails 'no CAP_NET_RAW' 1 in_ns a setpriv --bounding-set -net_raw "$XORD" ping --ip 10.9.0.1/24 \
  --port dpdk:net_af_packet0,iface=vetha "$enr"
assert_eq 'lines' "$(wc -l <"$tmp/out")" 1
assert_match 'the sentence' "$(cat "$tmp/out")" '^xord: not permitted to open "net_af_packet0": it needs CAP_NET_RAW'
