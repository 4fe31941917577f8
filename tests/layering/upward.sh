#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Breaks the order of the layers in a copy of the tree and expects the build to say so: a dependency on a later layer
# stops configure, and an include that no declared dependency covers does not compile.
set -eu
src=${XORD_SRC:?}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 129' HUP INT TERM

fail() {
  echo "FAIL: $1"
  exit 1
}

fresh_copy() {
  rm -rf "$copy/tree"
  mkdir "$copy/tree"
  (cd "$src" && tar cf - meson.build meson_options.txt README.md LICENSE docs drivers-config lib app tests) | (cd "$copy/tree" && tar xf -)
}

configure() {
  meson setup -Dtests=none "$copy/tree/build" "$copy/tree" >"$copy/log" 2>&1
}

fresh_copy
configure || { cat "$copy/log"; fail 'the unchanged tree does not configure'; }
echo 'ok: the unchanged tree configures'

fresh_copy
echo "deps += ['node']" >>"$copy/tree/lib/base/meson.build"
configure && fail 'base may depend on node'
grep -q 'layer "base" depends on "node", which does not come before it' "$copy/log" ||
  { cat "$copy/log"; fail 'configure stops for another reason'; }
echo 'ok: a dependency on a later layer stops configure'

fresh_copy
configure
echo '#include "xord_enr.h"' >>"$copy/tree/lib/base/xord_hash.h"
python3 "$src/tests/layering/headers.py" "$copy/tree/build" "$copy/tree" >"$copy/log" 2>&1 &&
  fail 'a header of base may include one of enr'
grep -q "base/xord_hash.h does not compile alone" "$copy/log" ||
  { cat "$copy/log"; fail 'the header check stops for another reason'; }
echo 'ok: an include that no dependency covers does not compile'
