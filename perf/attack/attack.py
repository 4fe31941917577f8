# SPDX-License-Identifier: BSD-3-Clause
"""What hostile traffic does to the clients of a bootnode.

For each kind a fresh `xord bootnode` on a CPU of its own; on another CPU one `xord load` of established PINGs and one of
new handshakes, both open loop for the whole time, and in the middle of it `xord load --mode hostile KIND`. Seconds of the
clients' logs that the attack touches, until its last victims have timed out, are "during"; those before it and those behind
are "before" and "after". What was lost, and where, is told by the bootnode's counters and the kernel's; which of its limits and checks
caught the attack, by the counters of what it refused. Loopback knows no limits by source, the DPDK port has the default ones. Run
by run.sh."""
import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ['XORD_SRC'], 'tests', 'integration'))
from hdr_log import counts_of, percentile  # noqa: E402

XORD = os.environ['XORD']
PHASES = ('before', 'during', 'after')
TIMEOUT_MS = 500  # of a client's request
EXIT_NOTHING = 3  # of a client that nobody answers
INTERVAL_S = 1  # of its report
PING_RATE, PING_IDENTITIES = 1000, 32
NEW_RATE, NEW_IDENTITIES = 50, 64

# The same load on the generators' CPU, but sent to where nobody reads: what of the clients' figures is not the bootnode's.
CONTROL = '(to nobody)'
NOBODY_UDP = 9799

# Rates, in datagrams a second, that one CPU makes beside its other work; see docs/performance.md. What needs true challenges
# is bounded by how many identities may have one open (a second's life, four attempts).
KINDS = {
    CONTROL: (100000, 64),
    'junk': (100000, 64),
    'whoareyou-flood': (100000, 64),
    'bad-signature': (20000, 4096),
    'replay': (50000, 64),
    'spoofed': (50000, 64),
    'oversize': (50000, 64),
    'slow-handshake': (4000, 2000),
}

processes = []


class Lan:
    """How processes reach each other, and what the kernel counts of the way to the bootnode."""

    def __init__(self, spaces):
        self.spaces = spaces
        self.name = 'DPDK' if spaces else 'sockets'

    def command(self, who):
        return ['nsenter', '-t', self.spaces[who], '-n', XORD] if self.spaces else [XORD]

    def bootnode(self):
        if not self.spaces:
            return ['--ip', '127.0.0.1', '--udp', '9700']
        return ['--port', 'dpdk:net_af_packet0,iface=eth0', '--ip', '10.255.255.254/8']

    def client(self, who):
        place = ('pings', 'strangers', 'attack').index(who) + 1
        if not self.spaces:
            return ['--udp', str(9700 + place)]
        return ['--port', 'dpdk:net_af_packet0,iface=eth0', '--ip', f'10.{place}.0.0/16', '--gateway', '10.255.255.254']

    def nobody(self):
        """An address to send to, and what keeps it taken (or the kernel would answer that nobody is there)."""
        if self.spaces:
            return '10.255.255.253', None  # reaches the device of the bootnode, which is not concerned
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taken.bind(('127.0.0.1', NOBODY_UDP))
        return '127.0.0.1', taken

    def counts(self, bootnode):
        """What has come to the bootnode's socket or device, and what the kernel has dropped there."""
        if self.spaces:
            for line in open(f'/proc/{self.spaces["bootnode"]}/net/dev'):
                if line.strip().startswith('eth0:'):
                    return {'frames': int(line.split(':')[1].split()[1])}
            return {}
        drops = {}
        for line in open(f'/proc/{bootnode.pid}/net/udp').read().splitlines()[1:]:
            fields = line.split()
            drops[int(fields[1].split(':')[1], 16)] = int(fields[-1])
        return {'drops': drops.get(9700, 0), 'pings_drops': drops.get(9701, 0), 'strangers_drops': drops.get(9702, 0)}


def start(directory, name, command, cpu):
    """Output goes to files; nothing is read while it is measured."""
    out = open(os.path.join(directory, name + '.out'), 'w')
    err = open(os.path.join(directory, name + '.err'), 'w')
    # The attack is polite on its own CPU: what clients see is to be the bootnode's doing.
    polite = ['nice', '-n', '15'] if name == 'attack' else []
    process = subprocess.Popen(polite + ['taskset', '-c', str(cpu)] + command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    process.out, process.err, process.name = out.name, err.name, name
    processes.append(process)
    return process


def wait_for(process, path, text, seconds=30):
    """The line of the file that contains the text."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        for line in open(path):
            if text in line and line.endswith('\n'):
                return line.strip()
        time.sleep(0.02)
    raise SystemExit(f'{process.name}: no "{text}" in its output\n' + open(process.err).read())


def ends(process, seconds):
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return process


def report_of(process, seconds):
    ends(process, seconds)
    try:
        return json.load(open(process.out))
    except ValueError:
        raise SystemExit(f'{process.name} ended with code {process.returncode}\n' + open(process.err).read())


def check_alive(process):
    if process.poll() is not None:
        raise SystemExit(f'{process.name} ended with code {process.returncode}\n' + open(process.err).read())


def stop_all():
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        ends(process, 5)


# ---- what the kernel knows of a process ----

def status_kib(process, field):
    for line in open(f'/proc/{process.pid}/status'):
        if line.startswith(field + ':'):
            return int(line.split()[1])
    return 0


def cpu_seconds(process):
    fields = open(f'/proc/{process.pid}/stat').read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


# ---- phases ----

def phase_of(begin, end, attack):
    if end <= attack[0]:
        return 'before'
    return 'during' if begin < attack[1] + TIMEOUT_MS / 1000 else 'after'


def clients_phases(report, hdr_path, attack):
    """Of each phase: what was sent and became of it, and percentiles of the latency."""
    phases = {phase: {'seconds': 0, 'sent': 0, 'answered': 0, 'lost': 0, 'handshakes': 0} for phase in PHASES}
    counts = {phase: {} for phase in PHASES}
    for row in report['intervals']:
        end = report['started'] + row['at']
        phase = phases[phase_of(end - row['seconds'], end, attack)]
        phase['seconds'] += row['seconds']
        phase['lost'] += row['timeouts'] + row['refused'] + row['unsent']
        for field in ('sent', 'answered', 'handshakes'):
            phase[field] += row[field]
    for line in open(hdr_path):
        if not line[0].isdigit():
            continue
        begin, length, _, text = line.strip().split(',')
        begin = report['started'] + float(begin)
        merged = counts[phase_of(begin, begin + float(length), attack)]
        for step, count in counts_of(text).items():
            merged[step] = merged.get(step, 0) + count
    for name, phase in phases.items():
        ended = phase['answered'] + phase['lost']
        phase['loss'] = phase['lost'] / ended if ended else 0
        phase['p50_us'] = percentile(counts[name], 50) / 1000
        phase['p99_us'] = percentile(counts[name], 99) / 1000
    return phases


def counters_of(path):
    """Those that the bootnode prints at its end."""
    counters = {}
    for line in open(path):
        fields = line.split()
        if len(fields) == 2 and fields[1].isdigit():
            counters[fields[0]] = int(fields[1])
    return counters


# ---- a kind ----

def client_start(lan, args, who, seconds, *options, record=None):
    return start(args.dir, who, lan.command(who) + ['load', record or args.record, '--duration', f'{seconds}s', '--json',
                 '--idle', 'sleep'] + lan.client(who) + list(options), args.cpus[1])


def client_established(*started):
    """The same, and what it talks to has answered; again where none of its first few PINGs was, as on a machine that has
    much else to do."""
    for tries_left in (3, 2, 1, 0):
        client = client_start(*started)
        try:
            wait_for(client, client.err, 'open loop')
            return client
        except SystemExit:
            if client.poll() != EXIT_NOTHING or tries_left == 0:
                raise


def shape_of(args, kind):
    """Rate and identities; fewer of both do with less."""
    rate, identities = KINDS[kind]
    return int(rate * args.scale), max(64, int(identities * min(args.scale, 1)))


def attack_start(lan, args, kind):
    rate, identities = shape_of(args, kind)
    record = taken = None
    if kind == CONTROL:
        ip, taken = lan.nobody()
        record = subprocess.run([XORD, 'enr', 'new', '--key', args.key, '--ip', ip, '--udp', str(NOBODY_UDP)],
                                check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    attack = client_start(lan, args, 'attack', args.seconds, '--mode', 'hostile', 'junk' if kind == CONTROL else kind,
                          '--rate', str(rate), '--identities', str(identities), record=record)
    attack.taken = taken
    wait_for(attack, attack.err, 'open loop')
    return attack


def attack_run(lan, args, kind, bootnode):
    rate, identities = shape_of(args, kind)
    timeout = ['--request-timeout', str(TIMEOUT_MS)]
    whole = 3 * args.seconds + 60  # until they are told to end
    hdr = {who: os.path.join(args.dir, who + '.hdr') for who in ('pings', 'strangers')}
    pings = client_established(lan, args, 'pings', whole, '--rate', str(PING_RATE), '--identities', str(PING_IDENTITIES),
                               '--hdr', hdr['pings'], *timeout)
    strangers = client_established(lan, args, 'strangers', whole, '--mode', 'handshake', '--rate', str(NEW_RATE),
                                   '--identities', str(NEW_IDENTITIES), '--hdr', hdr['strangers'], *timeout)
    time.sleep(args.seconds)
    check_alive(bootnode)
    before = lan.counts(bootnode)
    rss_before = status_kib(bootnode, 'VmRSS')
    attack = attack_start(lan, args, kind)
    busy = cpu_seconds(bootnode), time.monotonic()
    attack_report = report_of(attack, args.seconds + 30)
    busy = (cpu_seconds(bootnode) - busy[0]) / (time.monotonic() - busy[1])
    time.sleep(args.seconds + TIMEOUT_MS / 1000 + INTERVAL_S)
    for process in (pings, strangers):
        process.send_signal(signal.SIGINT)
    reports = {'pings': report_of(pings, 30), 'strangers': report_of(strangers, 30)}
    check_alive(bootnode)
    during = attack_report['started'], attack_report['started'] + attack_report['total']['seconds']
    result = {who: clients_phases(report, hdr[who], during) for who, report in reports.items()}
    result.update(port=lan.name, kind=kind, identities=identities, wanted_rate=rate,
                  sent=attack_report['total']['sent'], seconds=attack_report['total']['seconds'],
                  replies=attack_report['total']['replies'], bootnode_busy=busy,
                  rss_before_kib=rss_before, rss_after_kib=status_kib(bootnode, 'VmRSS'),
                  generator_late={who: report['generator_late'] for who, report in reports.items()})
    after = lan.counts(bootnode)
    result['kernel'] = {name: after[name] - before.get(name, 0) for name in after}
    return result


def kind_run(lan, args, kind):
    bootnode = start(args.dir, 'bootnode', lan.command('bootnode') + ['bootnode', '--key', args.key] + lan.bootnode(),
                     args.cpus[0])
    try:
        args.record = wait_for(bootnode, bootnode.out, 'enr:')
        result = attack_run(lan, args, kind, bootnode)
    finally:
        stop_all()
    result['counters'] = counters_of(bootnode.err)
    taken_of_clients = sum(result[who][phase]['answered'] * share for phase in PHASES
                           for who, share in (('pings', 1), ('strangers', 2)))
    result['taken'] = result['counters'].get('rx_packets', 0) - taken_of_clients
    result['caught_by'] = caught_by(result)
    del processes[:]
    return result


# ---- the table ----

HEAD = (f'{"":15}  {"--------- attack ---------":>26}  {"---- PINGs lost ----":>20}  {"--- PING p50/p99, ms ----":>27}  '
        f'{"handshakes made":>15}  {"RSS, MiB":>8} {"CPU":>4}\n'
        f'{"kind":15}  {"from":>4} {"sent/s":>7} {"taken/s":>7} {"taken":>5}  {"before":>6} {"during":>6} {"after":>6}  '
        f'{"before":>8} {"during":>9} {"after":>8}  {"bef.":>4} {"during":>6} {"aft.":>4}  {"bef.":>4} {"aft.":>4} {"busy":>4}')


def latency_text(phase):
    p50, p99 = phase['p50_us'] / 1000, phase['p99_us'] / 1000
    return f'{p50:.{2 if p50 < 10 else 0}f}/{p99:.{1 if p99 < 10 else 0}f}'


def percent_text(share):
    return '0' if share == 0 else f'{share * 100:.2f}%' if share < 0.1 else f'{share * 100:.0f}%'


def made(phase):
    ended = phase['answered'] + phase['lost']
    return f'{100 * phase["answered"] / ended:.0f}%' if ended else '-'


def row_print(result):
    pings, strangers = result['pings'], result['strangers']
    lost = [percent_text(pings[phase]['loss']) for phase in PHASES]
    latency = [latency_text(pings[phase]) for phase in PHASES]
    new = [made(strangers[phase]) for phase in PHASES]
    seconds = result['seconds']
    print(f'{result["kind"]:15}  {result["identities"]:4} {result["sent"] / seconds:7.0f} {result["taken"] / seconds:7.0f} '
          f'{100 * result["taken"] / max(result["sent"], 1):4.0f}%  {lost[0]:>6} {lost[1]:>6} {lost[2]:>6}  '
          f'{latency[0]:>8} {latency[1]:>9} {latency[2]:>8}  {new[0]:>4} {new[1]:>6} {new[2]:>4}  '
          f'{result["rss_before_kib"] / 1024:4.0f} {result["rss_after_kib"] / 1024:4.0f} '
          f'{100 * result["bootnode_busy"]:3.0f}%', flush=True)


def caught_by(result):
    """Which of the bootnode's counters of refusals the attack has moved, and how much of what came in, the most first. What is no
    refusal is a challenge that leads to nothing."""
    taken = max(result['taken'], 1)
    counters = result['counters']
    refusals = [(n / taken, name) for name, n in counters.items() if name.startswith('drop_')]
    refusals.append(((counters.get('whoareyou_sent', 0) - counters.get('handshakes_in', 0)) / taken, 'challenged'))
    return [(name, share) for share, name in sorted(refusals, reverse=True) if share >= 0.01]


ORDINARY = {'rx_packets', 'rx_bytes', 'tx_packets', 'tx_bytes', 'ping_in', 'mail_in', 'mail_out'}


def why_print(results):
    """What the bootnode and the kernel counted, of each kind the most."""
    print('what became of it, by the bootnode\'s counters over the whole time, and where the kernel dropped datagrams:')
    for result in results:
        counted = sorted(((n, name) for name, n in result['counters'].items() if name not in ORDINARY and n >= 100),
                         reverse=True)
        text = 'caught by ' + (', '.join(f'{name} {share:.0%}' for name, share in result['caught_by']) or 'nothing') + ': '
        text += ', '.join(f'{name} {n}' for n, name in counted[:6])
        kernel = result['kernel']
        if kernel.get('drops'):
            text += f'; full socket buffer of the bootnode {kernel["drops"]}'
        if kernel.get('pings_drops') or kernel.get('strangers_drops'):
            text += f'; of the clients {kernel["pings_drops"] + kernel["strangers_drops"]}'
        if 'frames' in kernel:
            text += f'; frames at its device {kernel["frames"]}'
        if result['sent'] < 0.95 * result['wanted_rate'] * result['seconds'] and result['kind'] != 'slow-handshake':
            text += f'; the generator made {result["sent"] / result["seconds"] / result["wanted_rate"]:.0%} of its rate'
        late = [who for who, is_late in result['generator_late'].items() if is_late]
        if late:
            text += f'; late generators: {", ".join(late)}'
        print(f'  {result["kind"]:15} {text}')


def arguments():
    parser = argparse.ArgumentParser(prog='./run bench attack', description=__doc__.split('\n')[0])
    parser.add_argument('--kinds', default=','.join(KINDS), help='default: all')
    parser.add_argument('--ports', choices=('socket', 'dpdk', 'all'), default='all')
    parser.add_argument('--seconds', type=float, default=2.5, help='before, during and after; default 2.5')
    parser.add_argument('--scale', type=float, default=1, help='times the rate of each kind')
    parser.add_argument('--out', default=os.path.join(os.environ['XORD_BUILD'], 'attack.json'))
    parser.add_argument('--dir', required=True, help=argparse.SUPPRESS)
    parser.add_argument('--space', action='append', default=[], help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.kinds = args.kinds.split(',')
    unknown = set(args.kinds) - set(KINDS)
    if args.seconds <= 0 or args.scale <= 0:
        parser.error('--seconds and --scale are above zero')
    if unknown:
        parser.error(f'unknown kind {", ".join(unknown)}; there are {", ".join(KINDS)}')
    cpus = sorted(os.sched_getaffinity(0))
    args.cpus = cpus[0], cpus[-1]
    return args


def lans_of(args):
    spaces = dict(space.split('=') for space in args.space)
    if args.ports != 'dpdk':
        yield Lan({})
    if args.ports != 'socket' and spaces:
        yield Lan(spaces)
    elif args.ports != 'socket':
        print('no DPDK port: this kernel has no bridge')


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args.key = os.path.join(args.dir, 'key')
    subprocess.run([XORD, 'key', 'new', args.key], check=True, stdout=subprocess.DEVNULL)
    results = []
    if args.cpus[0] == args.cpus[1]:
        print('only one CPU: bootnode and generators share it, and so do the figures')
    for lan in lans_of(args):
        print(f'\n{lan.name}: {PING_RATE} PINGs a second from {PING_IDENTITIES} established nodes, {NEW_RATE} new handshakes '
              f'a second;\nbootnode on CPU {args.cpus[0]}, all generators on CPU {args.cpus[1]}; {args.seconds:g} s before, '
              f'during and after\n\n{HEAD}')
        of_lan = []
        for kind in args.kinds:
            of_lan.append(kind_run(lan, args, kind))
            row_print(of_lan[-1])
        print()
        why_print(of_lan)
        results += of_lan
    with open(args.out, 'w') as file:
        json.dump({'ping_rate': PING_RATE, 'ping_identities': PING_IDENTITIES, 'handshake_rate': NEW_RATE,
                   'timeout_ms': TIMEOUT_MS, 'attacks': results}, file, indent=1)
        file.write('\n')
    near = os.path.relpath(args.out)
    print(f'\nthe figures: {args.out if near.startswith("..") else near}')


try:
    main()
finally:
    stop_all()
