#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The configuration of a bootnode: the default file, every kind of error with its exact sentence, the command line before the
# file, and what SIGHUP changes of a bootnode that runs.
# shellcheck disable=SC2016  # sentences have backquotes
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

cd "$tmp"
key=node.key file=bootnode.yaml
# As root it would become somebody who may not read the file again.
user=
[ "$(id -u)" != 0 ] || user=root
"$XORD" key new "$key" >key.log
cp "$key" other.key

# file LINE...: writes $file.
file() { printf '%s\n' "$@" >"$file"; }

# wrong SENTENCE...: `xord config check` says just this of $file; each begins with the file's name, and ends the line.
wrong() {
  run_command "$XORD" config check "$file"
  printf "xord: $file%s\n" "$@" >wanted
  what="$(head -n 1 wanted)"
  [ "$code" = 1 ] || refuse "exit code $code, want 1"
  [ ! -s stdout ] || refuse 'something on stdout'
  cmp -s wanted stderr || refuse "want $(cat wanted)"
  ok "$what"
}

# right: `xord config check` finds nothing.
right() {
  succeeds 'nothing wrong' "$XORD" config check "$file"
  assert_eq 'check says' "$(cat stdout)" "$file: ok"
}

echo '== the default file'
"$XORD" config default >default.yaml
cmp default.yaml "$XORD_SRC/drivers-config/bootnode.yaml" ||
  fail 'drivers-config/bootnode.yaml is not what `xord config default` prints: write it anew'
: >empty.yaml
"$XORD" config show default.yaml >shown
"$XORD" config show empty.yaml >shown.empty
cmp shown shown.empty || fail 'the default file is not the defaults'
cp shown again.yaml
"$XORD" config show again.yaml | cmp - shown || fail 'what is shown says something else'
ok 'it says the defaults, and so does what is shown of it'
sed "s|^#key: .*|key: $key|" default.yaml >"$file"
right

echo '== every kind of error'
file 'udp: 9000' '' "kye: $key"
wrong ', line 3, key kye: there is no such key; did you mean key?'
file 'udp: 9000'
wrong ': a bootnode needs a key, so that it stays the same node; `xord key new FILE` makes one'
file "key: $key" 'limits:' '  adress: 5000' '  prefix: 20000'
wrong ', line 3, key limits.adress: there is no such key; did you mean limits.address?'
file "key: $key" 'limit-address: 5000'
wrong ', line 2, key limit-address: there is no such key; did you mean limits.address?'
file "key: $key" 'limits.address: 5000'
wrong ', line 2, key limits.address: is written as "address", on a line below "limits:"'
file "key: $key" 'qwertyuiop: 5000'
wrong ', line 2, key qwertyuiop: there is no such key; `xord config default` shows all that there are'
file "key: $key" 'udp: [9000, 9001]'
wrong ', line 2, key udp: wants one value, not a list'
file "key: $key" 'ip: {v4: 127.0.0.1}'
wrong ', line 2, key ip: wants a list, not a mapping'
file "key: $key" 'limits: 5000'
wrong ', line 2, key limits: wants keys of its own below it, not one value'
file "key: $key" 'udp:'
wrong ', line 2, key udp: has no value; give it one, or take the line out'
file "key: $key" 'udp: many'
wrong ', line 2, key udp: wants a number from 0 to 65535, not "many"'
file "key: $key" 'workers: 65'
wrong ', line 2, key workers: wants a number from 1 to 64, not "65"'
file "key: $key" 'limits: {address: 3, prefix: 20:x}'
wrong ', line 2, key limits.address: wants a rate from 10 to 1000000, RATE:BURST, or "off", not "3"' \
  ', line 2, key limits.prefix: a burst is from 1 to 30 seconds'"'"' worth, here 600, not "x"'
file "key: $key" 'udp: 9000' 'workers: 1' 'udp: 9001'
wrong ', line 4, key udp: is given twice, first in line 2; leave one of them'
file "key: $key" 'ip:' '- 127.0.0.1' '- 127.0.0.300' '- 10.0.0.1/33'
wrong ', line 4, key ip: 127.0.0.300 is no IP address' \
  ', line 5, key ip: ADDR/PREFIX: PREFIX wants a number from 1 to 32, not "33"'
file "key: $key" 'gateway: host'
wrong ', line 2, key gateway: host is no IP address'
file "key: $key" 'port: eth0'
wrong ', line 2, key port: eth0 is neither "socket" nor "dpdk:<device>"'
file "key: $key" 'port: dpdk:net_null0'
wrong ', line 2, key port: dpdk:net_null0 needs ip: a device has no address of its own'
file "key: $key" 'idle: doze'
wrong ', line 2, key idle: doze is neither spin nor sleep'
file "key: $key" 'json: maybe'
wrong ', line 2, key json: wants true or false, not "maybe"'
file "key: $key" 'log: loud'
wrong ', line 2, key log: loud is no log level: there are error, warning, info and debug'
file "key: $key" 'bans: [192.0.2.1/24, 192.0.2.0/24 soon, 192.0.2.7, 192.0.2.7]'
wrong ', line 2, key bans: 192.0.2.1/24 is no prefix: say 192.0.2.0/24, 2001:db8::/32 or one address; what is behind the prefix must be zero' \
  ', line 2, key bans: soon is no time: say 90, 90s, 250ms, 15m or 2h' \
  ', line 2, key bans: 192.0.2.7 is there twice; leave one of them'
file "key: $key" 'network: mainnett'
wrong ', line 2, key network: there is no network "mainnett": known are mainnet, sepolia, holesky, gnosis, chiado'
file "key: $key" 'bootnodes:' '- enr:rubbish' '- nosuch.txt' '- "-"'
wrong ', line 3, key bootnodes: enr:rubbish is no valid record: encoding is not canonical' \
  ', line 4, key bootnodes: nosuch.txt is neither a record (enr:...) nor a file' \
  ', line 5, key bootnodes: standard input is for the command line; name a file'
file 'key: nowhere.key'
wrong ', line 1, key key: cannot read key file nowhere.key: No such file or directory'
file 'key: default.yaml'
wrong ', line 1, key key: key file default.yaml is open to others than its owner (mode 0644): chmod 600 default.yaml'
chmod 600 default.yaml
wrong ', line 1, key key: key file default.yaml is malformed: it must hold 64 hex digits and nothing else; `xord key new` makes one'
chmod 640 other.key
file 'key: other.key'
wrong ', line 1, key key: key file other.key is open to others than its owner (mode 0640): chmod 600 other.key'
file "key: $key" 'state: nowhere/state'
wrong ', line 2, key state: cannot make nowhere/state: the directory nowhere/: No such file or directory'
mkdir -m 555 readonly
file "key: $key" 'state: readonly/state'
one_sentence 'a directory of others' 1 'cannot make readonly/state: readonly/ may not be written to by this user' \
  unprivileged "$XORD" config check "$file"
file "key: $key" 'state: /'
wrong ', line 2, key state: / is a directory; name a file in it'
file "key: $key" 'identities:' '- {key: nowhere.key, ip: 127.0.0.2, ip6: "::2"}' '- {key: other.key}' '- ip: 127.0.0.3' \
  '- {key: node.key, udp: 0}' '- {key: node.key, nat: maybe}'
wrong ', line 5, key identities: ip=127.0.0.3 needs key=FILE, so that it stays the same node; `xord key new FILE` makes one' \
  ', line 6, key identities: udp=PORT: PORT wants a number from 1 to 65535, not "0"' \
  ', line 7, key identities: maybe is neither auto, none, an address, nor ADDR:PORT or [ADDR]:PORT' \
  ', line 3, key identities: cannot read key file nowhere.key: No such file or directory' \
  ', line 4, key identities: key file other.key is open to others than its owner (mode 0640): chmod 600 other.key'
file "key: $key" 'identities:' '- node.key' '- {kye: node.key}' '- {key: [a]}' '- {key: "a,ip=::1"}'
wrong ', line 3, key identities: each entry has keys of its own (key, ip, ip6, udp, nat) and is not one value' \
  ', line 4, key identities.kye: there is no such key; an entry has key, ip, ip6, udp, nat' \
  ', line 5, key identities.key: wants one value, not a list' ', line 6, key identities.key: has a comma in its value'

echo '== what is no YAML'
file "key: $key" 'udp: 9000: 9001'
wrong ', line 2: this is no valid YAML: mapping values are not allowed in this context; put "quotes" around such a value'
file "key: $key" 'limits:' "$(printf '\taddress: 5000')"
wrong ', line 3: this is no valid YAML: while scanning for the next token, found character that cannot start any token; indent by spaces, not by tabs'
file "key: $key" 'ip: [::1]'
wrong ', line 2: this is no valid YAML: while parsing a flow node, did not find expected node content; put "quotes" around such a value'
file "key: \"$key" 'udp: 9000'
wrong ', line 1: this is no valid YAML: while scanning a quoted scalar, found unexpected end of stream'
file "key: $key" '---' 'udp: 9000'
wrong ', line 2: a second document begins here; a configuration is one'
file "- key: $key"
wrong ', line 1: the file consists of lines "KEY: VALUE", this is a list'
printf 'key: %s\nudp: \377\n' "$key" >"$file"
wrong ', line 2: this is no text in UTF-8: invalid leading UTF-8 octet'

echo '== the file itself'
one_sentence 'no such file' 1 '^xord: cannot read the configuration nowhere: No such file' "$XORD" config check nowhere
one_sentence 'a directory' 1 '^xord: cannot read the configuration \.: Is a directory' "$XORD" config check .
one_sentence 'without an end' 1 'larger than 1 MiB' "$XORD" config check /dev/zero
one_sentence 'no file' 1 'name the file: xord config check FILE' "$XORD" config check
one_sentence 'two files' 1 'one file at a time' "$XORD" config check "$file" "$file"
one_sentence 'no verb' 1 'config check FILE' "$XORD" config
one_sentence 'another verb' 1 'no `xord config mend`' "$XORD" config mend
one_sentence 'a default of something' 1 'takes no other' "$XORD" config default "$file"
file "key: $key" 'udp: x'
one_sentence 'a bootnode says it, too' 1 "^xord: $file, line 2, key udp: wants a number" "$XORD" bootnode --config "$file"
one_sentence 'even if the command line says otherwise' 1 'line 2, key udp: wants' "$XORD" bootnode --config "$file" --udp 0
one_sentence 'two files' 1 'given twice' "$XORD" bootnode --config "$file" --config "$file"
file 'key: nowhere.key'
one_sentence 'no key' 1 "^xord: $file, line 1, key key: cannot read key file" "$XORD" bootnode --config "$file"
file 'udp: 0'
one_sentence 'none at all' 1 "^xord: $file: a bootnode needs a key," "$XORD" bootnode --config "$file"

echo '== what a file says is what the options say'
file "key: $key" 'ip: [127.0.0.1, "::1"]' 'udp: 9001' 'workers: 2' 'limits: {address: 5000:10000}' 'json: yes' 'eal: []' \
  'bans: [192.0.2.0/24, 2001:db8::/32 12h]' 'idle: sleep'
right
"$XORD" config show "$file" >shown
for line in 'udp: 9001' '- ::1' '  prefix: 20000:40000' '- 2001:db8::/32 12h' 'json: yes'; do
  grep -qxF -e "$line" shown || { cat shown; fail "config show does not say '$line'"; }
done
ok 'config show'

# said EXPRESSION: of the record that the bootnode has printed.
said() {
  sed -n 's/.*"record":"\([^"]*\)".*/\1/p' bootnode.log >record
  [ -s record ] || grep '^enr:' bootnode.log >record
  "$XORD" enr show --json "$(head -n 1 record)" >record.json
  json record.json "$1"
}
start bootnode "$XORD" bootnode ${user:+--user "$user"} --config "$file"
wait_for bootnode.log 'enr:' 30
grep -q '^{"node_id"' bootnode.log || fail 'no JSON'
assert_eq 'the address' "$(said 'd["ip"], d["udp"], d["ip6"]')" "('127.0.0.1', 9001, '::1')"
stop "$started_pid"
assert_eq 'its end' "$stopped_code" 0
start bootnode "$XORD" bootnode ${user:+--user "$user"} --udp 9002 --config "$file" --ip 127.0.0.2
wait_for bootnode.log 'enr:' 30
assert_eq 'the command line goes before' "$(said 'd["ip"], d["udp"], d.get("ip6")')" "('127.0.0.2', 9002, None)"
stop "$started_pid"

echo '== SIGHUP'
ns_add node
ns_add peer
ns_link node eth0 peer eth0
ns_addr node eth0 10.0.1.1/24
ns_addr peer eth0 10.0.1.2/24
"$XORD" key new second.key >key.log
second=$("$XORD" enr new --key second.key --ip 10.0.1.2 --udp 9000)

# hangup PATTERN: reads the file again, and says so in one new line that matches, in the end.
hangup() {
  lines=$(wc -l <bootnode.log)
  kill -HUP "$bootnode"
  until_true 10 logged "$1" || fail "no line '$1' after SIGHUP"
  alive "$bootnode" || fail 'SIGHUP has ended the bootnode'
  ok "$1"
}
logged() { tail -n "+$((lines + 1))" bootnode.log | grep -qE -e "$1"; }
not_logged() { ! logged "$1" || fail "logged: $1"; }
load() { in_ns peer timeout "$(seconds 30)" "$XORD" load "$enr" --idle sleep --rate 200 --duration 2s --assert "$1"; }

file "key: $key" 'ip: 10.0.1.1' 'udp: 9000' 'limits:' '  address: 5000'
start bootnode in_ns node "$XORD" bootnode ${user:+--user "$user"} --config "$file" --workers 1
bootnode=$started_pid
wait_for bootnode.log '^enr:' 30
enr=$(record_of bootnode.log)
hangup "read $file again: nothing has changed"
succeeds 'no limit is felt' load 'loss<5%'

file "key: $key" 'ip: 10.0.1.1' 'udp: 9000' 'limits:' '  address: 10:10'
hangup "^xord: read $file again, and changed limits.address \\(line 5\\)\$"
succeeds 'a lower limit is' load 'loss>50%'

file "key: $key" 'ip: 10.0.1.1' 'udp: 9000' 'bans: [10.0.1.2, 192.0.2.0/24 1h]' 'log: debug' "bootnodes: $second"
hangup "^xord: read $file again, and changed bootnodes \\(line 6\\), limits.address, bans \\(line 4\\), log \\(line 5\\)\$"
assert_fails 'a ban' 3 in_ns peer "$XORD" ping --udp 9002 "$enr"
hangup "^xord: read $file again: nothing has changed"
file "key: $key" 'ip: 10.0.1.1' 'udp: 9000' 'bans: [192.0.2.0/24 1h]' 'log: debug' "bootnodes: $second"
hangup "^xord: read $file again, and changed bans \\(line 4\\)\$"
succeeds 'it is lifted' in_ns peer "$XORD" ping --udp 9002 "$enr"

file 'key: second.key' 'ip: [10.0.1.1, 10.0.1.3]' 'udp: 9001' 'workers: 2' 'bans: [192.0.2.0/24]' "bootnodes: $second" 'idle: spin' \
  'state: state' 'eal: [--nosuch]' 'request-timeout: 501' 'json: true'
hangup "^xord: read $file again, and changed bans \\(line 5\\), log\$"
for line in 'key \(line 1\)' 'ip \(line 2\)' 'udp \(line 3\)' 'idle \(line 7\)' 'state \(line 8\)' 'eal \(line 9\)' \
  'request-timeout \(line 10\)' 'json \(line 11\)'; do
  logged "^xord: warning: changing $line needs a restart\$" || fail "not a word on $line"
done
logged '^xord: warning: changing workers \(line 4\) has no effect: the command line says what it is$' || fail 'not a word on workers'
ok 'what cannot be changed is named'
succeeds 'and stays' in_ns peer "$XORD" ping --udp 9002 "$enr"

file "key: $key" 'bans: [10.0.1.2]' 'limits: {address: 10:10}' 'udp: x'
hangup "^xord: error: read $file again: it is wrong, and nothing was changed\$"
logged "^xord: $file, line 4, key udp: wants a number from 0 to 65535, not \"x\"\$" || fail 'why is not said'
not_logged 'needs a restart'
succeeds 'a wrong file changes nothing' load 'loss<5%'
echo 'a: b: c' >"$file"
hangup "^xord: $file, line 1: this is no valid YAML"
rm "$file"
hangup "^xord: cannot read the configuration $file: No such file"
succeeds 'nor does one that is gone' in_ns peer "$XORD" ping --udp 9002 "$enr"
file "key: $key" 'ip: 10.0.1.1' 'udp: 9000' 'bans: [192.0.2.0/24]' "bootnodes: $second"
hangup "^xord: read $file again: nothing has changed"
not_logged 'needs a restart'
stop "$bootnode"
assert_eq 'its end' "$stopped_code" 0

echo '== bans of a file are not remembered'
file "key: $key" 'ip: 10.0.1.1' 'state: state' 'bans: [10.0.1.2]'
start bootnode in_ns node "$XORD" bootnode ${user:+--user "$user"} --config "$file"
wait_for bootnode.log '^enr:' 30
enr=$(record_of bootnode.log)
assert_fails 'banned from the start' 3 in_ns peer "$XORD" ping --udp 9002 "$enr"
stop "$started_pid"
file "key: $key" 'ip: 10.0.1.1' 'state: state'
start bootnode in_ns node "$XORD" bootnode ${user:+--user "$user"} --config "$file"
wait_for bootnode.log '^enr:' 30
succeeds 'not any more when it is out of the file' in_ns peer "$XORD" ping --udp 9002 "$(record_of bootnode.log)"
stop "$started_pid"

if [ "$(id -u)" = 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ]; then
  echo '== a user who may not read the file'
  file "key: $key" 'ip: 10.0.1.1'
  start bootnode in_ns node "$XORD" bootnode --user nobody --config "$file"
  bootnode=$started_pid
  wait_for bootnode.log "^xord: warning: $file cannot be read again by the user that this node has become \(Permission" 30
  hangup "^xord: cannot read the configuration $file: Permission denied\$"
  stop "$bootnode"
  assert_eq 'its end' "$stopped_code" 0
fi

echo '== without a file'
start bootnode in_ns node "$XORD" bootnode ${user:+--user "$user"} --key "$key" --ip 10.0.1.1
bootnode=$started_pid
wait_for bootnode.log '^enr:' 30
hangup '^xord: warning: there is nothing to read again: the bootnode was started without --config FILE$'
stop "$bootnode"
assert_eq 'its end' "$stopped_code" 0
