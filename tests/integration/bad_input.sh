#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Whatever can be wrong with what a user gives: one sentence on stderr, an exit code that says so, nothing broken.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

key=$tmp/node.key other=$tmp/other.key
"$XORD" key new "$key" >/dev/null
"$XORD" key new "$other" >/dev/null
record=$("$XORD" enr new --key "$key" --ip 127.0.0.1 --udp 9)
no_address=$("$XORD" enr new --key "$key" --udp 9)
id=$(printf '%064d' 1)

# --- key files -----------------------------------------------------------------------------------------------------

cp "$key" "$tmp/locked.key"
chmod 000 "$tmp/locked.key"
cut -c 1-63 "$key" >"$tmp/short.key"
{ cat "$key"; echo 0; } >"$tmp/long.key"
sed 's/^./g/' "$key" >"$tmp/letters.key"
printf '%064d' 0 >"$tmp/zero.key"
: >"$tmp/empty.key"
head -c 100000 /dev/zero >"$tmp/binary.key"
chmod 600 "$tmp"/*.key
chmod 000 "$tmp/locked.key"
for command in 'key show' 'enr new --key' 'bootnode --key' "ping $record --key" "crawl --bootnodes $record --key"; do
  set -- "$XORD"
  for word in $command; do set -- "$@" "$word"; done
  one_sentence "$1: no such key file" 1 'key file .*No such file' "$@" "$tmp/nowhere"
  one_sentence 'a directory' 1 'key file .*directory' "$@" "$tmp"
  one_sentence 'no permission' 1 'key file .*Permission denied' unprivileged "$@" "$tmp/locked.key"
  one_sentence '63 digits' 1 'malformed' "$@" "$tmp/short.key"
done
for bad in long letters empty binary; do
  one_sentence "a malformed key file ($bad)" 1 'malformed' "$XORD" key show "$tmp/$bad.key"
done
one_sentence 'a key of zeroes' 1 'no valid secp256k1 key' "$XORD" key show "$tmp/zero.key"
one_sentence 'a new key where there is no directory' 1 'No such file' "$XORD" key new "$tmp/nowhere/key"
mkdir "$tmp/readonly"
chmod 555 "$tmp/readonly"
one_sentence 'a new key without permission' 1 'Permission denied' unprivileged "$XORD" key new "$tmp/readonly/key"
one_sentence 'two key files' 1 'one key file' "$XORD" key show "$key" "$other"
one_sentence 'an unknown verb' 1 'key (new|show)' "$XORD" key make "$key"

# --- records -------------------------------------------------------------------------------------------------------

for bad in enr: enr:AAAA 'enr:!!!!' "${record}A" "$(printf %s "$record" | cut -c 1-60)" "enr:$(printf '%0600d' 0)"; do
  one_sentence 'ping a bad record' 1 'no valid record' "$XORD" ping "$bad"
  one_sentence 'crawl from a bad record' 1 'no valid record' "$XORD" crawl --bootnodes "$bad"
  run_command "$XORD" enr show --json "$bad"
  assert_eq 'enr show of a bad record' "$code, $(json "$tmp/stdout" 'd["valid"]'), $(wc -l <"$tmp/stderr")" '1, False, 1'
done
echo "$record" >"$tmp/records"
echo rubbish >>"$tmp/records"
one_sentence 'a bad line in a file of records' 1 'line 2 is no valid record' "$XORD" crawl --bootnodes "$tmp/records"
one_sentence 'no such file of records' 1 'neither a record .* nor a file' "$XORD" enr show "$tmp/nowhere"
one_sentence 'a directory of records' 1 'is a directory' "$XORD" enr show "$tmp"
one_sentence 'a file without records' 1 'no record' "$XORD" enr show /dev/null
one_sentence 'bootnodes without records' 1 'no record' "$XORD" crawl --bootnodes /dev/null
one_sentence 'a binary file' 1 'neither text nor JSON' "$XORD" enr show "$tmp/binary.key"
echo '{"a": {"record": ' >"$tmp/cut.json"
one_sentence 'JSON that ends too early' 1 'not valid JSON' "$XORD" enr show "$tmp/cut.json"
one_sentence 'no permission to read' 1 'Permission denied' unprivileged "$XORD" enr show "$tmp/locked.key"
one_sentence 'a record without an address' 1 'no address' "$XORD" ping "$no_address"
one_sentence 'a record of another address family' 1 'address family' "$XORD" ping "$record" --ip ::1
one_sentence 'two records to ping' 1 'one record' "$XORD" ping "$record" "$record"
one_sentence 'a record where a node id belongs' 1 'no node id' "$XORD" lookup "$record" --bootnodes "$record"
one_sentence 'a node id that is too short' 1 'no node id' "$XORD" lookup abcd --bootnodes "$record"
one_sentence 'enr without show' 1 'enr show' "$XORD" enr "$record"

# --- enr new -------------------------------------------------------------------------------------------------------

new() { # PATTERN OPTION...
  pattern=$1
  shift
  one_sentence "enr new $(printf '%s ' "$@" | cut -c 1-40)" 1 "$pattern" "$XORD" enr new --key "$key" "$@"
}
new 'KEY=HEX' --set foo
new 'no key before' --set =00
new 'not hex' --set foo=0
new 'not hex' --set foo=xy
new 'RLP' --set foo=rlp:c2
new 'signing sets' --set id=7634
new 'signing sets' --set secp256k1=00
new 'use --ip' --set ip=7f000001
new 'use --udp' --set udp=0x2328
new '16 bytes, not 1' --set eth2=00
new '8 bytes, not 2' --set attnets=ffff
new 'with 0x' --set cgc=80
new 'form' --set cgc=0x00
new 'rlp:HEX' --set eth=c7c684fc64ec0480
new 'twice' --set foo=00 --set foo=01
new 'twice' --ip 203.0.113.5 --ip 203.0.113.6
new '300 bytes' --set "foo=$(printf '%0300d' 0)" --set "bar=$(printf '%0300d' 0)"
new '300 bytes' --set "foo=$(printf '%0602d' 0)"
new 'no IP address' --ip 203.0.113
new 'no address of a single machine' --ip 0.0.0.0
new 'no address of a single machine' --ip ff02::1
new 'options only' "$tmp/other"

# --- numbers, addresses, words -------------------------------------------------------------------------------------

number() { # COMMAND OPTION BAD...: words of COMMAND are split
  command=$1 option=$2
  shift 2
  for bad; do
    # shellcheck disable=SC2086
    one_sentence "$option $bad" 1 "^xord: $option wants .*not \"$bad\"" "$XORD" $command "$option" "$bad"
  done
}
number "ping $record" --udp x '' -1 65536 1e3 0x10 99999999999999999999 ' 9' '9 '
number "ping $record" --workers 0 65 -1 x '' 1.5 4294967297
number "ping $record" --request-timeout 0 60001 x ''
number "ping $record" --handshake-timeout 0 60001 x ''
number 'testnet' --nodes 0 -1 x '' 1000001 4294967297 1.5
number 'testnet --nodes 10' --seed -1 x '' 18446744073709551616
number 'testnet --nodes 10' --dead -1 1 1.1 x '' nan
number "enr new --key $key" --seq -1 x '' 18446744073709551616
number "enr new --key $key" --udp 0 -1 x '' 65536
number "enr new --key $key" --tcp6 0 x 65536
for bad in x '' 0 -5 1x 1e99 nan inf; do
  one_sentence "--duration $bad" 1 '^xord: --duration .*no time' "$XORD" crawl --bootnodes "$record" --duration "$bad"
done
for bad in x '' 257 -1 ',' '1,,2' '256,x' 1.5; do
  one_sentence "--distance $bad" 1 '^xord: .*--distance' "$XORD" findnode "$record" --distance "$bad"
done
for bad in zz 0 0x0 '0x ' 'xx00'; do
  one_sentence "--request $bad" 1 'not hex' "$XORD" talk "$record" --protocol p --request "$bad"
done
one_sentence 'a request that is too long' 1 'too long' \
  "$XORD" talk "$record" --protocol p --request "$(printf '%04000d' 0)"
one_sentence 'a protocol name that is too long' 1 'too long' "$XORD" talk "$record" --protocol "$(printf '%02000d' 0)"
for bad in x '' 1.2.3 1.2.3.4.5 fe80::1::2 1.2.3.4/33 1.2.3.4/0 1.2.3.4/ 1.2.3.4/x ::1/129; do
  one_sentence "--ip $bad" 1 '^xord: --ip' "$XORD" ping "$record" --ip "$bad"
done
one_sentence '--gateway' 1 'no IP address' "$XORD" ping "$record" --gateway x
one_sentence '--gateway with sockets' 1 'gateway is for devices' "$XORD" ping "$record" --gateway 10.0.0.1
one_sentence 'EAL options with sockets' 1 'is for DPDK' "$XORD" ping "$record" -- --no-telemetry
one_sentence '--idle' 1 'neither spin nor sleep' "$XORD" ping "$record" --idle doze
one_sentence '--port' 1 'neither "socket" nor' "$XORD" ping "$record" --port eth0
one_sentence '--port dpdk:' 1 'neither "socket" nor' "$XORD" ping "$record" --port dpdk:
one_sentence 'a device without an address' 1 'needs --ip' "$XORD" ping "$record" --port dpdk:net_null0
one_sentence 'an unknown network' 1 'no network "nosuch": known are mainnet, ' "$XORD" crawl --network nosuch
one_sentence 'an unknown network as bootnodes' 1 'nosuch is neither' "$XORD" crawl --bootnodes nosuch
one_sentence 'addresses of others for a testnet' 1 '127\.0\.0\.0/8' "$XORD" testnet --nodes 10 --ip 10.0.0.0/8
one_sentence 'a prefix that is too long' 1 'room for 254' "$XORD" testnet --nodes 255 --ip 127.9.0.0/24
one_sentence 'two prefixes' 1 'one --ip' "$XORD" testnet --nodes 2 --ip 127.9.0.0/24 --ip 127.8.0.0/24
one_sentence 'an address that is not ours' 1 'no such address' "$XORD" ping "$record" --ip 203.0.113.5

# --- words that there are not --------------------------------------------------------------------------------------

usage_error 'an unknown command' 'no command "nosuch"' "$XORD" nosuch
usage_error 'an empty command' 'no command ""' "$XORD" ''
for command in ping findnode talk lookup bootnode testnet crawl key 'enr show' 'enr new'; do
  # shellcheck disable=SC2086
  usage_error "$command with an unknown option" "unrecognized option '--nosuch'" "$XORD" $command --nosuch
done
usage_error 'an option without its value' 'requires an argument' "$XORD" crawl --out
for command in crawl bootnode testnet; do
  usage_error "$command with an argument" 'unexpected argument "extra"' "$XORD" $command extra
done

# --- ports ---------------------------------------------------------------------------------------------------------

start taken "$XORD" bootnode --key "$key" --ip 127.0.0.1 --udp 9000
wait_for "$tmp/taken.log" '^enr:' 10
taken=$started_pid
for workers in 1 2; do
  one_sentence "a port in use, $workers workers" 1 '127\.0\.0\.1:9000.* another program' \
    "$XORD" bootnode --key "$other" --ip 127.0.0.1 --workers $workers
  one_sentence "a port in use on all addresses, $workers workers" 1 'another program' \
    "$XORD" bootnode --key "$other" --workers $workers
  one_sentence "a testnet on a port in use, $workers workers" 1 'another program' \
    "$XORD" testnet --nodes 3 --workers $workers
done
succeeds 'a client takes another one' "$XORD" ping "$(record_of "$tmp/taken.log")"
one_sentence 'unless it was named' 1 'another program' "$XORD" ping "$(record_of "$tmp/taken.log")" --udp 9000
stop "$taken"
start taken "$XORD" bootnode --key "$key" --workers 2 --udp 9000
wait_for "$tmp/taken.log" '^enr:' 10
one_sentence 'a port in use by two workers of the same user' 1 'another program' \
  "$XORD" bootnode --key "$other" --workers 2
stop "$started_pid"
one_sentence 'a port that needs privilege' 1 'permission|not permitted|privilege' \
  unprivileged "$XORD" bootnode --key "$other" --udp 80

# --- DPDK devices --------------------------------------------------------------------------------------------------

device() { # PATTERN DEVICE
  one_sentence "--port dpdk:$2" 1 "$1" "$XORD" bootnode --key "$key" --ip 10.0.0.1/24 --port "dpdk:$2"
}
device 'no driver for "net_nosuch0"' net_nosuch0
device 'no driver for "nosuch"' nosuch
device 'no network interface "nosuch"' net_af_packet0,iface=nosuch
device 'needs to know its interface' net_af_packet0
device 'no PCI device ffff:ff:1f\.7' ffff:ff:1f.7
device 'cannot open "net_memif0"' net_memif0,role=nosuch
device 'cannot open "net_null0"' net_null0,nosuch=1
one_sentence 'a device without permission' 1 'permi|privilege|root|CAP_' \
  unprivileged "$XORD" bootnode --key "$key" --ip 10.0.0.1/24 --port dpdk:net_af_packet0,iface=lo
one_sentence 'EAL options that there are not' 1 . \
  "$XORD" bootnode --key "$key" --ip 10.0.0.1/24 --port dpdk:net_null0 -- --nosuch

# --- output files --------------------------------------------------------------------------------------------------

cp "$key" "$tmp/text"
mkfifo "$tmp/pipe"
crawl() { limited "$XORD" crawl --quiet --bootnodes "$record" --request-timeout 50 "$@"; }
for option in --out --ndjson; do
  one_sentence "$option where there is no directory" 1 'cannot write .*No such file' crawl "$option" "$tmp/nowhere/file"
  one_sentence "$option on a directory" 1 'directory' crawl "$option" "$tmp"
  one_sentence "$option without permission" 1 'Permission denied' \
    unprivileged "$XORD" crawl --bootnodes "$record" "$option" "$tmp/readonly/file"
done
one_sentence '--out without a name' 1 '--out wants' crawl --out ''
one_sentence '--out on a device' 1 'no regular file' crawl --out /dev/null
one_sentence '--out on a pipe' 1 'no regular file' crawl --out "$tmp/pipe"
one_sentence '--out on something else' 1 'no nodes.json' crawl --out "$tmp/text"
cmp "$key" "$tmp/text" || fail 'a file that is no nodes.json was touched'
for text in '[]' '{"x": 1}' "{\"$id\": {}}"; do
  echo "$text" >"$tmp/text"
  one_sentence "--out on other JSON" 1 'no nodes.json' crawl --out "$tmp/text"
  assert_eq 'which stays' "$(cat "$tmp/text")" "$text"
done
for file in nowhere/x readonly/x; do
  one_sentence "testnet --enrs $file" 1 'cannot write' \
    unprivileged "$XORD" testnet --nodes 3 --enrs "$tmp/$file"
done
[ -c /dev/null ] || fail '/dev/null is no device any more'
if [ -c /dev/full ]; then
  for command in 'key show' 'enr new --key'; do
    # shellcheck disable=SC2086,SC2016
    one_sentence "$command into a full disk" 1 'No space left' sh -c '"$0" "$@" >/dev/full' "$XORD" $command "$key"
  done
  # shellcheck disable=SC2016
  one_sentence 'enr show into a full disk' 1 'No space left' sh -c '"$0" "$@" >/dev/full' "$XORD" enr show "$record"
  one_sentence 'testnet --enrs into a full disk' 1 'No space left' "$XORD" testnet --nodes 100 --enrs /dev/full
fi
