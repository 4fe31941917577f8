# SPDX-License-Identifier: BSD-3-Clause
"""The search for the highest rate, on servers that are made up, and the tables."""
import pathlib
import sys
import types

sys.path.insert(0, str(pathlib.Path(sys.argv[1], "perf/peers")))
sys.dont_write_bytecode = True
import loads
import table
from processes import Failure


def fake(capacity, closed=None, generator=10**9, sustained=1.0):
    """A server that answers so many a second, `sustained` of them for long, asked by a generator that manages so many."""
    asked = []

    def run(server, mode, seconds, how, timeout_ms=None):
        if how[0] == "--window":
            return {"rate": closed or capacity}
        rate = float(how[1])
        asked.append(rate)
        most = capacity * (sustained if seconds > 1 else 1)
        done = min(rate, most, generator)
        return {"asked": rate, "rate": done, "lost": max(0, min(rate, generator) - most) * seconds,
                "dropped_by_generator_socket": 0, "late_max_us": 0, "server_busy": done / capacity, "late": False,
                "p99_us": 100.0, "server_cpu_s_per_million": 1e6 / capacity}
    loads.run = run
    return asked


def find(start=None, **kind):
    asked = fake(**kind)
    got = loads.highest(types.SimpleNamespace(is_device=False), "ping", 1, start)
    return got, asked


def check_search():
    for capacity in (3, 70, 1234, 987654):
        for closed in (capacity / 30, capacity / 2, capacity, capacity * 3):
            got, asked = find(capacity=capacity, closed=closed)
            assert 0.75 * capacity - 2 <= got["rate"] <= capacity and got["lost"] == 0, (capacity, closed, got)
            assert got["limited_by"] == "server" and len(asked) <= 15, (capacity, closed, got, asked)
    got, _ = find(capacity=5000, closed=100, start=4800)
    assert 4400 <= got["rate"] <= 5000, got
    got, _ = find(capacity=100000, closed=20000, generator=30000)
    assert 27000 <= got["rate"] <= 30000 and got["limited_by"] == "generator", got
    got, _ = find(capacity=1000, sustained=0.5)
    assert 250 <= got["rate"] <= 500, got
    try:
        find(capacity=1000, sustained=0)
    except Failure as e:
        assert "stays free of loss for 3 s" in str(e), e
    else:
        raise AssertionError("a server that never keeps up has a rate")


def server(label, first, **more):
    figure = {"rate": first, "limited_by": "server", "p99_us": 1500.0, "late": False,
              "server_cpu_s_per_million": 1e6 / first}
    one = {"modes": {"ping": figure, "findnode": {"error": "no rate"}}, "memory_mib": 20, "records": 16}
    return {"label": label, "rounds": [one, {"modes": {"ping": {**figure, **more}}, "memory_mib": 30, "records": 16}]}


def check_table():
    report = {"machine": {"cpu": "a", "cpus": 2, "kernel": "b", "load_before": 0}, "date": "c", "versions": {"xord": "1"},
              "build": "d", "rounds_done": 2, "notes": [],
              "servers": {"socket": server("xord, socket", 1000, rate=2000, limited_by="generator"),
                          "geth": server("geth", 500),
                          "sigp": {"label": "sigp", "rounds": [], "error": "not installed: no cargo"}},
              "crawls": [{"crawler": "xord", "nodes": 200, "found": 199, "seconds": 1.0, "packets": 3000,
                          "cpu_seconds": 0.5, "memory_mib": 40, "ended": "by itself"},
                         {"crawler": "devp2p", "nodes": 200, "error": "not installed: no go"}]}
    text = table.render(report)
    lines = text.splitlines()
    assert lines[1].split()[:4] == ["xord,", "socket", ">=", "2,000"], lines[1]
    assert "500 (0.25)" in lines[2] and "1.5 ms" in lines[2] and "30 MiB (1)" in lines[2] and "none" in lines[2], lines[2]
    assert lines[3].split(maxsplit=1) == ["sigp", "not installed: no cargo"], lines[3]
    for part in ("199 (99.5 %)", "devp2p, 200 nodes  not installed: no go", "xord, socket ping 1,000 to 2,000",
                 "geth, findnode, round 1: no rate"):
        assert part in text, (part, text)
    marked = [line for line in table.render(report, markdown=True).splitlines() if line.startswith("|")]
    assert len(marked) == 9 and len({line.count("|") for line in marked}) == 1, marked
    assert len(table.failures(report)) == 4, table.failures(report)


check_search()
check_table()
