#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The first example of each page of the manual works as it stands, on a machine with a loopback device and nothing else.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"

mkdir "$tmp/bin"
ln -s "$XORD" "$tmp/bin/xord"
# Patience grows with the build's slowness.
cat >"$tmp/bin/sleep" <<END
#!/bin/sh
exec "$(command -v sleep)" \$((\$1 * $(seconds 1)))
END
chmod +x "$tmp/bin/sleep"

# example PAGE: the first block below EXAMPLES.
example() {
  awk '/^# / { below = $2 == "EXAMPLES" } /^```/ { if (below && inside++) exit; next } below && inside' "$1"
}

commands=$("$XORD" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
tried=0
for page in "$XORD_SRC"/docs/man/xord*.1.scd; do
  name=${page##*/}
  name=${name%.1.scd}
  case " xord $(echo "$commands" | sed 's/^/xord-/' | tr '\n' ' ')" in
    *" $name "*) ;;
    *) continue ;; # of a command that this binary does not have
  esac
  mkdir "$tmp/$name"
  {
    # What it leaves running ends with it; -e alone would not look at those.
    # shellcheck disable=SC2016
    echo 'set -eu; trap "kill \$(jobs -p) 2>/dev/null || :; wait" EXIT'
    example "$page"
  } >"$tmp/$name/example"
  [ "$(wc -l <"$tmp/$name/example")" -gt 1 ] || fail "$name has no example"
  (cd "$tmp/$name" && PATH=$tmp/bin:$PATH XDG_RUNTIME_DIR=$tmp/$name timeout "$(seconds 60)" bash example) \
    >"$tmp/$name.log" 2>&1 || { cat "$tmp/$name/example"; fail "the example of $page"; }
  [ -s "$tmp/$name.log" ] || fail "the example of $name prints nothing"
  ok "$name"
  rm "$tmp/$name.log"
  tried=$((tried + 1))
done
assert_at_least 'examples' $tried 10
