# shellcheck shell=sh disable=SC2154  # lib.sh sets $tmp
# SPDX-License-Identifier: BSD-3-Clause
# Common ground of the tests of the commands; to be read after lib.sh.

# one_sentence WHAT EXIT-CODE PATTERN COMMAND...: the command fails so, says so in one sentence on stderr that grep -E finds
# PATTERN in, and prints no result.
one_sentence() {
  what=$1 want=$2 pattern=$3
  shift 3
  run_command "$@"
  [ "$code" = "$want" ] || refuse "exit code $code, want $want"
  [ "$(wc -l <"$tmp/stderr")" = 1 ] || refuse 'not one line on stderr'
  grep -qE '^xord: .' "$tmp/stderr" || refuse 'no sentence of ours on stderr'
  grep -qiE -e "$pattern" "$tmp/stderr" || refuse "stderr does not match '$pattern'"
  [ ! -s "$tmp/stdout" ] || refuse 'something on stdout'
  ok "$what: $(cat "$tmp/stderr")"
}

# usage_error WHAT PATTERN COMMAND...: what the option parser itself refuses: exit code 2, and a hint where to read more.
usage_error() {
  what=$1 pattern=$2
  shift 2
  run_command "$@"
  [ "$code" = 2 ] || refuse "exit code $code, want 2"
  grep -qE -e "$pattern" "$tmp/stderr" || refuse "stderr does not match '$pattern'"
  [ "$(wc -l <"$tmp/stderr")" -le 2 ] || refuse 'more than two lines on stderr'
  grep -qE -e '--help' "$tmp/stderr" || refuse 'no hint where to read more'
  ok "$what: $(head -n 1 "$tmp/stderr")"
}

# succeeds WHAT COMMAND...: results in $tmp/stdout.
succeeds() {
  what=$1
  shift
  run_command "$@"
  [ "$code" = 0 ] || refuse "exit code $code"
  ok "$what"
}

# Sets $code.
run_command() {
  code=0
  limited "$@" >"$tmp/stdout" 2>"$tmp/stderr" </dev/null || code=$?
}

# A command that hangs is killed; functions, which timeout cannot run, call this themselves.
limited() {
  case $(command -v "$1") in
    /*) timeout "$(seconds 60)" "$@" ;;
    *) "$@" ;;
  esac
}

refuse() {
  printf -- '--- stdout\n%s\n--- stderr\n%s\n' "$(head -c 4000 "$tmp/stdout")" "$(head -c 4000 "$tmp/stderr")"
  fail "$what: $1"
}

# unprivileged COMMAND...: without any capability, so that permissions count even for root.
unprivileged() { limited setpriv --bounding-set=-all --inh-caps=-all "$@"; }

# json FILE EXPRESSION: the value of a Python expression over the parsed file, `d`, and the lines of an NDJSON file, `lines`.
json() {
  python3 - "$1" "$2" <<'END'
import json, sys

text = open(sys.argv[1]).read()
try:
    d, lines = json.loads(text), None
except json.JSONDecodeError:
    d, lines = None, [json.loads(line) for line in text.splitlines()]
print(eval('(' + sys.argv[2] + '\n)', {'d': d, 'lines': lines if lines is not None else [d]}))
END
}

# start_testnet NAME OPTION...: returns when it is ready; its records are in $tmp/NAME.enrs.
start_testnet() {
  testnet_name=$1
  shift
  start "$testnet_name" "$XORD" testnet --enrs "$tmp/$testnet_name.enrs" "$@"
  wait_for "$tmp/$testnet_name.log" '^ready' 60
}

# record_of NAME: the first record in a log or in a file of records.
record_of() { grep -m 1 '^enr:' "$1"; }
