# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# `xord doctor` on copies of machines: a healthy one is made file by file, then spoilt in one thing at a time.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"
own_net "$@"

pmds=$(find /usr/lib -maxdepth 4 -type d -path "*/dpdk/pmds-*" | head -n 1)
nic=0000:01:00.0

file() { # PATH LINE...: below $root
  path=$root$1
  shift
  mkdir -p "${path%/*}"
  printf '%s\n' "$@" >"$path"
}

link() { # PATH TARGET
  mkdir -p "$root${1%/*}"
  rm -f "$root$1"
  ln -s "$2" "$root$1"
}

# A server with an I350 for the kernel and an E810 for xord, bound to vfio-pci behind an IOMMU; two NUMA nodes.
healthy() {
  root=$tmp/machine
  rm -rf "$root"
  file /proc/cpuinfo 'processor : 0' \
    'flags  : fpu sse4_1 sse4_2 ssse3 popcnt cx16 aes pclmulqdq avx2 bmi1 bmi2 vaes vpclmulqdq' ''
  file /proc/self/status 'Name: xord' 'CapEff: 000001ffffffffff' 'Cpus_allowed_list: 0-3'
  file /proc/self/limits 'Limit                     Soft Limit           Hard Limit           Units' \
    'Max open files            1024                 1048576              files' \
    'Max locked memory         8388608              8388608              bytes'
  file /proc/self/mounts 'proc /proc proc rw 0 0'
  file /proc/net/udp '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops'
  file /proc/net/udp6 '  sl  local_address                         remote_address                        st tx_queue'
  file /proc/net/unix 'Num       RefCount Protocol Flags    Type St Inode Path'
  file /proc/net/route 'Iface Destination Gateway  Flags RefCnt Use Metric Mask  MTU Window IRTT' \
    'eno1 00000000 010200C0 0003 0 0 0 00000000 0 0 0'
  file /proc/net/ipv6_route
  file /proc/sys/kernel/osrelease 6.1.0-28-amd64
  file /proc/sys/net/core/rmem_max 212992
  file /proc/sys/net/core/wmem_max 212992
  file /proc/sys/net/ipv4/ip_unprivileged_port_start 1024
  file /sys/devices/system/clocksource/clocksource0/current_clocksource tsc
  file /sys/devices/system/clocksource/clocksource0/available_clocksource 'tsc hpet acpi_pm'
  file /sys/devices/system/cpu/isolated 2-3
  file /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor performance
  for node in 0 1; do
    file /sys/devices/system/node/node$node/cpulist "$((node * 4))-$((node * 4 + 3))"
    pages $node 512 512
  done
  pages all 1024 1024
  device $nic 0x8086 0x1592 vfio-pci
  file /sys/bus/pci/devices/$nic/numa_node 0
  group $nic 17
  device 0000:02:00.0 0x8086 0x1521 igb
  file /sys/bus/pci/devices/0000:02:00.0/net/eno1/mtu 1500
  interface eno1 0000:02:00.0
  device 0000:00:1f.0 0x8086 0xa1c1 lpc_ich
  file /sys/bus/pci/devices/0000:00:1f.0/class 0x060100
  for library in mempool_ring bus_pci bus_vdev net_ice net_e1000 net_mlx5 net_af_packet net_af_xdp net_memif net_virtio net_gve net_ixgbe net_igc; do
    file "$pmds/librte_$library.so.23"
  done
  file /dev/vfio/17
  file /dev/net/tun
}

pages() { # NODE TOTAL FREE
  case $1 in
    all) dir=/sys/kernel/mm/hugepages ;;
    *) dir=/sys/devices/system/node/node$1/hugepages ;;
  esac
  file "$dir/hugepages-2048kB/nr_hugepages" "$2"
  file "$dir/hugepages-2048kB/free_hugepages" "$3"
}

device() { # BDF VENDOR DEVICE DRIVER
  file "/sys/bus/pci/devices/$1/class" 0x020000
  file "/sys/bus/pci/devices/$1/vendor" "$2"
  file "/sys/bus/pci/devices/$1/device" "$3"
  file "/sys/bus/pci/devices/$1/numa_node" -1
  mkdir -p "$root/sys/bus/pci/drivers/$4"
  link "/sys/bus/pci/devices/$1/driver" "../../drivers/$4"
}

group() { # BDF NUMBER
  mkdir -p "$root/sys/kernel/iommu_groups/$2/devices"
  link "/sys/bus/pci/devices/$1/iommu_group" "../../../../kernel/iommu_groups/$2"
  link "/sys/kernel/iommu_groups/$2/devices/$1" "../../../../bus/pci/devices/$1"
}

interface() { # NAME BDF
  file "/sys/class/net/$1/flags" 0x1003
  file "/sys/class/net/$1/carrier" 1
  file "/sys/class/net/$1/mtu" 1500
  file "/sys/class/net/$1/speed" 1000
  mkdir -p "$root/sys/class/net/$1/queues/rx-0" "$root/sys/class/net/$1/queues/rx-1"
  [ -z "$2" ] || link "/sys/class/net/$1/device" "../../../bus/pci/devices/$2"
}

doctor() { # EXIT-CODE ARGUMENT...: output in $tmp/out
  want=$1
  shift
  code=0
  timeout "$(seconds 30)" "$XORD" doctor --root "$root" "$@" >"$tmp/out" 2>&1 || code=$?
  [ "$code" = "$want" ] || {
    cat "$tmp/out"
    fail "xord doctor $*: exit code $code, want $want"
  }
}

finds() { # STATUS CHECK PATTERN: what the last doctor found
  line=$(grep -E "^$1 +$2 " "$tmp/out") || {
    cat "$tmp/out"
    fail "no line '$1 $2'"
  }
  printf '%s\n' "$line" | grep -qE -e "$3" || fail "'$line' does not match '$3'"
  ok "$line"
}

all_ok() {
  ! grep -E '^(warn|FAIL)' "$tmp/out" || fail "$1: not all is ok"
  ok "$1: $(grep -c '^ok' "$tmp/out") checks, all ok"
}

says_nothing_of() { # PATTERN
  ! grep -E "$1" "$tmp/out" || fail "a word of '$1' where it does not belong"
  ok "no word of $1"
}

port=dpdk:$nic

echo '== a healthy machine'
healthy
doctor 0 --port "$port" --workers 4
all_ok 'a NIC bound to vfio-pci'
finds ok cpu.aes 'avx2 kernel'
finds ok device.rss 'ice RSS over 4 queues'
finds ok device.family '8086:1592 is of the family ice'
finds ok iommu.group 'group 17'
doctor 0 --port dpdk:01:00.0
all_ok 'its address without the domain'
doctor 0
all_ok 'sockets'
says_nothing_of 'hugepages|iommu|dpdk\.'
doctor 0 --port dpdk:net_af_packet0,iface=eno1
all_ok 'a packet socket beside the kernel'
says_nothing_of 'iommu|memlock'

echo '== CPU and clock'
sed -i 's/ aes / /' "$root/proc/cpuinfo"
doctor 1
finds FAIL cpu.aes 'lacks aes'
healthy
sed -i 's/ vaes//; s/ sse4_2//' "$root/proc/cpuinfo"
doctor 1 --port "$port"
finds ok cpu.aes 'sse kernel'
finds FAIL cpu.dpdk 'lacks sse4_2'
healthy
sed -i 's/bmi2/bmi2 avx512f avx512bw avx512dq avx512vl/' "$root/proc/cpuinfo"
doctor 0
finds ok cpu.aes 'avx512 kernel'
file /sys/devices/system/clocksource/clocksource0/current_clocksource hpet
file /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor powersave
file /sys/devices/system/cpu/isolated ''
doctor 0 --port "$port"
finds warn clock.source 'hpet .*mend: echo tsc >/sys/devices/system/clocksource'
finds warn cpu.governor 'powersave.*mend: for f in'
finds warn cpu.isolated 'mend: .*isolcpus=3-3.*update-grub'
file /sys/devices/system/cpu/isolated 6-7
doctor 0 --port "$port"
finds warn cpu.isolated 'mend: taskset -c 6-7 xord doctor'
doctor 0 --workers 9
finds warn cpu.count 'mend: xord doctor --port .socket. --workers 4'

echo '== memory'
healthy
pages all 0 0
doctor 0 --port "$port"
finds warn memory.hugepages 'mend: echo 40 >/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages'
healthy
pages 0 100 10
doctor 1 --port "$port"
finds FAIL memory.node 'node 0, .*10 of 100 pages.*mend: echo 130 >/sys/devices/system/node/node0'
device $nic 0x8086 0x1592 uio_pci_generic
doctor 1 --port "$port"
finds FAIL iommu.state 'on, and in the way of uio_pci_generic: use vfio-pci - mend: modprobe vfio-pci && echo vfio-pci >'
file /sys/kernel/iommu_groups/17/type identity
pages all 0 0
doctor 1 --port "$port"
finds FAIL memory.hugepages 'needs 80 MB in hugepages: there are none'
healthy
doctor 0 --port "$port" -- --no-huge
finds ok memory.hugepages 'none are wanted'
doctor 1 --port "$port" -- --legacy-mem
finds FAIL memory.hugetlbfs 'mend: mkdir -p /dev/hugepages && mount -t hugetlbfs hugetlbfs /dev/hugepages'
file /proc/self/mounts 'hugetlbfs /dev/hugepages hugetlbfs rw 0 0'
doctor 0 --port "$port" -- --legacy-mem
all_ok 'hugetlbfs mounted'
doctor 0 --port "$port" -- -m 2000
finds ok memory.hugepages '1024 of 1024 pages of 2048 kB free, 2000 MB wanted'
rm -rf "$root/sys/kernel/mm"
doctor 0 --port "$port"
finds warn memory.hugepages 'has no hugepages'

echo '== the driver of a NIC'
healthy
device $nic 0x8086 0x1592 ice
file /sys/bus/pci/devices/$nic/net/ens1f0/mtu 1500
doctor 1 --port "$port"
finds FAIL device.driver "the kernel's ice has the device, as ens1f0; DPDK gets at it by vfio-pci - mend: modprobe vfio-pci && echo vfio-pci >/sys/bus/pci/devices/$nic/driver_override && echo $nic >/sys/bus/pci/devices/$nic/driver/unbind && echo $nic >/sys/bus/pci/drivers_probe\$"
rm "$root/sys/bus/pci/devices/$nic/driver" "$root/sys/bus/pci/devices/$nic/iommu_group"
doctor 1 --port "$port"
finds FAIL device.driver "no driver has the device; DPDK gets at it by uio_pci_generic, for no IOMMU is on - mend: modprobe uio_pci_generic && echo uio_pci_generic >"
file "/boot/config-6.1.0-28-amd64" 'CONFIG_VFIO=m' 'CONFIG_VFIO_NOIOMMU=y'
doctor 1 --port "$port"
finds FAIL device.driver "no driver .*mend: modprobe vfio-pci && echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode && echo vfio-pci >.*driver_override && echo $nic >/sys/bus/pci/drivers_probe\$"
doctor 1 --port dpdk:0000:02:00.0
finds FAIL device.route 'eno1 carries .*mend: xord doctor --port dpdk:0000:01:00.0'
file /proc/net/route 'Iface'
file /proc/net/ipv6_route '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     br0'
interface br0 ''
link /sys/class/net/br0/lower_bond0 ../bond0
interface bond0 ''
link /sys/class/net/bond0/lower_eno1 ../eno1
doctor 1 --port dpdk:0000:02:00.0
finds FAIL device.route 'eno1 carries'
doctor 1 --port dpdk:net_af_xdp0,iface=eno1
finds FAIL iface.route 'cut it off. Other interfaces: bond0, br0$'
doctor 1 --port dpdk:0000:0a:00.0
finds FAIL device.present 'is not there; network devices here: 0000:01:00.0 ens1f0, 0000:02:00.0 eno1 - mend: xord doctor --port dpdk:0000:01:00.0'
doctor 1 --port dpdk:0000:00:1f.0
finds FAIL device.present 'no network device'
healthy
device $nic 0x8086 0x9999 vfio-pci
doctor 0 --port "$port"
finds warn device.family '8086:9999 is of no family'
device $nic 0x1ae0 0x0042 uio_pci_generic
doctor 1 --port "$port"
finds FAIL device.driver 'uio_pci_generic, by which net_gve does not work'
rm "$root$pmds/librte_net_gve.so.23" "$root$pmds/librte_bus_pci.so.23"
doctor 1 --port "$port"
finds FAIL dpdk.driver 'mend: apt-get update && apt-get install -y librte-bus-pci23 librte-net-gve23$'

echo '== a card that the kernel keeps'
healthy
device $nic 0x15b3 0x101d mlx5_core
file /sys/bus/pci/devices/$nic/net/ens1f0/mtu 1500
interface ens1f0 $nic
doctor 1 --port "$port"
finds FAIL device.driver 'mend: modprobe ib_uverbs && modprobe mlx5_ib'
mkdir -p "$root/sys/bus/pci/devices/$nic/infiniband/mlx5_0"
doctor 0 --port "$port" --workers 4
all_ok 'mlx5 beside its kernel driver'
device $nic 0x15b3 0x101d vfio-pci
rm -rf "$root/sys/bus/pci/devices/$nic/net"
doctor 1 --port "$port"
finds FAIL device.driver "vfio-pci has the device, but DPDK works beside the kernel's mlx5_core here - mend: modprobe mlx5_core"
rm "$root$pmds/librte_net_mlx5.so.23"
doctor 1 --port "$port"
finds FAIL dpdk.driver 'librte-net-mlx5-23$'

echo '== IOMMU'
healthy
device 0000:01:00.1 0x8086 0x1592 ice
group 0000:01:00.1 17
doctor 1 --port "$port"
finds FAIL iommu.group 'holds 0000:01:00.1 too, which ice drives.*mend: echo 0000:01:00.1 >/sys/bus/pci/devices/0000:01:00.1/driver/unbind'
mkdir -p "$root/sys/bus/pci/devices/0000:01:00.1/net/eno1"
doctor 1 --port "$port"
finds FAIL iommu.group 'which ice drives as eno1, with the default route.*whole groups$'
healthy
rm "$root/sys/bus/pci/devices/$nic/iommu_group"
doctor 1 --port "$port"
finds FAIL iommu.state "this kernel's VFIO cannot do without: use uio_pci_generic - mend: modprobe uio_pci_generic"
device $nic 0x1ae0 0x0042 gve
doctor 1 --port "$port"
finds FAIL device.driver 'mend: apt-get update && apt-get install -y linux-headers-amd64 dpdk-kmods-dkms && modprobe igb_uio'
device $nic 0x8086 0x1592 vfio-pci
file /sys/module/vfio/parameters/enable_unsafe_noiommu_mode N
doctor 1 --port "$port"
finds FAIL iommu.state 'mend: modprobe vfio-pci && echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode'
group $nic 0
file /sys/kernel/iommu_groups/0/name vfio-noiommu
file /sys/module/vfio/parameters/enable_unsafe_noiommu_mode Y
doctor 0 --port "$port"
all_ok 'no-IOMMU mode'
finds ok iommu.state 'no-IOMMU mode'
file /proc/self/status 'CapEff: 0000000000000000' 'Cpus_allowed_list: 0-3'
doctor 1 --port "$port"
finds FAIL device.privilege 'mend: sudo xord doctor'
finds FAIL limits.memlock '8192 kB may be locked.*mend: .*prlimit --pid \$\$ --memlock=83886080:83886080'

echo '== NUMA'
healthy
file /proc/self/status 'CapEff: 000001ffffffffff' 'Cpus_allowed_list: 0-7'
doctor 0 --port "$port"
finds warn device.numa 'node 0, .*mend: taskset -c 0-3 xord doctor'

echo '== queues'
healthy
device $nic 0x8086 0x10d3 vfio-pci
doctor 0 --port "$port" --workers 2
finds ok device.rss 'steering in software: e1000 has up to 1 queue, for 2 workers'
device $nic 0x1af4 0x1041 vfio-pci
doctor 0 --port "$port" --workers 2
finds ok device.rss 'virtio RSS over 2 queues, if the host offers it'
device $nic 0x8086 0x10fb vfio-pci
doctor 0 --port "$port" --workers 5
finds ok device.rss 'ixgbe RSS over 5 queues'
device $nic 0x8086 0x15f2 vfio-pci
doctor 0 --port "$port" --workers 5
finds ok device.rss 'in software: igc has up to 4 queues'

echo '== interfaces'
healthy
interface ens9 ''
file /sys/class/net/ens9/flags 0x1002
file /sys/class/net/ens9/mtu 1280
doctor 1 --port dpdk:net_af_packet0,iface=ens9
finds FAIL iface.link 'ens9 is down - mend: ip link set ens9 up'
finds warn iface.mtu 'mend: ip link set ens9 mtu 1500'
interface ens9 ''
file /sys/class/net/ens9/carrier 0
doctor 0 --port dpdk:net_af_packet0,iface=ens9
finds warn iface.link 'no carrier'
doctor 0 --port dpdk:net_af_xdp0,iface=ens9
finds ok device.rss 'one worker'
finds warn iface.queues 'has 2 queues and AF_XDP takes 1.*mend: .*ethtool -L ens9 combined 1'
doctor 0 --port dpdk:net_af_xdp0,iface=ens9,queue_count=2
finds ok iface.queues 'all its queues'
file /proc/sys/kernel/osrelease 4.9.0-1-amd64
doctor 1 --port dpdk:net_af_xdp0,iface=ens9
finds FAIL iface.kernel 'older than 4.18'
doctor 1 --port dpdk:net_af_packet0,iface=ens7
finds FAIL iface.present "no interface ens7; there are: eno1, ens9 - mend: xord doctor --port 'dpdk:net_af_packet0,iface=ens9' --workers 1\$"
doctor 1 --port dpdk:net_af_packet0
finds FAIL iface.present "iface=NAME.*mend: xord doctor --port 'dpdk:net_af_packet0,iface=ens9'"
doctor 1 --port dpdk:net_af_packet0,iface=ens9,qpairs=3 --workers 2
finds FAIL iface.queues "qpairs=3.*mend: xord doctor --port 'dpdk:net_af_packet0,iface=ens9' --workers 2\$"
file /proc/self/status 'CapEff: 0000000000000000' 'Cpus_allowed_list: 0-3'
doctor 1 --port dpdk:net_af_packet0,iface=ens9
finds FAIL iface.privilege 'lacks cap_net_raw,'
doctor 1 --port dpdk:net_af_xdp0,iface=ens9
finds FAIL iface.privilege 'lacks cap_net_raw,cap_net_admin,cap_bpf'
doctor 1 --port dpdk:net_tap0
finds FAIL tap.device 'cap_net_admin'
doctor 1 --port dpdk:net_odd0
finds FAIL dpdk.driver 'knows no device "net_odd0"'

echo '== memif'
healthy
memif=dpdk:net_memif0,socket-abstract=no,socket=/run/xord/memif.sock
doctor 0 --port "$memif"
finds warn memif.socket 'no server listens at /run/xord/memif.sock yet'
doctor 1 --port "$memif,role=server"
finds FAIL memif.socket 'directory /run/xord is not there - mend: mkdir -p ./run/xord.'
mkdir -p "$root/run/xord"
doctor 0 --port "$memif,role=server"
all_ok 'a memif server'
file /run/xord/memif.sock
doctor 1 --port "$memif,role=server"
finds FAIL memif.socket "left over .*mend: rm '/run/xord/memif.sock'"
file /proc/net/unix '0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/xord/memif.sock'
doctor 1 --port "$memif,role=server"
finds FAIL memif.socket "another server.*mend: xord doctor --port 'dpdk:net_memif0,socket-abstract=no,role=server,socket=/run/xord/memif.sock.2'"
doctor 0 --port "$memif"
all_ok 'a memif client'

echo '== the UDP port, buffers, limits'
healthy
file /proc/net/udp6 'sl' \
  '   7: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   104        0 90210 2 0000000000000000 0'
doctor 1
finds FAIL udp.port 'UDP port 9000 is in use by a process of user 104'
file /proc/321/comm geth
link /proc/321/fd/5 'socket:[90210]'
doctor 1
finds FAIL udp.port 'in use by geth, process 321.*mend: kill 321$'
file /proc/321/cgroup '0::/system.slice/geth.service'
doctor 1
finds FAIL udp.port 'mend: systemctl stop geth.service$'
doctor 0 --port dpdk:net_af_packet0,iface=eno1
finds warn udp.port 'gets our datagrams too'
doctor 0 --udp 9001
file /proc/self/status 'CapEff: 0000000000000000' 'Cpus_allowed_list: 0-3'
doctor 1 --udp 53
finds FAIL udp.privilege 'mend: echo 53 >/proc/sys/net/ipv4/ip_unprivileged_port_start'
finds warn udp.receive 'grants 208 of 8192 kB.*mend: echo 8388608 >/proc/sys/net/core/rmem_max'
finds warn udp.send 'mend: echo 8388608 >/proc/sys/net/core/wmem_max'
file /proc/self/limits 'Max open files            64                   64                   files'
doctor 1 --udp 9001
finds FAIL limits.files '64 open files are allowed.*mend: .*prlimit --pid \$\$ --nofile=68:68'
file /proc/self/limits 'Max open files            64                   128                  files'
doctor 1 --udp 9001
finds FAIL limits.files 'mend: ulimit -S -n 68'

echo '== JSON, and what is no machine'
healthy
doctor 0 --json
python3 - "$tmp/out" <<'END' || fail 'JSON'
import json, sys
found = json.load(open(sys.argv[1]))
assert found and all(list(f) == ['check', 'status', 'detail', 'fix'] for f in found), found
assert all(f['status'] == 'ok' and f['fix'] is None for f in found), found
END
ok 'a JSON list of {check, status, detail, fix}'
root=$tmp/nothing
mkdir -p "$root"
doctor 1 --port "$port"
finds FAIL host.sysfs 'mend: mkdir -p /sys && mount -t sysfs sysfs /sys'
ok 'an empty directory ends in findings, not in a crash'
doctor 1 --port dpdk:net_af_packet0,iface=eth0
doctor 1
for wrong in '--port eth0' '--udp x' '--udp 65536' '--workers 0' '--frobnicate' 'word' '--port dpdk:' '--root /nonexistent' \
  '--root /dev/null' '-- --no-huge'; do
  # shellcheck disable=SC2086
  doctor 2 $wrong
done
ok 'mistakes on the command line end with 2'
