# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# drivers-config/setup-host on a made-up machine. A program named `kernel` in its root does what the kernel would when it is
# written to; modprobe is one of ours, too.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"

root=$tmp/machine
pci=/sys/bus/pci/devices
nic=0000:01:00.0
state=/var/lib/xord/setup-host.state
no_iommu=/sys/module/vfio/parameters/enable_unsafe_noiommu_mode

file() { # PATH LINE...
  path=$root$1
  shift
  mkdir -p "${path%/*}"
  printf '%s\n' "$@" >"$path"
}

device() { # BDF VENDOR DRIVER INTERFACE
  file "$pci/$1/class" 0x020000
  file "$pci/$1/vendor" "$2"
  file "$pci/$1/numa_node" 1
  file "$pci/$1/driver_override" '(null)'
  file "$pci/$1/own" "$3"
  mkdir -p "$root$pci/$1/net/$4" "$root/sys/bus/pci/drivers/$3"
  take "$1" "$3"
}

take() { # BDF DRIVER
  ln -sfn "../../drivers/$2" "$root$pci/$1/driver"
  : >"$root$pci/$1/driver/unbind"
}

machine() {
  rm -rf "$root"
  file /proc/meminfo 'MemTotal:        4194304 kB' 'MemAvailable:    1048576 kB' 'Hugepagesize:       2048 kB'
  file /proc/net/route 'eno1 00000000 010200C0 0003 0 0 0 00000000 0 0 0'
  file /proc/net/ipv6_route ''
  file /proc/sys/kernel/random/boot_id boot-1
  file /sys/devices/system/clocksource/clocksource0/current_clocksource tsc
  file /sys/devices/system/cpu/isolated 4-7
  for node in 0 1; do
    file /sys/devices/system/node/node$node/hugepages/hugepages-2048kB/nr_hugepages 8
    file /sys/devices/system/node/node$node/meminfo "Node $node MemTotal:        2097152 kB"
    file /sys/devices/system/node/node$node/cpulist "$((node * 4))-$((node * 4 + 3))"
  done
  file $no_iommu N
  file /sys/bus/pci/drivers_probe ''
  device $nic 0x8086 ice ens1f0
  mkdir -p "$root/sys/kernel/iommu_groups/17" && ln -s ../../../../kernel/iommu_groups/17 "$root$pci/$nic/iommu_group"
  device 0000:02:00.0 0x8086 igb eno1
  device 0000:03:00.0 0x15b3 mlx5_core ens3
  kernel
}

# The kernel: unbinds, and probes by driver_override or by what is the device's own.
kernel() {
  cat >"$root/kernel" <<'END'
#!/bin/sh
root=${0%/kernel}
echo "$2 >$1" >>"$root/written"
device=$root/sys/bus/pci/devices/$2
case $1 in
  */driver/unbind) rm "$device/driver" ;;
  */drivers_probe)
    driver=$(cat "$device/driver_override")
    case $driver in '' | '(null)') driver=$(cat "$device/own") ;; esac
    [ ! -e "$root/refuses-$driver" ] || exit 0
    [ -d "$root/sys/bus/pci/drivers/$driver" ] || exit 0
    ln -s "../../drivers/$driver" "$device/driver"
    : >"$device/driver/unbind"
    ;;
  */nr_hugepages) [ ! -e "$root/memory-in-pieces" ] || echo 9 >"$root$1" ;;
esac
exit 0
END
  chmod +x "$root/kernel"
}

mkdir -p "$tmp/bin"
cat >"$tmp/bin/modprobe" <<'END'
#!/bin/sh
echo "$1" >>"$ROOT/loaded"
[ ! -e "$ROOT/no-$1" ] || exit 1
mkdir -p "$ROOT/sys/bus/pci/drivers/$1"
END
chmod +x "$tmp/bin/modprobe"

setup() { # EXIT-CODE ARGUMENT...
  want=$1
  shift
  code=0
  ROOT=$root PATH="$tmp/bin:$PATH" timeout 30 "$XORD_SRC/drivers-config/setup-host" --root "$root" "$@" >"$tmp/out" 2>&1 || code=$?
  [ "$code" = "$want" ] || {
    cat "$tmp/out"
    fail "setup-host $*: exit code $code, want $want"
  }
}

says() { # PATTERN
  grep -qE -e "$1" "$tmp/out" || {
    cat "$tmp/out"
    fail "no line '$1'"
  }
  ok "$(grep -E -e "$1" "$tmp/out" | head -n 1)"
}

refuses() { # PATTERN ARGUMENT...: one sentence, and nothing is changed
  pattern=$1
  shift
  snapshot >"$tmp/before"
  setup 1 "$@"
  [ "$(grep -c '^setup-host: ' "$tmp/out")" = 1 ] || fail "not one sentence: $(cat "$tmp/out")"
  says "^setup-host: .*$pattern"
  snapshot | cmp -s - "$tmp/before" || fail 'something was changed'
}

snapshot() {
  (cd "$root" && find . -type l -printf '%p -> %l\n' -o -type f ! -name written ! -name loaded ! -path './sys/bus/pci/drivers*' \
    -exec sha256sum {} +) | sort
}

driver_of() {
  path=$(readlink "$root$pci/$1/driver" 2>/dev/null) || path=none
  echo "${path##*/}"
}
pages_of() { cat "$root/sys/devices/system/node/node$1/hugepages/hugepages-2048kB/nr_hugepages"; }

echo '== checks only'
machine
snapshot >"$tmp/fresh"
setup 0
says '^ok +IOMMU: on'
says '^ok +clock source: tsc'
says '^ok +isolated cores: 4-7'
snapshot | cmp -s - "$tmp/fresh" || fail 'checks change something'
setup 0 --help
says '^usage: setup-host'

echo '== --dry-run does nothing'
setup 0 --dry-run --hugepages 64 --bind $nic
says "^would echo '32' >/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
says '^would modprobe vfio-pci'
says "^would echo 'vfio-pci' >$pci/$nic/driver_override"
says "^would echo '$nic' >$pci/$nic/driver/unbind"
says "^would echo '$nic' >/sys/bus/pci/drivers_probe"
snapshot | cmp -s - "$tmp/fresh" || fail 'it changed something'
if [ -e "$root/written" ] || [ -e "$root/loaded" ]; then fail 'it wrote to the kernel'; fi

echo '== does it, twice, and undoes it'
setup 0 --hugepages 64 --hugepages 0:32 --bind 01:00.0
assert_eq 'driver' "$(driver_of $nic)" vfio-pci
assert_eq 'hugepages of the device'"'s node" "$(pages_of 1)" 32
assert_eq 'hugepages of node 0' "$(pages_of 0)" 16
says "^ok +$nic: NUMA node 1, CPUs 4-7"
cp "$root$state" "$tmp/state"
cp "$root/written" "$tmp/written"
setup 0 --hugepages 64 --hugepages 0:32 --bind $nic
cmp -s "$root/written" "$tmp/written" || fail 'a second run writes again'
cmp -s "$root$state" "$tmp/state" || fail 'a second run changes the state file'
ok 'a second run changes nothing'
setup 0 --hugepages 1:128 --bind $nic
assert_eq 'more hugepages' "$(pages_of 1)" 64
setup 0 --dry-run --undo
says "^would echo '8' >/sys/devices/system/node/node1"
assert_eq 'after a dry undo' "$(pages_of 1)" 64
setup 0 --undo
assert_eq 'driver' "$(driver_of $nic)" ice
assert_eq 'hugepages of node 1' "$(pages_of 1)" 8
assert_eq 'hugepages of node 0' "$(pages_of 0)" 8
[ ! -e "$root$state" ] || fail 'the state file is left'
setup 0 --undo
says '^ok +nothing to undo'

echo '== without an IOMMU'
machine
file /proc/sys/kernel/osrelease 6.1.0-28-amd64
rm "$root$pci/$nic/iommu_group"
rm -r "$root/sys/kernel/iommu_groups/17"
setup 0
says '^warn +IOMMU: none on'
refuses 'no IOMMU in front of it.*--no-iommu$' --bind $nic
refuses 'no IOMMU in front of it.*--no-iommu$' --bind $nic --driver uio_pci_generic
setup 0 --bind $nic --no-iommu
assert_eq 'driver, where VFIO can do without' "$(driver_of $nic)" vfio-pci
assert_eq 'no-IOMMU mode' "$(cat "$root$no_iommu")" 1
setup 0 --undo
assert_eq 'no-IOMMU mode, undone' "$(cat "$root$no_iommu")" N
assert_eq 'driver' "$(driver_of $nic)" ice
rm "$root$no_iommu"
refuses "VFIO cannot do without an IOMMU" --bind $nic --no-iommu --driver vfio-pci
setup 0 --bind $nic --no-iommu
assert_eq 'driver, where it cannot' "$(driver_of $nic)" uio_pci_generic
setup 0 --undo
file /boot/config-6.1.0-28-amd64 CONFIG_VFIO_NOIOMMU=y
setup 0 --dry-run --bind $nic --no-iommu
says "^would echo '1' >$no_iommu"
says "^would echo 'vfio-pci' >"
machine
refuses 'in the way of uio_pci_generic' --bind $nic --driver uio_pci_generic
file /sys/kernel/iommu_groups/17/type identity
setup 0 --bind $nic --driver uio_pci_generic
assert_eq 'driver, with iommu=pt' "$(driver_of $nic)" uio_pci_generic

echo '== the default route'
machine
refuses "0000:02:00.0 \\(eno1\\) carries this host's default route" --hugepages 64 --bind $nic --bind 0000:02:00.0
file /proc/net/route ''
file /proc/net/ipv6_route '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     vlan5'
mkdir -p "$root/sys/class/net/vlan5/lower_br0" "$root/sys/class/net/br0/lower_eno1" "$root/sys/class/net/br0/lower_tap1"
refuses "0000:02:00.0 \\(eno1\\) carries this host's default route" --bind 0000:02:00.0
setup 0 --bind $nic
ok 'another NIC is not meant'
rm -rf "$root$pci/0000:02:00.0/net"
mkdir -p "$root$pci/0000:02:00.0/virtio3/net/eno1"
refuses 'carries this host' --bind 0000:02:00.0
mkdir -p "$root/sys/kernel/iommu_groups/18" && ln -s ../../../../kernel/iommu_groups/18 "$root$pci/0000:02:00.0/iommu_group"
setup 0 --bind 0000:02:00.0 --even-default-route
assert_eq 'told to' "$(driver_of 0000:02:00.0)" vfio-pci

echo '== what goes wrong'
machine
: >"$root/refuses-vfio-pci"
setup 1 --bind $nic
says '^setup-host: vfio-pci did not take 0000:01:00.0, which ice has again'
assert_eq 'driver' "$(driver_of $nic)" ice
machine
: >"$root/no-vfio-pci"
refuses 'cannot load its module vfio-pci' --bind $nic
machine
: >"$root/memory-in-pieces"
setup 1 --hugepages 64
says '^setup-host: node 0 gave 9 of 32 hugepages'
machine
refuses 'no PCI device 0000:09:00.0' --bind 09:00.0
refuses 'no NUMA node 7' --hugepages 7:64
refuses 'node 1 has 2048 MB of memory: ask for 1792 MB at most' --hugepages 1:1793
refuses '1776 MB more in hugepages are wanted, and 1024 MB are available' --hugepages 1:1792
file $pci/0000:00:1f.0/class 0x060100
refuses 'no network device' --bind 0000:00:1f.0
file /proc/meminfo ''
refuses 'no hugepages' --hugepages 64
for wrong in '--bind eth0' '--hugepages x' '--hugepages 1:2:3' '--driver ice' '--frobnicate' '--bind' "--undo --bind $nic"; do
  # shellcheck disable=SC2086
  setup 2 $wrong
  says '^setup-host: .*see --help'
done

echo '== a card that the kernel keeps; a machine that was started anew'
machine
setup 0 --bind 0000:03:00.0
says '^ok +0000:03:00.0: mlx5_core shares the card with DPDK'
assert_eq 'driver' "$(driver_of 0000:03:00.0)" mlx5_core
setup 0 --bind $nic
file /proc/sys/kernel/random/boot_id boot-2
take $nic ice
setup 0 --undo
says 'started anew'
[ ! -e "$root$state" ] || fail 'a stale state file is left'
setup 0 --bind $nic
file /proc/sys/kernel/random/boot_id boot-3
setup 0 --hugepages 64
assert_eq 'lines of a state file that has outlived a start' "$(wc -l <"$root$state")" 2
