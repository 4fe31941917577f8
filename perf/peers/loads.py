# SPDX-License-Identifier: BSD-3-Clause
"""`xord load` on a server, and the search for the highest rate that loses nothing."""
import json
import re
import time

from processes import Failure, Process, core_busy_idle

IDENTITIES = 64 # nodes that the load comes from, each with a session
MODES = {"ping": "PING/s", "findnode": "FINDNODE/s", "handshake": "handshakes/s"}
KEPT_UP = 0.97 # of the rate that was asked for: below, answers pile up
FACTOR, FACTOR_MAX = 1.2, 2 # of the search's first step up or down, and of its longest
NEAR = 1.1 # it ends when the rates that pass and fail are so near
STEPS_MAX = 9
SEARCH_STEPS = 25 # times the length of a step: a search that has taken so long goes on with what it has
START = 1 # times what a closed loop reaches
STEP_TIMEOUT_MS, CONFIRMING_TIMEOUT_MS = 1000, 2000 # the latter is the default of xord load
CONFIRMING = 3 # steps long
LOWER = 0.9 # a rate that is not confirmed is tried again so much lower, then by twice as many powers
CONFIRMED_MAX = 6
PAUSE_US = 10000 # a generator that was late by so much sent what it owed at once: such a loss proves nothing
REPEATED_MAX = 1
BUSY = 0.9 # of the server's CPU: above, the server is the limit


def socket_drops(udp_port):
    """What did not fit into sockets of this namespace: of the one with this port, and of all."""
    own = everywhere = 0
    with open("/proc/net/udp") as file:
        for text in file.readlines()[1:]:
            words = text.split()
            if int(words[1].rpartition(":")[2], 16) == udp_port:
                own += int(words[-1])
    with open("/proc/net/snmp") as file:
        names, values = (text.split() for text in file if text.startswith("Udp:"))
        everywhere = int(values[names.index("RcvbufErrors")])
    return own, everywhere


class Sample:
    """What is used up and dropped so far."""

    def __init__(self, server):
        self.cpu = server.process.cpu_seconds()
        self.busy, self.idle = core_busy_idle(server.bench.server_cpu)
        self.time = time.monotonic()
        self.drops = socket_drops(server.udp)


def run(server, mode, seconds, how, timeout_ms):
    """One load, with what the server used for it. `how`: --rate or --window and its value."""
    server.before_load(mode)
    bench = server.bench
    command = [bench.xord, "load", server.enr, "--mode", mode, "--duration", f"{seconds * 1000:.0f}ms", *how,
               "--identities", IDENTITIES, "--json", "--request-timeout", timeout_ms, *server.load_options()]
    process = Process(command, bench.asker_cpu, read="both")
    said = before = None
    try:
        while (text := process.line(seconds + 20)) is not None:
            if before is None and re.search(r"pairs?\): ", text): # all have greeted, the load begins
                before = Sample(server)
            elif text.startswith("xord: "):
                said = text[6:]
        after = Sample(server)
        text = process.child.stdout.read()
        process.wait(5)
    finally:
        process.stop()
    if before is None or not text.strip():
        raise Failure(f"no {mode} load: {said or 'xord load ended without a word'}")
    return result(json.loads(text), before, after)


def result(report, before, after):
    total = report["total"]
    answered = total["answered"]
    busy, idle = after.busy - before.busy, after.idle - before.idle
    own, everywhere = (after.drops[i] - before.drops[i] for i in (0, 1))
    return {
        "asked": report.get("wanted_rate"),
        "rate": total["rate"],
        "sent": total["sent"],
        "answered": answered,
        "lost": total["sent"] - answered + total["unsent"] + total["missed"],
        "dropped_by_server_socket": own,
        "dropped_by_generator_socket": max(everywhere - own, 0),
        "p50_us": total["latency_us"]["p50"],
        "p99_us": total["latency_us"]["p99"],
        "max_us": total["latency_us"]["max"],
        "late": report["generator_late"],
        "late_max_us": total["late_max_us"],
        "server_cpu_s_per_million": (after.cpu - before.cpu) / answered * 1e6 if answered else None,
        "generator_cpu_s_per_million": report["cpu_seconds"] / answered * 1e6 if answered else None,
        "server_busy": (after.cpu - before.cpu) / (after.time - before.time),
        "core_busy": busy / (busy + idle) if busy + idle else None, # with all else that runs there
    }


def hurry():
    """For a test that all of this works: no search to speak of."""
    global IDENTITIES, START, STEPS_MAX, REPEATED_MAX, CONFIRMING, CONFIRMING_TIMEOUT_MS
    IDENTITIES, START, STEPS_MAX, REPEATED_MAX, CONFIRMING, CONFIRMING_TIMEOUT_MS = 8, 0.3, 2, 0, 1, STEP_TIMEOUT_MS


def passes(got):
    return got["lost"] == 0 and got["rate"] >= KEPT_UP * got["asked"]


def run_open(steps, server, mode, seconds, rate, timeout_ms, repeats=0):
    """An open loop; again if it lost something while another program had the generator's CPU. Goes into `steps`."""
    for _ in range(1 + repeats):
        got = run(server, mode, seconds, ["--rate", f"{rate:.0f}"], timeout_ms)
        steps.append({name: got[name] for name in ("asked", "rate", "lost", "late_max_us", "server_busy")})
        if passes(got) or got["lost"] == 0 or got["late_max_us"] < PAUSE_US:
            break
    return got


def limited_by(server, got, failed):
    """What keeps the rate from being higher, as far as can be told: the server's work ("server"), what it could hold while
    the generator caught up ("buffer"), or who asks and the way between ("generator")."""
    if got["server_busy"] >= BUSY or (failed and failed["server_busy"] >= BUSY):
        return "server"
    if failed and not server.is_device and failed["lost"] > failed["dropped_by_generator_socket"]:
        return "buffer"
    return "generator"


def bracket(steps, server, mode, step, start):
    """The highest rate that passed a step (or the next that would have been tried), and the run that failed next above
    it: up or down from `start` in steps that grow, then by bisection."""
    low, high, failed, rate, factor = None, None, None, start, FACTOR
    deadline = time.monotonic() + SEARCH_STEPS * step
    for _ in range(STEPS_MAX):
        if time.monotonic() > deadline:
            break
        got = run_open(steps, server, mode, step, rate, STEP_TIMEOUT_MS, REPEATED_MAX)
        if passes(got):
            low = rate
        else:
            high, failed = rate, got
        if low and high and high / low < NEAR:
            break
        if low and high:
            rate = (low * high) ** 0.5
        else:
            rate = low * factor if low else max(high / factor, 1)
            factor = min(factor * factor, FACTOR_MAX)
    return low or high / factor, failed


def highest(server, mode, step, start=None):
    """The highest loss-free rate, confirmed by a longer run with the default timeout. `start`: where an earlier round
    ended."""
    closed = run(server, mode, step, ["--window", IDENTITIES], STEP_TIMEOUT_MS)
    steps = []
    rate, failed = bracket(steps, server, mode, step, start or max(START * closed["rate"], 4))
    lower = LOWER
    for _ in range(CONFIRMED_MAX):
        got = run_open(steps, server, mode, CONFIRMING * step, rate, CONFIRMING_TIMEOUT_MS)
        if passes(got):
            limit = limited_by(server, got, failed)
            return {**got, "closed_loop": closed["rate"], "limited_by": limit, "steps": steps}
        failed = got
        rate *= lower
        lower *= lower
    raise Failure(f"no rate of {mode} stays free of loss for {CONFIRMING * step:g} s, not even {got['asked']:.0f}/s")
