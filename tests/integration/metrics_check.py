# SPDX-License-Identifier: BSD-3-Clause
"""Checks around /metrics: whether every query names metrics that exist, clients that do not behave, a worker that stands still."""

import ctypes
import json
import os
import re
import socket
import sys
import time
import urllib.error
import urllib.request

WORDS = set('''by without on ignoring group_left group_right and or unless offset bool
    sum min max avg count rate increase deriv delta max_over_time min_over_time avg_over_time histogram_quantile
    label_values time abs clamp_min absent'''.split())


def metrics_in(query):
    """Names that a query reads: what is no word of the language, no label, no string and no number."""
    query = re.sub(r'"[^"]*"|\'[^\']*\'', '', query)
    query = re.sub(r'\{[^}]*\}', '', query)
    query = re.sub(r'\[[^\]]*\]', '', query)
    query = re.sub(r'\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)', '', query)
    query = re.sub(r'\boffset\s+\w+', '', query)
    query = re.sub(r'\$\w+|\$\{\w+\}', '', query)
    return {word for word in re.findall(r'[a-zA-Z_:][a-zA-Z0-9_:]*', query) if word not in WORDS}


def queries_of(path):
    text = open(path).read()
    if path.endswith('.json'):
        dashboard = json.loads(text)
        found = [target['expr'] for panel in dashboard['panels'] for target in panel.get('targets', [])]
        for variable in dashboard['templating']['list']:
            match = re.match(r'label_values\((.*),\s*\w+\)$', str(variable.get('definition', '')))
            found += [match.group(1)] if match else []
        return found
    # Of the rules only what stands under "expr", folded lines joined.
    found, inside = [], None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        match = re.match(r' +expr: *(>-)?(.*)', line)
        if match:
            found.append(match.group(2))
            inside = indent
        elif inside is not None and line.strip() and indent > inside:
            found[-1] += ' ' + line.strip()
        else:
            inside = None
    return found


def names(path, metrics):
    """Every query of a file names only metrics that there are."""
    have = {re.match(r'[a-zA-Z_:][a-zA-Z0-9_:]*', line).group(0)
            for line in open(metrics) if line.strip() and not line.startswith('#')} | {'up'}
    queries = queries_of(path)
    for query in queries:
        used = metrics_in(query)
        assert used, f'no metric in: {query}'
        assert used <= have, f'{used - have} of: {query}'
    print(len(queries))


def get(url, method='GET'):
    """Status, and the first line."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20) as answer:
            print(answer.status, answer.read().decode().split('\n')[0])
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode().split('\n')[0])


def misbehave(host, port):
    def connect():
        client = socket.create_connection((host, int(port)))
        client.settimeout(20)
        return client

    for request in [b'', b'\n\n', b'\x16\x03\x01' + b'\0' * 200, b'GET', b'GET / HTTP/9.9\r\n\r\n', b'GET /metrics',
                    b'GET /' + b'a' * 100000 + b' HTTP/1.1\r\n', b'GET /metrics HTTP/1.1\r\n' + b'a: b\r\n' * 20000,
                    b'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n' + b'x' * 100000,
                    b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' * 200]:
        client = connect()
        client.settimeout(1)
        try:
            client.sendall(request)
            client.recv(1)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
        client.close()
    crowd = [connect() for _ in range(100)]
    for client in crowd:
        client.close()
    begin = time.monotonic()
    idle = connect()
    idle.sendall(b'GET /metr')
    try:
        while idle.recv(4096):
            pass
    except ConnectionResetError:
        pass
    print(round(time.monotonic() - begin))


def stop_worker(pid):
    """Stops the thread that was made last, until standard input ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 4
    tid = max(int(task) for task in os.listdir(f'/proc/{pid}/task'))
    assert libc.ptrace(0x4206, tid, 0, 0) == 0, os.strerror(ctypes.get_errno())  # PTRACE_SEIZE
    assert libc.ptrace(0x4207, tid, 0, 0) == 0, os.strerror(ctypes.get_errno())  # PTRACE_INTERRUPT
    print('stopped', flush=True)
    time.sleep(600)  # it goes on when we end


def telemetry(path, *commands):
    """What DPDK's telemetry socket answers, a line each."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(10)
    client.connect(path)
    client.recv(1024)
    for command in commands:
        client.send(command.encode())
        print(json.dumps(json.loads(client.recv(16384).decode())))


if __name__ == '__main__':
    {f.__name__: f for f in (names, get, misbehave, stop_worker, telemetry)}[sys.argv[1]](*sys.argv[2:])
