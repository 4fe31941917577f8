#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Brings what the machine of these tests is made of: Debian's newest cloud kernel, of its modules those that give a device
# to a program and virtio's own, and a static busybox.
#
#   install.sh [DIRECTORY]     default: build/nic of this tree; leaves vmlinuz, the modules (*.ko) and busybox there
#
# The packages are unpacked, not installed: a test should leave no kernel in /boot, and busybox-static would put out
# busybox. A second run does nothing.
set -eu
META=linux-image-cloud-amd64
MODULES='uio uio_pci_generic irqbypass vfio vfio_virqfd vfio_iommu_type1 vfio-pci-core vfio-pci virtio virtio_ring
  virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_net'
here=$(cd "$(dirname "$0")" && pwd)

die() {
  echo "install.sh: $1" >&2
  exit 1
}

is_complete() {
  for part in vmlinuz busybox; do [ -s "$dir/$part" ] || return 1; done
  for module in $MODULES; do [ -s "$dir/$module.ko" ] || return 1; done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The metapackage depends on the kernel, whose name has its version in it.
try_download() {
  kernel=$(apt-cache depends --important "$META" | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
  [ -n "$kernel" ] && apt-get -q download "$kernel" busybox-static
}

# The lists may be older than what the mirror has, or not there at all.
download() { try_download || { as_root apt-get -q update && try_download; }; }

unpack() {
  for package in ./*.deb; do dpkg-deb -x "$package" tree || return 1; done
  for module in $MODULES; do
    find tree/lib/modules -name "$module.ko" -exec mv '{}' "$dir/" \; || return 1
  done
  find tree -path '*/bin/busybox' -exec mv '{}' "$dir/" \; || return 1
  mv tree/boot/vmlinuz-* "$dir/vmlinuz"
}

dir=${1:-$here/../../build/nic}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
! is_complete || exit 0
command -v apt-get >/dev/null || die "this takes Debian's packages $META and busybox-static, and there is no apt-get"
echo "downloading a kernel ($META) and busybox-static"
log=$dir/install.log
rm -rf "$dir/new"
mkdir "$dir/new"
cd "$dir/new"
download >"$log" 2>&1 || die "apt-get could not download what $META depends on, or busybox-static; see $log"
unpack >>"$log" 2>&1 || die "dpkg-deb could not unpack the kernel or busybox; see $log"
cd /
rm -rf "$dir/new"
is_complete || die "the packages do not hold a kernel, its modules and busybox; see $log"
