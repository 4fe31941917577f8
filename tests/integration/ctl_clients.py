# SPDX-License-Identifier: BSD-3-Clause
"""Clients of a control socket that do not behave, and servers of one that are no bootnode."""

import random
import socket
import sys
import time


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(15)
    client.connect(path)
    return client


def line_of(client):
    got = b''
    while not got.endswith(b'\n'):
        part = client.recv(65536)
        if not part:
            break
        got += part
    return got


def asks(path, line):
    """One line, its answer."""
    client = connect(path)
    client.sendall(line + b'\n')
    print(line_of(client).decode().strip())


def raw(path, text):
    asks(path, text.encode())


def garbage(path):
    rng = random.Random(1)
    requests = [b'', b'{', b'[]', b'null', b'1', b'"status"', b'{}', b'{"command":1}', b'{"command":null}',
                b'{"command":"status","command":"drain"}', b'\0' * 100, b'{"command":"st\0atus"}',
                b'{"command":"peer","id":"' + b'a' * 65 + b'"}', b'{"command":"peer","id":{}}', b'{"command":"peer"}',
                b'{"command":"table","bucket":-1}', b'{"command":"table","bucket":257}',
                b'{"command":"table","bucket":1e3}', b'{"command":"table","bucket":99999999999999999999}',
                b'{"command":"sessions","limit":"x"}', b'{"command":"ban","prefix":"1.2.3.4","for":60}',
                b'{"command":"ban","prefix":"1.2.3.4","for_s":0}', b'{"command":"ban","prefix":7}',
                b'{"command":"limits","address":"5:"}', b'{"command":"limits","address":100}',
                b'{"command":"drain","off":1}', b'{"command":"drain","for_s":1,"off":true}',
                b'{"command":"log","level":"loud"}', b'[' * 4000, b'{"a":' * 600]
    requests += [bytes(rng.randrange(256) for _ in range(rng.randrange(1, 4000))).replace(b'\n', b'') for _ in range(50)]
    for request in requests:
        client = connect(path)
        client.sendall(request + b'\n')
        answer = line_of(client)
        assert answer.startswith(b'{"error":"') and answer.endswith(b'"}\n'), (request[:80], answer[:200])
        client.close()
    print(len(requests))


def half(path):
    """Lines that never end, clients that go in the middle of everything."""
    for request in [b'{"command":"stat', b'x' * 3000, b'']:
        client = connect(path)
        client.sendall(request)
        client.close()
    for _ in range(20):
        client = connect(path)
        client.sendall(b'{"command":"counters"}\n' * 50)
        client.close()


def huge(path):
    client = connect(path)
    got = b''
    try:
        client.sendall(b'x' * (1 << 20))
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        got = line_of(client)
    except ConnectionResetError:
        pass
    assert got == b'' or b'at most 4095 bytes' in got, got


def slow(path):
    """How long one who says nothing is borne."""
    client = connect(path)
    client.sendall(b'{"com')
    begin = time.monotonic()
    assert client.recv(1) == b''
    print(round(time.monotonic() - begin))


def crowd(path):
    """A hundred at once; all are answered."""
    clients = [connect(path) for _ in range(100)]
    for client in clients:
        client.sendall(b'{"command":"bans"}\n')
    answered = 0
    while clients:
        client = clients.pop(0)
        answered += line_of(client) == b'{"bans":[]}\n'
        client.close()
    print(answered)


def dead(path):
    """Leaves a socket on which nobody listens."""
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).bind(path)


def silent(path):
    """Takes connections, and says nothing."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()
    print('ready', flush=True)
    time.sleep(60)


def stranger(path):
    """Says what no bootnode does."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()
    print('ready', flush=True)
    for answer in [b'hello\n', b'', b'{"error":"evil \\u001b[31m words"}\n', b'[]\n']:
        client, _ = server.accept()
        client.recv(4096)
        client.sendall(answer)
        client.close()


if __name__ == '__main__':
    {f.__name__: f for f in (raw, garbage, half, huge, slow, crowd, dead, silent, stranger)}[sys.argv[1]](*sys.argv[2:])
