# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# A virtual machine that has one network card and runs xord on it, at the other end of a tap in the test's own network
# namespace (10.60.0.1 here, 10.60.0.2 there). QEMU translates its instructions, so no /dev/kvm is needed. After lib.sh:
#
#   machine_start CORES QUEUES DEVICE XORD-OPTION...    # returns when xord has printed its record: $machine_enr
#   machine_stop                                        # ends xord, which prints its counters, and the machine
#
# All that is said on its console is in $tmp/machine.log.
: "${tmp:?after tests/integration/lib.sh}"
: "${started:=}"
machine_parts=${XORD_BUILD:-build}/nic # what install.sh brought
machine_pid=
machine_enr=
MACHINE_MB=512
MACHINE_HUGEPAGES=96 # of 2 MB: for EAL, the mbufs of two workers, and some to spare
MACHINE_TAP=xordnic0

# --- its file system -----------------------------------------------------------------------------------------------

# The libraries that a program or plug-in is linked with.
machine_libs() { ldd "$@" | awk '$2 == "=>" { print $3 } NF == 2 && $1 ~ /^\// { print $1 }' | sort -u; }

# What EAL loads at run time, known by its full version. The directory is compiled into EAL.
machine_plugins() {
  for name in bus_pci mempool_ring net_e1000 net_virtio; do
    find "$libs/dpdk" -path "*/pmds-*/librte_$name.so.*.*"
  done
}

# machine_copy FILE...: each to where it is on this machine. What has several names stays one file, or it would be loaded
# as often.
machine_copy() {
  for file; do
    real=$(readlink -f "$file")
    mkdir -p "$root${file%/*}" "$root${real%/*}"
    [ -e "$root$real" ] || cp "$real" "$root$real"
    [ -e "$root$file" ] || ln -s "$real" "$root$file"
  done
}

machine_copy_xord() {
  libs=$(machine_libs "$XORD" | grep '/librte_eal\.so')
  libs=$(dirname "$(readlink -f "$libs")")
  plugins=$(machine_plugins)
  [ "$(echo "$plugins" | wc -l)" = 4 ] || fail "DPDK's plug-ins are not in $libs/dpdk/pmds-*"
  cp "$XORD" "$root/bin/xord"
  # libgcc_s is loaded at the end of the first thread.
  # shellcheck disable=SC2046,SC2086
  machine_copy "$libs/libgcc_s.so.1" $plugins $(machine_libs "$XORD" $plugins)
}

# The key is always the same, as the peers' are: which of them share a bucket of its table is then no matter of chance.
machine_image() {
  root=$tmp/root
  mkdir -p "$root/bin" "$root/usr/lib" "$root/usr/lib64" "$root/proc" "$root/sys" "$root/dev" "$root/var/run"
  ln -s usr/lib usr/lib64 "$root/"
  install -m 755 "$XORD_SRC/tests/nic/init.sh" "$root/bin/init"
  install -m 755 "$machine_parts/busybox" "$root/bin/"
  for applet in sh basename cat grep insmod mount poweroff readlink stty tr; do ln -s busybox "$root/bin/$applet"; done
  mkdir "$root/etc"
  echo 'nobody:x:65534:65534::/:/bin/false' >"$root/etc/passwd" # for the bootnode to become
  cp "$machine_parts/uio.ko" "$machine_parts/uio_pci_generic.ko" "$root/"
  (umask 077 && printf '%064d\n' 1 >"$root/key")
  machine_copy_xord
  (cd "$root" && find . | "$machine_parts/busybox" cpio -o -H newc) >"$tmp/initramfs" 2>"$tmp/cpio.err" ||
    fail "no initramfs: $(cat "$tmp/cpio.err")"
  rm -rf "$root"
}

# --- its life ------------------------------------------------------------------------------------------------------

# It holds both ends of its console's input, as nobody writes there before the end.
machine_exec() { exec "$@" 0<>"$tmp/console" >"$tmp/machine.log" 2>&1; }

# machine_qemu CORES QUEUES DEVICE XORD-OPTION...
machine_qemu() {
  cores=$1 queues=$2 device=$3
  shift 3
  fds=3
  [ "$queues" = 1 ] || fds=3:4
  machine_exec python3 "$XORD_SRC/tests/nic/tap.py" "$MACHINE_TAP" "$queues" "$tmp" \
    qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -accel tcg,thread=multi -cpu max \
    -smp "$cores" -m $MACHINE_MB -kernel "$machine_parts/vmlinuz" -initrd "$tmp/initramfs" -serial stdio \
    -netdev "tap,id=net,fds=$fds" -device "$device,netdev=net,romfile=,mac=52:54:00:00:00:02" \
    -append "console=ttyS0 loglevel=3 panic=-1 tsc=reliable random.trust_cpu=on hugepages=$MACHINE_HUGEPAGES \
rdinit=/bin/init -- --ip 10.60.0.2/24 $*"
}

machine_start() {
  machine_image
  mkfifo "$tmp/console"
  : >"$tmp/machine.log"
  machine_qemu "$@" &
  machine_pid=$!
  started="$started $machine_pid"
  until_true 20 machine_has_tap || fail 'the machine has no tap'
  ip addr add 10.60.0.1/24 dev $MACHINE_TAP
  ip link set $MACHINE_TAP up
  machine_wait '^enr:' 120
  machine_enr=$(grep -m1 '^enr:' "$tmp/machine.log")
}

machine_has_tap() {
  ! gone_or_zombie "$machine_pid" || fail 'QEMU ended'
  ip link show $MACHINE_TAP >/dev/null 2>&1
}

machine_said() {
  ! grep -qsE -e "$1" "$tmp/machine.log" || return 0
  ! gone_or_zombie "$machine_pid" || fail "the machine is off, and has not said '$1'"
  return 1
}

machine_wait() { # PATTERN SECONDS
  until_true "$2" machine_said "$1" || fail "no line '$1' on the machine's console after $2 s"
}

machine_expect() { # WHAT PATTERN: a line that must be there by now
  machine_said "$2" || fail "$1: the machine has not said '$2'"
  ok "$1"
}

machine_stop() {
  echo stop 1<>"$tmp/console"
  machine_wait '^machine: the bootnode ended' 30
  until_true 20 gone_or_zombie "$machine_pid" || fail 'the machine does not switch itself off'
  wait "$machine_pid" || fail "QEMU ended with exit code $?"
  machine_expect 'it ran as nobody, without capabilities, behind the filter' \
    '^machine: thread: Uid: 65534 65534 65534 65534 CapEff: 0+ NoNewPrivs: 1 Seccomp: 2 $'
  ! grep -E '^machine: thread:' "$tmp/machine.log" | grep -vE 'Uid: 65534 .* CapEff: 0+ NoNewPrivs: 1 Seccomp: 2' ||
    fail 'not each of its threads'
  machine_expect "the bootnode's exit code is 0" '^machine: the bootnode ended with exit code 0$'
  assert_eq 'taps left' "$(ip -o link show type tun | wc -l)" 0
}
