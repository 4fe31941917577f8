#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A NAT for IPv4 and UDP, in a network namespace without forwarding of its own:

    nat.py INNER-INTERFACE OUTER-INTERFACE,... OUTER-ADDRESS INNER-ADDRESS:PORT=OUTER-PORT...

What comes from inside leaves from OUTER-ADDRESS, at the port that the mapping names or one of its own; what comes to a mapped port
is let in, whoever sends it. The kernel does the routing and ARP."""
import select
import socket
import struct
import sys

ETH_P_IP = 0x0800
PACKET_OUTGOING = 4
FIRST_FREE = 46000


def listen(interface):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    sock.bind((interface, ETH_P_IP))
    return sock


def endpoint(packet, header_len, address_at, port_at):
    return packet[address_at:address_at + 4], struct.unpack_from('>H', packet, header_len + port_at)[0]


def rewritten(packet, header_len, address_at, port_at, to):
    out = bytearray(packet)
    out[address_at:address_at + 4] = to[0]
    struct.pack_into('>H', out, header_len + port_at, to[1])
    struct.pack_into('>H', out, header_len + 6, 0)  # no UDP checksum; the kernel makes that of the header
    return bytes(out)


def main():
    inner, outer = listen(sys.argv[1]), [listen(interface) for interface in sys.argv[2].split(',')]
    outer_ip = socket.inet_aton(sys.argv[3])
    send = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    ports, insiders = {}, {}

    def open_port(insider, port):
        ports[insider], insiders[port] = port, insider

    for mapping in sys.argv[4:]:
        inside, port = mapping.split('=')
        address, inner_port = inside.split(':')
        open_port((socket.inet_aton(address), int(inner_port)), int(port))
    print('ready', flush=True)
    while True:
        for sock in select.select([inner] + outer, [], [])[0]:
            packet, name = sock.recvfrom(65535)
            header_len = (packet[0] & 15) * 4
            if name[2] == PACKET_OUTGOING or packet[9] != socket.IPPROTO_UDP or len(packet) < header_len + 8:
                continue
            packet = packet[:struct.unpack_from('>H', packet, 2)[0]]
            src, dst = endpoint(packet, header_len, 12, 0), endpoint(packet, header_len, 16, 2)
            if sock is inner and dst[0] != outer_ip:
                if src not in ports:
                    open_port(src, FIRST_FREE + len(ports))
                packet = rewritten(packet, header_len, 12, 0, (outer_ip, ports[src]))
            elif sock is not inner and dst[0] == outer_ip and dst[1] in insiders:
                packet = rewritten(packet, header_len, 16, 2, insiders[dst[1]])
                dst = insiders[dst[1]]
            else:
                continue
            try:
                send.sendto(packet, (socket.inet_ntoa(dst[0]), 0))
            except OSError:
                pass  # no such route: as a router would, without a word


main()
