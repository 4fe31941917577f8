# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# `xord doctor` and drivers-config/setup-host on real drivers of Debian's kernel: a virtio-net card that the kernel has and no
# IOMMU is in front of, so that it goes to uio_pci_generic, and an e1000e behind an IOMMU, for vfio-pci. What doctor names is
# mended by pasting its commands, and then xord runs; see doctor_init.sh, which is all that the machine does.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"
. "$XORD_SRC/tests/nic/machine.sh"

image() {
  root=$tmp/root
  mkdir -p "$root/bin" "$root/usr/lib" "$root/usr/lib64" "$root/proc" "$root/sys" "$root/dev" "$root/modules" "$root/var/run"
  ln -s usr/lib usr/lib64 "$root/"
  install -m 755 "$XORD_SRC/tests/nic/doctor_init.sh" "$root/bin/init"
  install -m 755 "$XORD_SRC/drivers-config/setup-host" "$root/setup-host"
  install -m 755 "$machine_parts/busybox" "$root/bin/"
  for applet in sh awk basename cat dirname grep id ip ln mkdir modprobe mount poweroff readlink rm sed sleep sort stty true uname; do
    ln -s busybox "$root/bin/$applet"
  done
  cp "$machine_parts"/*.ko "$root/modules/"
  (umask 077 && printf '%064d\n' 1 >"$root/key")
  machine_copy_xord
  (cd "$root" && find . | "$machine_parts/busybox" cpio -o -H newc) >"$tmp/initramfs" 2>"$tmp/cpio.err" ||
    fail "no initramfs: $(cat "$tmp/cpio.err")"
  rm -rf "$root"
}

# machine KIND QEMU-OPTION...: until it is off
machine() {
  kind=$1
  shift
  echo "== $kind"
  start machine timeout "$(seconds 100)" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
    -accel tcg,thread=multi -cpu max -smp 2 -m "$MACHINE_MB" -kernel "$machine_parts/vmlinuz" -initrd "$tmp/initramfs" \
    -serial stdio -netdev hubport,id=net,hubid=0 "$@" -append "console=ttyS0 loglevel=3 panic=-1 tsc=reliable \
random.trust_cpu=on intel_iommu=on rdinit=/bin/init -- $kind"
  wait "$started_pid" || fail "QEMU ended with exit code $?"
  grep '^machine: ' "$tmp/machine.log" || true
  grep -q '^machine: done' "$tmp/machine.log" || fail "$kind: it has not come to its end"
  machine_expect 'doctor sees nothing that keeps xord from working' '^machine: exit code of doctor: 0'
}

image
machine virtio -device virtio-net-pci,netdev=net,romfile=
machine_expect 'without an IOMMU it is uio_pci_generic' '^machine: setup-host: virtio-pci, uio_pci_generic, virtio-pci again; hugepages 0'
machine_expect 'the default route is left alone' "^machine: refused: .* \(eth0\) carries this host's default route"
machine e1000e -M q35,kernel-irqchip=split -device intel-iommu,intremap=on,caching-mode=on -device e1000e,netdev=net,romfile=
machine_expect 'behind an IOMMU it is vfio-pci' '^machine: setup-host: none, vfio-pci, none again; hugepages 0'
