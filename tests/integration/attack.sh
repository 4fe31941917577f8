#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The short form of `./run bench attack`: it runs, its figures fit together, and clients and memory survive. What a bootnode
# bears at full rates a busy machine does not tell.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
. "$XORD_SRC/tests/integration/cli.sh"
own_net "$@"

attack() { timeout "$(seconds 60)" sh "$XORD_SRC/perf/attack/run.sh" --seconds "$(seconds 1)" --scale 0.02 --out "$tmp/attack.json" "$@"; }
of_each() { json "$tmp/attack.json" "[a['kind'] for a in d['attacks'] if not ($1)]"; }

attack --kinds junk,bad-signature >"$tmp/attack.log" 2>&1 || fail 'the bench does not run'
assert_eq 'kinds over sockets' "$(json "$tmp/attack.json" "[a['kind'] for a in d['attacks'] if a['port'] == 'sockets']")" \
  "['junk', 'bad-signature']"
assert_at_least 'rows' "$(grep -cE '^(junk|bad-signature) +[0-9]+ ' "$tmp/attack.log")" 2
assert_eq 'all kinds were sent' "$(of_each "a['sent'] > 50")" '[]'
assert_eq 'all phases were seen' "$(of_each "all(a['pings'][p]['answered'] > 50 for p in ('before', 'during', 'after'))")" '[]'
assert_eq 'clients are answered during it' "$(of_each "a['pings']['during']['loss'] < 0.5")" '[]'
assert_eq 'and after it' "$(of_each "a['pings']['after']['loss'] < 0.2 and a['strangers']['after']['answered'] > 0")" '[]'
assert_eq 'memory does not grow' "$(of_each "a['rss_after_kib'] < a['rss_before_kib'] + 16384")" '[]'
assert_eq 'junk is counted as such' "$(json "$tmp/attack.json" "[a['kind'] for a in d['attacks']
  if a['kind'] == 'junk' and a['counters'].get('drop_not_discv5', 0) < a['taken'] / 2]")" '[]'
assert_eq 'forged signatures, too' "$(json "$tmp/attack.json" "[a['kind'] for a in d['attacks']
  if a['kind'] == 'bad-signature' and a['counters'].get('drop_handshake_signature', 0) < 5]")" '[]'
assert_eq 'what caught it is told' "$(json "$tmp/attack.json" "[a['caught_by'][0][0] for a in d['attacks']
  if a['kind'] == 'junk' and a['port'] == 'sockets']")" "['drop_not_discv5']"
assert_fails 'an unknown kind' 2 attack --kinds rude
