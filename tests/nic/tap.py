# SPDX-License-Identifier: BSD-3-Clause
"""tap.py NAME QUEUES DIRECTORY COMMAND...: runs COMMAND with a new tap, a queue each of the descriptors from 3 on.

The tap is there as long as the command. Where there is no /dev/net/tun, as in a bare chroot, the node is made in
DIRECTORY and removed again: nothing outside of it is touched."""
import fcntl
import os
import stat
import struct
import sys

TUN_DEV = os.makedev(10, 200)
TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_MULTI_QUEUE = 0x0100
IFF_NO_PI = 0x1000
IFF_VNET_HDR = 0x4000  # checksums may be left to the other side


def open_tun(directory):
    if os.path.exists("/dev/net/tun"):
        return os.open("/dev/net/tun", os.O_RDWR)
    node = os.path.join(directory, "tun")
    if not os.path.exists(node):
        os.mknod(node, stat.S_IFCHR | 0o600, TUN_DEV)
    return os.open(node, os.O_RDWR)


def open_queue(name, flags, directory):
    fd = open_tun(directory)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    return fd


def main():
    name, queues, directory, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (IFF_MULTI_QUEUE if queues > 1 else 0)
    fds = [open_queue(name, flags, directory) for _ in range(queues)]
    # Where they are wanted there may be others of them: first all away, then all down.
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
        os.close(fd)
    os.execvp(command[0], command)


try:
    main()
except OSError as e:
    sys.exit(f"tap.py: no tap: {e}; it needs the kernel's tun driver (modprobe tun) and CAP_NET_ADMIN")
