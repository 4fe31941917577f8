#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs the discv5 nodes that others wrote and that the interop tests talk to:
#
#   install.sh [DIRECTORY [PEER...]]        default: build/peers of this tree, and all
#
#   chainsafe   JavaScript, @chainsafe/discv5 10.0.1; node 18 (Debian 12's nodejs) and npm
#   geth        Go, p2p/discover of go-ethereum 1.12.2, the last release that Debian 12's golang-go 1.19 builds
#   sigp        Rust, discv5 0.10.4 with its dependencies held back to rustc 1.78; Debian 12's rustc is 1.63, which none
#               of the crate's present dependencies build with, but rustc-web stands beside it: 1.78 or later
#   hdrhistogram
#               Python, hdrhistogram 0.10.3: no node, but a reader of what xord load logs
#   all         these four
#   devp2p      go-ethereum's own command, same version, for `devp2p discv5 test ENR`; not part of all
#
# Leaves DIRECTORY/bin/xord-peer-chainsafe, -geth, -sigp, -hdrhistogram, devp2p. What is pinned where: the lock file
# in each peer's directory. A second run does nothing unless the peer's files changed. Debian packages are installed as
# root, or by sudo where that asks no password, and only if there is no suitable program; none is ever removed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

usage() {
  echo 'usage: install.sh [DIRECTORY [chainsafe|geth|sigp|hdrhistogram|all|devp2p]...]' >&2
  exit 2
}

# give_up WHY: the one sentence of a failed install. Reads $peer.
give_up() {
  echo "install.sh: the peer $peer is not installed: $1" >&2
  exit 1
}

# try WHY COMMAND...: its output goes to the peer's log.
try() {
  why=$1
  shift
  "$@" >>"$log" 2>&1 </dev/null || give_up "$why; see $log"
}

# --- Debian packages -------------------------------------------------------------------------------------------------

apt_get() {
  set -- env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
  [ "$(id -u)" = 0 ] || set -- sudo -n "$@"
  "$@"
}

packages() {
  command -v apt-get >/dev/null || give_up "it needs $* or what they provide"
  [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || give_up "it needs the packages $*, which only root can install"
  echo "installing: $*"
  # An update that fails for one of several sources may have brought what is needed.
  apt_get update >>"$log" 2>&1 </dev/null || true
  try "apt-get could not install $*" apt_get install --no-install-recommends --no-remove "$@"
}

# at_least LEAST MINOR: both numbers; anything else is no.
at_least() {
  case $2 in
    '' | *[!0-9]*) return 1 ;;
  esac
  [ "$2" -ge "$1" ]
}

node_fits() {
  command -v npm >/dev/null && at_least 18 "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)"
}

go_fits() {
  at_least 19 "$(go env GOVERSION 2>/dev/null | sed -nE 's/^go1\.([0-9]+).*/\1/p')"
}

rust_fits() {
  cargo --version >/dev/null 2>&1 && at_least 78 "$(rustc --version 2>/dev/null | sed -nE 's/^rustc 1\.([0-9]+).*/\1/p')"
}

# --- building --------------------------------------------------------------------------------------------------------

# sources TO: a fresh copy of the peer's files, so that nothing is ever written into the source tree.
sources() {
  mkdir -p "$1"
  cp -R "$here/$peer/." "$1"
}

install_chainsafe() {
  node_fits || packages nodejs npm ca-certificates
  node_fits || give_up 'it needs node 18 or later, and npm'
  dir=$build/chainsafe
  sources "$dir"
  # Without scripts there is nothing to compile: the library's crypto package has a JavaScript half.
  try 'npm could not install its packages' npm --prefix "$dir" ci --ignore-scripts --no-audit --no-fund --omit=dev
  printf '#!/bin/sh\nexec node "%s/peer.mjs" "$@"\n' "$dir" >"$bin/xord-peer-chainsafe.new"
  chmod +x "$bin/xord-peer-chainsafe.new"
  mv "$bin/xord-peer-chainsafe.new" "$bin/xord-peer-chainsafe"
}

# The C half of the crypto package makes handshakes ten times quicker, where there is a C compiler.
c_compiles() {
  printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | "${CC:-gcc}" -x c -o "$build/.c-works" - 2>/dev/null
}

# go_build PACKAGE OUTPUT FLAG...: in the current directory.
go_build() {
  package=$1 output=$2
  shift 2
  cgo=0
  ! c_compiles || cgo=1
  try 'go build failed' env GOTOOLCHAIN=local GOFLAGS= CGO_ENABLED="$cgo" go build -buildvcs=false -trimpath "$@" \
    -o "$output" "$package"
}

install_geth() {
  go_fits || packages golang-go ca-certificates
  go_fits || give_up 'it needs go 1.19 or later'
  sources "$build/geth"
  cd "$build/geth"
  go_build . "$bin/xord-peer-geth"
}

install_devp2p() {
  go_fits || packages golang-go ca-certificates
  go_fits || give_up 'it needs go 1.19 or later'
  sources "$build/devp2p"
  cd "$build/devp2p"
  set --
  # Go's linker from 1.23 on refuses names that one of the command's dependencies takes from the runtime.
  ! at_least 23 "$(go env GOVERSION | sed -nE 's/^go1\.([0-9]+).*/\1/p')" || set -- -ldflags=-checklinkname=0
  go_build github.com/ethereum/go-ethereum/cmd/devp2p "$bin/devp2p" "$@"
}

install_sigp() {
  rust_fits || packages rustc-web cargo-web ca-certificates
  rust_fits || give_up 'it needs rustc 1.78 or later, and cargo'
  sources "$build/sigp"
  cd "$build/sigp"
  try 'cargo build failed' cargo build --release --locked --target-dir "$build/sigp/target"
  cp target/release/xord-interop-peer-sigp "$bin/xord-peer-sigp.new"
  mv "$bin/xord-peer-sigp.new" "$bin/xord-peer-sigp"
}

pip_fits() {
  python3 -m pip --version >/dev/null 2>&1
}

install_hdrhistogram() {
  pip_fits || packages python3-pip ca-certificates
  pip_fits || give_up 'it needs python 3 and pip'
  dir=$build/hdrhistogram
  rm -rf "$dir"
  sources "$dir"
  try 'pip could not install it' python3 -m pip install --quiet --no-deps --only-binary :all: --target "$dir/packages" \
    -r "$dir/requirements.txt"
  printf '#!/bin/sh\nPYTHONPATH="%s/packages" exec python3 "%s/read.py" "$@"\n' "$dir" "$dir" \
    >"$bin/xord-peer-hdrhistogram.new"
  chmod +x "$bin/xord-peer-hdrhistogram.new"
  mv "$bin/xord-peer-hdrhistogram.new" "$bin/xord-peer-hdrhistogram"
}

# --- which of them ---------------------------------------------------------------------------------------------------

stamp_of() {
  (cd "$here" && find "$peer" -type f | sort | xargs cksum && cksum install.sh)
}

program_of() {
  case $peer in
    devp2p) echo "$bin/devp2p" ;;
    *) echo "$bin/xord-peer-$peer" ;;
  esac
}

install_peer() {
  peer=$1
  log=$build/log/$peer.log
  stamp=$build/.installed-$peer
  if [ -x "$(program_of)" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(stamp_of)" ]; then
    return 0
  fi
  echo "installing the peer $peer"
  : >"$log"
  rm -f "$stamp"
  case $peer in
    chainsafe) install_chainsafe ;;
    geth) install_geth ;;
    sigp) install_sigp ;;
    hdrhistogram) install_hdrhistogram ;;
    devp2p) install_devp2p ;;
  esac
  stamp_of >"$stamp"
}

case ${1:-} in
  -*) usage ;;
esac
build=${1:-$here/../../../build/peers}
[ $# = 0 ] || shift
[ $# != 0 ] || set -- all
wanted=
for name; do
  case $name in
    all) wanted="$wanted chainsafe geth sigp hdrhistogram" ;;
    chainsafe | geth | sigp | hdrhistogram | devp2p) wanted="$wanted $name" ;;
    *) usage ;;
  esac
done

# Each in a process of its own: a failure ends that one only.
case $wanted in
  *' '*' '*)
    failed=0
    for name in $wanted; do
      sh "$here/install.sh" "$build" "$name" || failed=1
    done
    exit $failed
    ;;
esac

mkdir -p "$build/bin" "$build/log"
build=$(cd "$build" && pwd)
bin=$build/bin
HOME=${HOME:-$build}
export HOME
exec 9>"$build/.lock"
flock 9
install_peer "${wanted# }"
