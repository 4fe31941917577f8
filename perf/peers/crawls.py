# SPDX-License-Identifier: BSD-3-Clause
"""The same network, crawled by xord and by geth's devp2p, one after the other."""
import datetime
import json
import os
import time

from processes import Failure, Process
from servers import TestNet

BOOTNODES = 5


def packets():
    """That have passed the loopback device of this namespace, which has no other."""
    with open("/proc/net/dev") as file:
        for text in file:
            name, _, rest = text.partition(":")
            if name.strip() == "lo":
                return int(rest.split()[1])
    raise Failure("there is no loopback device")


def used(process, limit):
    """Waits for its end; exit code, CPU seconds, MiB at most."""
    deadline = time.monotonic() + limit
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.child.returncode = os.waitstatus_to_exitcode(status)
            return process.child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        if time.monotonic() > deadline:
            raise Failure(f"{process.name} does not end within {limit:g} s")
        time.sleep(0.02)


def crawled(bench, name, command, limit):
    """Runs a crawler; the figures that are had in the same way from both. Its nodes are then in a file."""
    log = bench.dir / f"{name}.log"
    before, start = packets(), time.monotonic()
    process = Process(command, bench.asker_cpu, log)
    try:
        code, cpu, memory = used(process, limit)
        if code:
            raise Failure(process.why(f"ends with exit code {code}"))
    finally:
        process.stop()
    return {"seconds": time.monotonic() - start, "packets": packets() - before, "cpu_seconds": cpu, "memory_mib": memory}


def xord_crawl(bench, net, nodes):
    out = bench.dir / "xord.json"
    few = bench.dir / "few.enrs"
    few.write_text("\n".join(net.records(BOOTNODES)) + "\n")
    out.unlink(missing_ok=True)
    command = [bench.xord, "crawl", "--bootnodes", few, "--out", out, "--ip", "127.0.0.1", "-q"]
    got = crawled(bench, "xord-crawl", command, 300)
    with open(out) as file:
        found = sum(1 for node in json.load(file).values() if node["score"] > 0)
    return {**got, "found": found, "ended": "by itself"}


def answered_after(nodes, began):
    """For each node: seconds from the start to its first answer. The file has whole seconds."""
    def seconds(text):
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - began
    return sorted(max(seconds(node["firstResponse"]), 0) for node in nodes if node["score"] > 0)


def geth_crawl(bench, net, nodes):
    """Its end is its --timeout, whatever it has found; when it found what is in its file."""
    limit = bench.crawl_seconds(nodes)
    out = bench.dir / "geth.json"
    out.unlink(missing_ok=True)
    began = int(time.time())
    command = [bench.peers / "bin" / "devp2p", "discv5", "crawl", "--addr", "127.0.0.1:9300", "--timeout", f"{limit}s",
               "--bootnodes", ",".join(net.records(BOOTNODES)), out]
    got = crawled(bench, "geth-crawl", command, limit + 60)
    with open(out) as file:
        after = answered_after(json.load(file).values(), began)
    at = {f"seconds_to_{share}": after[len(after) * share // 100 - 1] for share in (50, 90, 99) if len(after) >= 100}
    return {**got, **at, "found": len(after), "ended": f"by its limit of {limit} s"}


CRAWLERS = {"xord": ("", xord_crawl), "devp2p": ("devp2p", geth_crawl)}


def crawl_all(bench, nodes, turns):
    """Rows, in the order in which they ran."""
    net = TestNet(bench, nodes, f"net-{nodes}", ["--ip", "127.1.0.0/16", "--udp", "9100"], bench.server_cpu)
    rows = []
    try:
        for name in turns:
            absent = bench.absent.get(CRAWLERS[name][0])
            bench.say(f"crawl of {nodes} nodes: {name}")
            row = {"crawler": name, "nodes": nodes}
            try:
                row.update({"error": absent} if absent else CRAWLERS[name][1](bench, net, nodes))
            except (Failure, OSError, ValueError) as e:
                row["error"] = str(e)
            rows.append(row)
            bench.say_crawl(row)
    finally:
        net.stop()
    return rows
