#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The machine's first program: gives its network card to DPDK and runs a bootnode on it, until a line comes in on the
# console. The arguments are xord's.
say() { echo "machine: $*"; }

off() { # [WHY]
  [ $# = 0 ] || say "$*"
  poweroff -f
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty -onlcr -echo # lines end as those of a file do
insmod /uio.ko
insmod /uio_pci_generic.ko || off 'no uio_pci_generic'

card=
for device in /sys/bus/pci/devices/*; do
  case $(cat "$device/class") in
    0x0200*) card=${device##*/} ;;
  esac
done
[ -n "$card" ] || off 'no network card'
cd "/sys/bus/pci/devices/$card" || off
echo uio_pci_generic >driver_override
echo "$card" >/sys/bus/pci/drivers_probe
say "card $card ($(cat vendor device | tr '\n' ' ')) has driver $(basename "$(readlink driver)")"

xord bootnode --key /key --port "dpdk:$card" -v "$@" &
bootnode=$!
# What each of its threads is, while it runs.
threads() {
  for task in "/proc/$bootnode/task"/*; do
    say "thread: $(grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "$task/status" | tr -s '\t\n' ' ')"
  done
}
(read -r _ && threads && kill -INT $bootnode) </dev/ttyS0 &
wait $bootnode
say "the bootnode ended with exit code $?"
off
