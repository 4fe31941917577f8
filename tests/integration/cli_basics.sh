#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What a new user types first: help, keys, records.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

commands='key enr ping findnode talk lookup bootnode ctl testnet crawl'
key=$tmp/node.key

# --- help ----------------------------------------------------------------------------------------------------------

# glibc's argp does not free all that printing help took.
sanitizer_options=${ASAN_OPTIONS:-}
export ASAN_OPTIONS="$sanitizer_options:detect_leaks=0"
for how in --help -h help; do
  succeeds "xord $how" "$XORD" "$how"
  for command in $commands; do
    grep -qE "^  $command +[^ ]" "$tmp/stdout" || fail "xord $how does not list $command"
  done
done
for command in $commands 'enr show' 'enr new'; do
  # shellcheck disable=SC2086  # "enr show" is two words
  succeeds "xord $command --help" "$XORD" $command --help
  assert_match "xord $command --help says how" "$(cat "$tmp/stdout")" "^Usage: xord $command"
  [ "$(awk '{ if (length > n) n = length } END { print n }' "$tmp/stdout")" -le 80 ] || fail "$command --help: long lines"
done
succeeds 'xord help crawl' "$XORD" help crawl
assert_match 'help of a command' "$(cat "$tmp/stdout")" '^Usage: xord crawl'
export ASAN_OPTIONS="$sanitizer_options"
succeeds 'xord --version' "$XORD" --version
assert_match 'version' "$(cat "$tmp/stdout")" '^xord [0-9]+\.[0-9]+\.[0-9]+$'
for command in ping findnode talk lookup bootnode ctl testnet crawl key enr 'key new' 'key show' 'enr show' 'enr new'; do
  # shellcheck disable=SC2086
  one_sentence "xord $command without arguments" 1 . "$XORD" $command
done

# --- keys ----------------------------------------------------------------------------------------------------------

succeeds 'key new' "$XORD" key new "$key"
cp "$tmp/stdout" "$tmp/new"
assert_match 'key new prints the node id' "$(cat "$tmp/new")" '^node id +[0-9a-f]{64}$'
assert_match 'key new prints the public key' "$(cat "$tmp/new")" '^public key +0[23][0-9a-f]{64}$'
assert_match 'a key file holds 64 hex digits' "$(cat "$key")" '^[0-9a-f]{64}$'
assert_eq 'mode of a key file' "$(stat -c %a "$key")" 600
(umask 0 && "$XORD" key new "$tmp/umask.key" >/dev/null)
assert_eq 'mode of a key file without a umask' "$(stat -c %a "$tmp/umask.key")" 600
! grep -q "$(cat "$key")" "$tmp/new" || fail 'key new prints the secret'
succeeds 'key show' "$XORD" key show "$key"
cmp "$tmp/stdout" "$tmp/new" || fail 'key show does not print what key new did'
[ ! -s "$tmp/stderr" ] || fail 'key show complains'
succeeds 'key show --json' "$XORD" key show --json "$key"
id=$(sed -n 's/^node id  *//p' "$tmp/new")
assert_eq 'node id in JSON' "$(json "$tmp/stdout" 'd["node_id"]')" "$id"
cp "$key" "$tmp/before"
one_sentence 'key new over a key' 1 'exists already' "$XORD" key new "$key"
cmp "$key" "$tmp/before" || fail 'key new overwrote a key'
ln -s "$tmp/nowhere" "$tmp/link"
one_sentence 'key new over a symbolic link' 1 'exists already' "$XORD" key new "$tmp/link"
"$XORD" key new "$tmp/other.key" >/dev/null
! cmp -s "$key" "$tmp/other.key" || fail 'two keys are the same'
cp "$key" "$tmp/open.key"
chmod 640 "$tmp/open.key"
for mode in 640 604 620 602 610; do
  chmod $mode "$tmp/open.key"
  for command in 'key show' 'enr new --key' 'bootnode --ip 127.0.0.1 --key'; do
    # shellcheck disable=SC2086
    one_sentence "a key that others can open ($mode): $command" 1 "mode 0$mode\\): chmod 600 $tmp/open.key" \
      "$XORD" $command "$tmp/open.key"
  done
done
chmod 400 "$tmp/open.key"
succeeds 'a key that its owner cannot write' "$XORD" key show "$tmp/open.key"
chmod 440 "$tmp/open.key"
succeeds 'a credential of systemd, for a group' env CREDENTIALS_DIRECTORY="$tmp" "$XORD" key show "$tmp/open.key"
one_sentence 'not one' 1 'chmod 600' env CREDENTIALS_DIRECTORY="$tmp/other" "$XORD" key show "$tmp/open.key"
chmod 444 "$tmp/open.key"
one_sentence 'a credential for everybody' 1 'chmod 600' env CREDENTIALS_DIRECTORY="$tmp" "$XORD" key show "$tmp/open.key"
printf ' \n%s\r\n' "$(tr a-f A-F <"$key")" >"$tmp/upper.key"
chmod 600 "$tmp/upper.key"
succeeds 'a key in capitals, with white space' "$XORD" key show "$tmp/upper.key"
cmp "$tmp/stdout" "$tmp/new" || fail 'a key in capitals is another key'

# --- records -------------------------------------------------------------------------------------------------------

succeeds 'enr new' "$XORD" enr new --key "$key" --seq 7 --ip 203.0.113.5 --ip 2001:db8::5 --udp 9000 --tcp 30303 \
  --udp6 9001 --tcp6 30304 --set eth2=b5303f2a00000000ffffffffffffffff --set attnets=0x0100000000000080 \
  --set syncnets=03 --set cgc=0x80 --set eth=rlp:c7c684fc64ec0480 --set unknown=00ff --set 'od"d=' --set list=rlp:c20180
record=$(cat "$tmp/stdout")
assert_match 'a record is text' "$record" '^enr:[A-Za-z0-9_-]+$'
"$XORD" enr new --key "$key" --ip 203.0.113.5 >"$tmp/a"
"$XORD" enr new --key "$key" --ip 203.0.113.5 >"$tmp/b"
cmp "$tmp/a" "$tmp/b" || fail 'the same options give two records'
succeeds 'enr show' "$XORD" enr show "$record"
assert_match 'its id is the key'"'"'s' "$(cat "$tmp/stdout")" "^node id +$id\$"
assert_match 'it is valid' "$(cat "$tmp/stdout")" '^valid +yes$'
succeeds 'enr show --json' "$XORD" enr show --json "$record"
assert_eq 'fields of the JSON form' "$(json "$tmp/stdout" '" ".join(d)')" \
  'node_id seq valid error ip udp tcp ip6 udp6 keys'
assert_eq 'endpoint' "$(json "$tmp/stdout" '[d[k] for k in ("ip", "udp", "tcp", "ip6", "udp6")]')" \
  "['203.0.113.5', 9000, 30303, '2001:db8::5', 9001]"
assert_eq 'identity' "$(json "$tmp/stdout" '(d["node_id"], d["seq"], d["valid"], d["error"])')" "('$id', 7, True, None)"
assert_eq 'eth2' "$(json "$tmp/stdout" 'd["keys"]["eth2"]["fork_digest"]')" 0xb5303f2a
assert_eq 'numbers, bits, lists' \
  "$(json "$tmp/stdout" '[d["keys"][k] for k in ("cgc", "attnets", "eth", "tcp6")]')" \
  "[128, '0x0100000000000080', {'fork_hash': '0xfc64ec04', 'fork_next': 0}, 30304]"
assert_eq 'unknown keys' "$(json "$tmp/stdout" '[d["keys"][k] for k in ("unknown", "od\"d", "list")]')" \
  "['0x00ff', '0x', '0xc20180']"
succeeds 'a seq of 64 bits' "$XORD" enr new --key "$key" --seq 18446744073709551615
succeeds 'is shown' "$XORD" enr show --json "$(cat "$tmp/stdout")"
assert_eq 'as it is' "$(json "$tmp/stdout" 'd["seq"]')" 18446744073709551615

# --- many records, in all forms ------------------------------------------------------------------------------------

{
  echo '# a file of records'
  for port in 1 2 3; do
    "$XORD" enr new --key "$key" --ip 203.0.113.5 --udp "$port" --seq "$port"
    echo
  done
} >"$tmp/many.enrs"
succeeds 'a file of records' "$XORD" enr show "$tmp/many.enrs"
assert_eq 'a table has a line for each, and a head' "$(wc -l <"$tmp/stdout")" 4
assert_eq 'the count' "$(cat "$tmp/stderr")" 'xord: 3 of 3 valid'
"$XORD" enr show --json - <"$tmp/many.enrs" >"$tmp/many.json" 2>/dev/null
assert_eq 'standard input' "$(json "$tmp/many.json" '[(l["udp"], l["seq"]) for l in lines]')" '[(1, 1), (2, 2), (3, 3)]'
one=$(record_of "$tmp/many.enrs")
printf '{"%s": {"seq": 1, "record": "%s"}, "%064d": {"record": "%s"}}' "$id" "$one" 1 "$one" >"$tmp/nodes.json"
run_command "$XORD" enr show --json "$tmp/nodes.json"
assert_eq 'a wrong id in a nodes.json: exit code' "$code" 1
assert_eq 'and which' "$(json "$tmp/stdout" '[l["valid"] for l in lines]')" '[True, False]'
assert_match 'and why' "$(cat "$tmp/stderr")" '^xord: 1 of 2 valid; .*filed under another node id'
flipped=$(printf %s "$one" | sed 's/^\(enr:.\{40\}\)./\1_/')
[ "$flipped" != "$one" ] || flipped=$(printf %s "$one" | sed 's/^\(enr:.\{40\}\)./\1-/')
run_command "$XORD" enr show "$one" "$flipped" enr:AAAA "$one"
assert_eq 'invalid records: exit code' "$code" 1
assert_match 'a table shows them among the others' "$(cat "$tmp/stdout")" ' NO +signature does not verify$'
assert_match 'and the count is on stderr' "$(cat "$tmp/stderr")" '^xord: 2 of 4 valid; the first invalid is enr:'
"$XORD" enr show "$tmp/many.enrs" 2>/dev/null | head -n 1 >/dev/null
ok 'a reader that goes away'

# --- damaged records -----------------------------------------------------------------------------------------------

# flips FILE BYTES: each record of a file (text, or nodes.json) with one wrong byte, at BYTES places; 0: at each.
flips() {
  python3 - "$1" "$2" <<'END'
import base64, random, re, sys

random.seed(1)
for text in re.findall(r'enr:([A-Za-z0-9_-]+)', open(sys.argv[1]).read()):
    raw = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    places = range(len(raw)) if sys.argv[2] == '0' else random.sample(range(len(raw)), int(sys.argv[2]))
    for place in places:
        bad = bytearray(raw)
        bad[place] ^= random.randrange(1, 256)
        print('enr:' + base64.urlsafe_b64encode(bad).decode().rstrip('='))
END
}

none_valid() { # WHAT FILE
  code=0
  "$XORD" enr show --json - <"$2" >"$tmp/stdout" 2>"$tmp/stderr" || code=$?
  assert_eq "$1: exit code" "$code" 1
  assert_eq "$1: valid, all reported" \
    "$(json "$tmp/stdout" 'sum(l["valid"] for l in lines), len(lines)')" "(0, $(wc -l <"$2"))"
}

echo "$record" >"$tmp/one"
flips "$tmp/one" 0 >"$tmp/flips"
none_valid 'a record with each of its bytes flipped' "$tmp/flips"
real=${XORD_SHARED_DATA:-/nonexistent}/nodes-mainnet-2020.json
if [ -f "$real" ]; then
  succeeds 'real records' "$XORD" enr show --json "$real"
  assert_eq 'all of them are valid' "$(cat "$tmp/stderr")" 'xord: 1127 of 1127 valid'
  cp "$tmp/stdout" "$tmp/real.json"
  assert_eq 'and each is what it is filed under' \
    "$(json "$tmp/real.json" '[l["node_id"] for l in lines] == list(__import__("json").load(open("'"$real"'")))')" True
  flips "$real" 4 >"$tmp/flips"
  none_valid 'real records with a byte flipped' "$tmp/flips"
fi
