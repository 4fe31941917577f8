#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes a Debian package of what `meson install` with --prefix=/usr has put below a directory, which stays as it is.
#   deb.sh STAGE DIRECTORY: prints the package's path, DIRECTORY/xord_VERSION_ARCHITECTURE.deb
# The same stage gives the same package, byte for byte, when SOURCE_DATE_EPOCH is the same.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
stage=$(cd "$1" && pwd)
out=$2
maintainer='the xord authors <xord@xord.invalid>'
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(date +%s)}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
root=$work/xord
doc=$root/usr/share/doc/xord

# What EAL loads at run time: buses and the pools' driver always; a network card's driver where there is one of that kind.
always='bus_pci bus_vdev mempool_ring'
drivers='net_af_packet net_af_xdp net_e1000 net_ena net_gve net_i40e net_iavf net_ice net_igc net_ixgbe net_memif net_mlx5 net_ring
  net_tap net_virtio net_vmxnet3'

version=$("$stage/usr/bin/xord" --version)
version=${version#xord }
architecture=$(dpkg --print-architecture)

# pmd_packages NAME...: the packages of DPDK's drivers, for a list of dependencies.
pmd_packages() {
  list=
  for name; do
    package=$(dpkg-query -S "*/dpdk/pmds-*/librte_$name.so.*" 2>/dev/null | sed -n '1s/[:,].*//p')
    [ -n "$package" ] || {
      echo "deb.sh: DPDK's driver $name is not installed; apt-get install libdpdk-dev" >&2
      exit 1
    }
    list="$list, $package"
  done
  echo "${list#, }"
}

# Libraries that the binary is linked with.
shared_libraries() {
  mkdir -p "$work/source/debian"
  printf 'Source: xord\n\nPackage: xord\nArchitecture: any\n' >"$work/source/debian/control"
  (cd "$work/source" && dpkg-shlibdeps -O -e"$root/usr/bin/xord" 2>"$work/shlibdeps.log") >"$work/depends" || {
    cat "$work/shlibdeps.log" >&2
    exit 1
  }
  sed -n 's/^shlibs:Depends=//p' "$work/depends"
}

# As Debian has them: no debug symbols, manual compressed, licence named copyright, a changelog, configuration below /etc.
arrange() {
  mkdir "$root"
  cp -a "$stage/." "$root"
  chmod -R u+rwX,go+rX,go-w "$root"
  strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/xord"
  find "$root/usr/share/man" -type f -exec gzip -9n {} +
  {
    printf 'xord: a Node Discovery v5.1 engine. All of it has this licence.\n\n'
    cat "$doc/LICENSE"
  } >"$doc/copyright"
  rm "$doc/LICENSE"
  mkdir -p "$root/etc/xord"
  mv "$root/usr/share/xord/bootnode.yaml" "$root/etc/xord"
  printf 'xord (%s) stable; urgency=medium\n\n  * Built from the source of this version.\n\n -- %s  %s\n' \
    "$version" "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.gz"
}

control() {
  # shellcheck disable=SC2086
  buses=$(pmd_packages $always)
  # shellcheck disable=SC2086
  recommends=$(pmd_packages $drivers)
  libraries=$(shared_libraries)
  cat <<END
Package: xord
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: adduser, $buses, $libraries
Recommends: $recommends
Section: net
Priority: optional
Description: Node Discovery v5.1 (discv5) engine: bootnode, crawler, test network
 xord speaks the protocol by which Ethereum nodes find each other. It runs
 bootnodes that keep answering under attack, crawls whole networks, and makes
 test networks of up to a million nodes and load with exact latency. Datagrams
 come from kernel sockets or, by DPDK, straight from the network card.
END
}

arrange
mkdir "$work/DEBIAN"
control >"$work/DEBIAN/control"
(cd "$root" && find etc -type f | sort | sed 's,^,/,') >"$work/DEBIAN/conffiles"
(cd "$root" && find usr -type f | sort | xargs md5sum) >"$work/DEBIAN/md5sums"
for script in postinst prerm postrm; do
  install -m 0755 "$here/$script" "$work/DEBIAN/$script"
done
mv "$work/DEBIAN" "$root"
# Times of files younger than the source would tell when this ran.
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$out"
package=$out/xord_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
echo "$package"
