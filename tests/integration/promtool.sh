#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Puts Prometheus' promtool into a directory. Debian has it in the package of the server, which would start a service: so it is
# unpacked, not installed.
set -eu
dir=$1

[ ! -x "$dir/promtool" ] || exit 0
if found=$(command -v promtool); then
  ln -sf "$found" "$dir/promtool"
  exit 0
fi
mkdir -p "$dir"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp" # apt downloads as a user of its own
(
  cd "$tmp"
  apt-get -q download prometheus >log 2>&1 || { apt-get -q update && apt-get -q download prometheus; } >log 2>&1 || {
    cat log >&2
    echo 'promtool.sh: cannot get promtool; install the package prometheus, or run apt-get update' >&2
    exit 1
  }
  dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >promtool
)
chmod 755 "$tmp/promtool"
mv "$tmp/promtool" "$dir/promtool"
