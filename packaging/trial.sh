#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs the package, uses it, removes it and purges it, and looks for what is left. As root on a Debian that can be thrown away: a
# container or a chroot.
#   trial.sh PACKAGE.deb
set -eu
deb=$(realpath "$1")
[ "$(id -u)" = 0 ] || {
  echo 'trial.sh: as root, on a Debian that can be thrown away' >&2
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
tmp=$(mktemp -d)
testnet=
cleanup() {
  [ -z "$testnet" ] || kill "$testnet" 2>/dev/null || true
  rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

fail() {
  echo "FAIL: $*"
  exit 1
}
ok() { echo "ok: $*"; }

# What the package may leave anywhere.
traces() {
  find / -xdev \( -path /proc -o -path /sys -o -path "$tmp" -o -path "${deb%/*}" -o -path "${TRIAL_IGNORE:-/nowhere}" \) -prune \
    -o -name '*xord*' -print
  grep -H xord /etc/passwd /etc/group /etc/shadow /etc/gshadow || true
}

traces | sort >"$tmp/before"
apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends "$deb" >"$tmp/install.log" 2>&1 || {
  tail -n 20 "$tmp/install.log"
  fail 'it does not install'
}
ok "installed: $(dpkg-query -W xord)"
assert_user=$(getent passwd xord) || fail 'there is no user xord'
ok "user: $assert_user"
xord --version || fail 'xord --version'
for command in $(xord --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
  [ -s "/usr/share/man/man1/xord-$command.1.gz" ] || grep -q '^path-exclude.*/usr/share/man' /etc/dpkg/dpkg.cfg.d/* ||
    fail "no manual page of xord $command"
done
ok 'each command has a manual page'
if [ -f /etc/xord/bootnode.yaml ]; then
  xord config check /etc/xord/bootnode.yaml && fail 'the default configuration has no key, and is right all the same'
  xord key new /etc/xord/node.key >/dev/null
  chown xord: /etc/xord/node.key
  sed 's/^#\(key\|state\):/\1:/' /etc/xord/bootnode.yaml >"$tmp/bootnode.yaml"
  xord config check "$tmp/bootnode.yaml" || fail 'the default configuration with a key'
  ok 'the default configuration with a key is right'
fi

xord testnet --nodes 500 --seed 1 --dead 0.1 --enrs "$tmp/testnet.enrs" >"$tmp/testnet.log" 2>&1 &
testnet=$!
tries=0
until grep -q '^ready' "$tmp/testnet.log"; do
  tries=$((tries + 1))
  [ $tries -le 300 ] || fail 'the testnet is not ready after 30 s'
  sleep 0.1
done
timeout 60 xord crawl --bootnodes "$tmp/testnet.enrs" --out "$tmp/nodes.json" --quiet >"$tmp/crawl.log" || fail 'the crawl'
grep -qE '^ +alive +450 ' "$tmp/crawl.log" || {
  cat "$tmp/crawl.log"
  fail 'the crawl did not find 450 living nodes'
}
kill "$testnet"
wait "$testnet" || true
testnet=
ok 'a crawl of a test network found its 450 living nodes'

dpkg --install "$deb" >"$tmp/again.log" 2>&1 || fail 'the same once more, as an upgrade does'
ok 'an upgrade to itself'
touch /var/lib/xord/state
apt-get -q -y -o Dpkg::Use-Pty=0 remove xord >"$tmp/remove.log" 2>&1 || fail 'it cannot be removed'
[ -f /var/lib/xord/state ] || fail 'removing it took the state away'
[ ! -e /usr/bin/xord ] || fail 'removing it left the program'
ok 'removed; the state stays'
apt-get -q -y -o Dpkg::Use-Pty=0 purge xord >"$tmp/purge.log" 2>&1 || fail 'it cannot be purged'
traces | sort >"$tmp/after"
grep -v -e '/var/log/' -e '/var/backups/' -e '/etc/[a-z]*-$' -e '/var/cache/' "$tmp/after" >"$tmp/left" || true
comm -13 "$tmp/before" "$tmp/left" | grep . && fail 'the above is left after a purge'
ok 'purged; nothing is left'
