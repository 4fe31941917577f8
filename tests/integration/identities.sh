# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# Several identities in one process, at several addresses and ports; both families in one record; a NAT in between.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

for name in a b c; do
  printf '%064d' "$(printf '%d' "'$name")" >"$tmp/$name.key"
  chmod 600 "$tmp/$name.key"
done

# record LOG N: the N-th record of a log
record() { sed -n '/^enr:/p' "$1" | sed -n "$2p"; }
# has LOG N: that many records, or objects
has() { [ "$(grep -cE '^(enr:|\{)' "$1")" -ge "$2" ]; }
record_says() { # RECORD KEY
  "$XORD" enr show "$1" | sed -n "s/^$2  *//p"
}

# answers WHAT RECORD COMMAND-PREFIX...: a PING, over as many ports as a shard of two is sure to be among
answers() {
  what=$1 enr=$2
  shift 2
  for port in 9101 9102 9103 9104 9105 9106; do
    "$@" "$XORD" ping --udp $port ${ours:+--ip "$ours"} "$enr" >"$tmp/out" 2>&1 ||
      fail "$what, from port $port: $(cat "$tmp/out")"
  done
  ok "$what"
}

sockets_at() { # how many UDP sockets there are at an address in the kernel's hexadecimal form
  grep -c ": $1:" /proc/net/udp || true
}

echo '== three identities on sockets'
for workers in 1 2; do
  start several "$XORD" bootnode --workers $workers --key "$tmp/a.key" --ip 127.0.0.1 --ip ::1 --udp 9001 \
    --identity "key=$tmp/b.key,ip=127.0.0.2,udp=9002" --identity "key=$tmp/c.key,ip=127.0.0.1,ip=127.0.0.3,udp=9003"
  wait_for "$tmp/several.log" '^enr:' 10
  until_true 5 has "$tmp/several.log" 3 || fail 'not three records'
  assert_eq "first record, $workers worker(s)" "$(record_says "$(record "$tmp/several.log" 1)" udp6)" 9001
  assert_eq 'second record' "$(record_says "$(record "$tmp/several.log" 2)" ip)" 127.0.0.2
  assert_eq 'third record names its first address' "$(record_says "$(record "$tmp/several.log" 3)" ip)" 127.0.0.1
  for i in 1 2 3; do answers "identity $i answers" "$(record "$tmp/several.log" $i)"; done
  second=$("$XORD" enr new --key "$tmp/c.key" --ip 127.0.0.3 --udp 9003)
  answers 'the third at its second address' "$second"
  v6=$("$XORD" enr new --key "$tmp/a.key" --ip ::1 --udp 9001)
  ours=::1
  answers 'the first over IPv6' "$v6"
  ours=
  assert_eq 'sockets at all addresses' "$(sockets_at 00000000)" 0
  assert_eq 'sockets at 127.0.0.1' "$(sockets_at 0100007F)" $((2 * workers))
  assert_eq 'sockets at 127.0.0.3' "$(sockets_at 0300007F)" "$workers"
  stop "$started_pid"
  assert_eq 'exit code' "$stopped_code" 0
done
start several "$XORD" bootnode --json --key "$tmp/b.key" --udp 9001 --identity "key=$tmp/a.key,udp=9002"
wait_for "$tmp/several.log" '^\{"node_id' 10
until_true 5 has "$tmp/several.log" 2 || fail 'not two objects'
assert_match 'the order is that of the options' "$(grep "^{" "$tmp/several.log" | sed -n 2p)" \
  "^.\"node_id\":\"$("$XORD" key show "$tmp/a.key" | grep -oE '[0-9a-f]{64}' | head -n 1)\""
stop "$started_pid"

echo '== the same out of a configuration'
printf 'key: %s/a.key\nip: [127.0.0.1]\nudp: 9001\nmetrics: off\nctl: none\nidentities:\n' "$tmp" >"$tmp/node.yaml"
printf '  - {key: %s/b.key, ip: 127.0.0.2, nat: "198.51.100.7:45002"}\n' "$tmp" >>"$tmp/node.yaml"
succeeds 'the check of the configuration' "$XORD" config check "$tmp/node.yaml"
start several "$XORD" bootnode --config "$tmp/node.yaml"
wait_for "$tmp/several.log" '^enr:' 10
until_true 5 has "$tmp/several.log" 2 || fail 'not two records'
answers 'the first' "$(record "$tmp/several.log" 1)"
answers 'the second' "$("$XORD" enr new --key "$tmp/b.key" --ip 127.0.0.2 --udp 9001)"
assert_eq 'its record' "$(record_says "$(record "$tmp/several.log" 2)" ip)" 198.51.100.7
stop "$started_pid"
sed 's/127.0.0.2/127.0.0.1/' "$tmp/node.yaml" >"$tmp/clash.yaml"
one_sentence 'two at one place' 1 'clash.yaml: identity 1 is at 127.0.0.1:9001, so' "$XORD" config check "$tmp/clash.yaml"
sed 's/b\.key/a.key/' "$tmp/node.yaml" >"$tmp/clash.yaml"
one_sentence 'two with one key' 1 'clash.yaml: .*hold the same key' "$XORD" config check "$tmp/clash.yaml"

echo '== two identities on a device'
ns_add a
ns_add b
ns_link a vetha b vethb
# shellcheck disable=SC2016
in_ns a sh -c 'echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"' sh vetha
ns_addr b vethb 10.9.0.9/24 fd00:9::9/64
for workers in 1 2; do
  start device in_ns a "$XORD" bootnode --port dpdk:net_af_packet0,iface=vetha --workers $workers --idle sleep \
    --key "$tmp/a.key" --ip 10.9.0.1/24 --ip fd00:9::1/64 --udp 9001 \
    --identity "key=$tmp/b.key,ip=10.9.0.2/24,ip=fd00:9::2/64,udp=9002"
  wait_for "$tmp/device.log" '^enr:' 20
  until_true 5 has "$tmp/device.log" 2 || fail 'not two records'
  for i in 1 2; do
    enr=$(record "$tmp/device.log" $i)
    assert_eq "record $i, $workers worker(s)" "$(record_says "$enr" ip) $(record_says "$enr" udp) $(record_says "$enr" ip6) \
$(record_says "$enr" udp6)" "10.9.0.$i 900$i fd00:9::$i 900$i"
    ours=10.9.0.9
    answers "identity $i over IPv4" "$enr" in_ns b
    ours=fd00:9::9
    answers "identity $i over IPv6" "$enr" in_ns b
    ours=
  done
  stray=$("$XORD" enr new --key "$tmp/a.key" --ip 10.9.0.1 --udp 9002)
  assert_fails 'nobody is at an address of the one and a port of the other' 3 in_ns b "$XORD" ping --ip 10.9.0.9 "$stray"
  stop "$started_pid"
  assert_eq 'exit code' "$stopped_code" 0
  assert_match 'and that is counted' "$(cat "$tmp/device.log")" '^drop_no_identity  *[1-9]'
done

echo '== both families in one record: nodes of either join, and are told of each other'
# known WHERE OUR-ADDRESS RECORD: how many nodes it hands out
known() {
  in_ns "$1" "$XORD" findnode --json --ip "$2" --distance 256,255,254,253,252,251,250 "$3" 2>/dev/null | grep -o '"record"' |
    wc -l
}
knows() { [ "$(known "$1" "$2" "$3")" -ge "$4" ]; }
start both in_ns a "$XORD" bootnode --port dpdk:net_af_packet0,iface=vetha --idle sleep \
  --key "$tmp/a.key" --ip 10.9.0.1/24 --ip fd00:9::1/64
wait_for "$tmp/both.log" '^enr:' 20
both_pid=$started_pid
both=$(record "$tmp/both.log" 1)
start only4 in_ns b "$XORD" bootnode --key "$tmp/b.key" --ip 10.9.0.9 --udp 9004 --bootnodes "$both"
only4=$started_pid
start only6 in_ns b "$XORD" bootnode --key "$tmp/c.key" --ip fd00:9::9 --udp 9006 --bootnodes "$both"
only6=$started_pid
until_true 20 knows b 10.9.0.9 "$both" 2 || fail 'the nodes did not join'
ok 'an IPv4 peer is told of a node that is at IPv6 only'
until_true 20 knows b fd00:9::9 "$both" 2 || fail 'no answer over IPv6'
ok 'an IPv6 peer is told of a node that is at IPv4 only'
until_true 20 knows b 10.9.0.9 "$(record "$tmp/only4.log" 1)" 1 || fail 'the IPv4 node has not verified the bootnode'
until_true 20 knows b fd00:9::9 "$(record "$tmp/only6.log" 1)" 1 || fail 'the IPv6 node has not verified the bootnode'
ok 'both have verified the bootnode'
stop "$only4"
stop "$only6"
stop "$both_pid"
ns_del a
ns_del b

echo '== behind a NAT'
ns_add inside
ns_add router
ns_add network
ns_add outside
ns_link inside in0 router in1
ns_link router out0 network net0
ns_link router out1 outside eth0
ns_addr inside in0 10.1.0.2/24
in_ns inside ip route add default via 10.1.0.1
ns_addr router in1 10.1.0.1/24
ns_addr router out0 192.168.7.1/24
ns_addr router out1 192.168.8.1/24
ns_addr outside eth0 192.168.8.2/24
in_ns outside ip route add 192.168.7.0/24 via 192.168.8.1
# shellcheck disable=SC2016
in_ns network sh -c 'echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"' sh net0
start nat in_ns router python3 "$XORD_SRC/tests/integration/nat.py" in1 out0,out1 192.168.7.1 10.1.0.2:9001=45001 \
  10.1.0.2:9002=45002
wait_for "$tmp/nat.log" '^ready' 10
start testnet in_ns network "$XORD" testnet --nodes 30 --port dpdk:net_af_packet0,iface=net0 --idle sleep \
  --ip 192.168.7.0/24 --gateway 192.168.7.1 --enrs "$tmp/testnet.enrs"
wait_for "$tmp/testnet.log" '^ready' 30

start named in_ns inside "$XORD" bootnode --key "$tmp/a.key" --ip 10.1.0.2 --udp 9001 --nat 192.168.7.1:45001 \
  --identity "key=$tmp/b.key,ip=10.1.0.2,udp=9002,nat=192.168.7.1" --bootnodes "$tmp/testnet.enrs"
wait_for "$tmp/named.log" '^enr:' 10
until_true 5 has "$tmp/named.log" 2 || fail 'not two records'
enr=$(record "$tmp/named.log" 1)
assert_eq 'what --nat names is in the record at once' "$(record_says "$enr" ip) $(record_says "$enr" udp)" '192.168.7.1 45001'
assert_eq 'without a port it is the one bound' "$(record_says "$(record "$tmp/named.log" 2)" udp)" 9002
answers 'it is reached there' "$enr" in_ns outside
until_true 20 knows outside 192.168.8.2 "$enr" 16 || fail 'it did not join'
stop "$started_pid"
assert_eq 'votes do not change it' "$(grep -c '^enr:' "$tmp/named.log")" 2

start learned in_ns inside "$XORD" bootnode --key "$tmp/a.key" --ip 10.1.0.2 --udp 9001 --nat auto \
  --identity "key=$tmp/b.key,ip=10.1.0.2,udp=9002,nat=auto" --identity "key=$tmp/c.key,ip=10.1.0.2,udp=9003" \
  --bootnodes "$tmp/testnet.enrs" --state "$tmp/state"
learned=$started_pid
until_true 10 has "$tmp/learned.log" 3 || fail 'not three records'
assert_eq 'with --nat auto the record begins without an address' "$(record_says "$(record "$tmp/learned.log" 1)" ip)" ''
assert_eq 'without it with what is bound' "$(record_says "$(record "$tmp/learned.log" 3)" ip)" 10.1.0.2
until_true 60 has "$tmp/learned.log" 5 || fail 'no endpoint was learned'
for i in 4 5; do
  enr=$(record "$tmp/learned.log" $i)
  echo "$(record_says "$enr" 'node id') $(record_says "$enr" ip) $(record_says "$enr" udp)"
done >"$tmp/learned"
for i in 1 2; do
  assert_match "identity $i has learned its own endpoint" "$(cat "$tmp/learned")" \
    "$(record_says "$(record "$tmp/learned.log" $i)" 'node id') 192.168.7.1 4500$i"
done
answers 'it is reached there' "$(record "$tmp/learned.log" 4)" in_ns outside
sleep 1
stop "$learned"
assert_eq 'the third was told what it is at, and stays so' "$(grep -c '^enr:' "$tmp/learned.log")" 5

echo '== each identity has its table and its endpoint back after a restart'
start again in_ns inside "$XORD" bootnode --key "$tmp/b.key" --ip 10.1.0.2 --udp 9002 --nat auto \
  --identity "key=$tmp/a.key,ip=10.1.0.2,udp=9001,nat=auto" --state "$tmp/state"
wait_for "$tmp/again.log" 'recalled [0-9]* nodes' 10
until_true 5 has "$tmp/again.log" 2 || fail 'not two records'
for i in 1 2; do
  enr=$(record "$tmp/again.log" $i)
  assert_eq "endpoint of identity $i" "$(record_says "$enr" ip) $(record_says "$enr" udp)" "192.168.7.1 4500$((3 - i))"
  until_true 10 knows outside 192.168.8.2 "$enr" 16 || fail "the table of identity $i is not back"
  ok "its table"
done
stop "$started_pid"
assert_eq 'exit code' "$stopped_code" 0

echo '== what cannot be is said in one sentence'
bad() { # WHAT PATTERN ARGUMENT...
  bad_what=$1 bad_pattern=$2
  shift 2
  one_sentence "$bad_what" 1 "$bad_pattern" "$XORD" bootnode --key "$tmp/a.key" "$@"
}
bad 'no key' 'needs key=FILE' --identity ip=127.0.0.1
bad 'the same key' 'hold the same key' --identity "key=$tmp/a.key,udp=9005"
bad 'the same place' 'identity 1 is at 127.0.0.1:9000, so identity 2 cannot be at 127.0.0.1:9000' --ip 127.0.0.1 \
  --identity "key=$tmp/b.key,ip=127.0.0.1"
bad 'every address and one of them' 'cannot be at every address, UDP port 9000' --ip 127.0.0.1 --identity "key=$tmp/b.key"
bad 'an address twice' 'given 127.0.0.1:9000 twice' --ip 127.0.0.1 --ip 127.0.0.1
bad 'no such part' 'has no "foo", only key=FILE' --identity "key=$tmp/b.key,foo=3"
bad 'no list' 'is no list of NAME=VALUE' --identity "$tmp/b.key"
bad 'no port' 'wants a number from 1 to 65535' --identity "key=$tmp/b.key,udp=0"
bad 'no address' 'is no IP address' --identity "key=$tmp/b.key,ip=300.1.1.1"
set --
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do set -- "$@" --identity "key=$tmp/b.key,udp=$((9100 + n))"; done
bad 'too many' 'at most 16 identities' "$@"
bad 'no hint' 'neither auto, none, an address' --nat foo
bad 'no port in the hint' 'wants a number from 1 to 65535' --nat 192.0.2.1:70000
bad 'an address that nobody has' 'no address that a node can have' --nat 0.0.0.0
bad 'two for one family' 'names two IPv6 endpoints' --nat ::1 --nat '[::2]:9000'
bad 'hints that contradict' 'both auto and none' --nat auto --nat none
bad 'a hint for no address' 'nat of identity 1 is for IPv6, of which it has no address' --ip 127.0.0.1 --nat '[2001:db8::1]:9000'
bad 'a hint for no address of a further one' 'nat of identity 2 is for IPv4, of which it has no address' --ip 127.0.0.1 \
  --identity "key=$tmp/b.key,ip=::1,nat=198.51.100.1"
bad 'a device without an address' 'needs an ip= in each --identity' --port dpdk:net_ring0 --ip 10.0.0.1 \
  --identity "key=$tmp/b.key"
