#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The first program of the machine of doctor.sh. Its card is the kernel's (virtio), or nobody's and behind an IOMMU (e1000e);
# `xord doctor` says what is to be done, which is done by pasting, until xord runs on the card. Then setup-host does the same,
# and undoes it.
say() { echo "machine: $*"; }

off() { # [WHY]
  [ $# = 0 ] || say "FAIL: $*"
  poweroff -f
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty -onlcr -echo
export TERM=dumb

# What depmod would write.
modules_make() {
  mkdir -p /usr/lib/modules
  ln -s /modules "/lib/modules/$(uname -r)"
  cat >/modules/modules.dep <<'END'
uio.ko:
uio_pci_generic.ko: uio.ko
irqbypass.ko:
vfio_virqfd.ko:
vfio.ko:
vfio_iommu_type1.ko: vfio.ko
vfio-pci-core.ko: irqbypass.ko vfio_virqfd.ko vfio_iommu_type1.ko vfio.ko
vfio-pci.ko: vfio-pci-core.ko irqbypass.ko vfio_virqfd.ko vfio_iommu_type1.ko vfio.ko
virtio_ring.ko:
virtio.ko: virtio_ring.ko
virtio_pci_legacy_dev.ko:
virtio_pci_modern_dev.ko:
virtio_pci.ko: virtio_pci_modern_dev.ko virtio_pci_legacy_dev.ko virtio.ko virtio_ring.ko
failover.ko:
net_failover.ko: failover.ko
virtio_net.ko: net_failover.ko failover.ko virtio.ko virtio_ring.ko
END
}

card_find() {
  for device in /sys/bus/pci/devices/*; do
    case $(cat "$device/class") in
      0x0200*) card=${device##*/} ;;
    esac
  done
  [ -n "$card" ] || off 'no network card'
  port=dpdk:$card
}

driver() { basename "$(readlink "/sys/bus/pci/devices/$card/driver" || echo none)"; }

# line CHECK: what doctor says of it
line() { xord doctor --port "$port" | grep -E "^[okwarnFAIL]+ +$1 "; }

# mends CHECK: the command that doctor prints is run, and then doctor says ok
mends() {
  fix=$(line "$1" | sed -n 's/.* - mend: //p')
  [ -n "$fix" ] || off "no command mends $1: $(line "$1")"
  sh -c "$fix" || off "'$fix' ends with $?"
  line "$1" | grep -q '^ok' || off "'$fix' does not mend $1: $(line "$1")"
  say "$1 mended by: $fix"
}

runs() {
  xord bootnode --key /key --port "$port" --ip 10.60.0.2/24 --idle sleep >/log 2>&1 &
  bootnode=$!
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    sleep 1
    grep -q '^enr:' /log && break
  done
  grep -q '^enr:' /log || off "xord does not run: $(cat /log)"
  kill -INT $bootnode
  wait $bootnode
  say "xord runs by $(driver)"
}

set_up() {
  /setup-host "$@" >/log 2>&1 || off "setup-host $*: $(cat /log)"
}

modules_make
card=
case $1 in
  virtio)
    modprobe virtio_pci
    modprobe virtio_net
    card_find
    ip link set eth0 up
    ip addr add 10.60.0.2/24 dev eth0
    ip route add default via 10.60.0.1
    line device.route | grep -q '^FAIL' || off "the default route is not seen: $(line device.route)"
    /setup-host --bind "$card" --no-iommu >/log 2>&1 && off 'setup-host takes the default route'
    say "refused: $(cat /log)"
    ip route del default
    with=--no-iommu
    ;;
  e1000e)
    card_find
    with=
    ;;
esac
before=$(driver)
mends device.driver
mends memory.hugepages
xord doctor --port "$port"
say "exit code of doctor: $?"
runs
after=$(driver)

echo 0 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
echo >"/sys/bus/pci/devices/$card/driver_override"
echo "$card" >"/sys/bus/pci/devices/$card/driver/unbind"
[ "$before" = none ] || echo "$card" >/sys/bus/pci/drivers_probe
[ "$(driver)" = "$before" ] || off "the card is not as before, but $(driver)"

set_up --bind "$card" --hugepages 80 ${with:+"$with"}
[ "$(driver)" = "$after" ] || off "setup-host binds to $(driver), doctor to $after: $(cat /log)"
xord doctor --port "$port" >/log || off "doctor after setup-host: $(cat /log)"
runs
set_up --undo
[ "$(driver)" = "$before" ] || off "undone, the card is bound to $(driver)"
say "setup-host: $before, $after, $(driver) again; hugepages $(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)"
say "done"
off
