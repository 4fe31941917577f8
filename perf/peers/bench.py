# SPDX-License-Identifier: BSD-3-Clause
"""xord beside its peers: the same load on each in turn, the same network crawled; `./run bench peers`.

Installs the peers, goes into a network namespace of its own, measures, writes a table and a JSON file. Exit code 0 when
everything could be measured, 1 when something is missing: its row says why."""
import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True # nothing is left in the source tree

import crawls
import loads
import servers
import table
from processes import Failure, Process, cpus, output_of, stop_all

SOURCE = pathlib.Path(__file__).resolve().parents[2]
INSTALL = SOURCE / "tests/interop/peers/install.sh"
INSIDE = "XORD_BENCH_PEERS" # in the environment: we are in our namespace, and this is what is absent
LIMIT_SECONDS = 1500


def options():
    parser = argparse.ArgumentParser(prog="./run bench peers", description="xord beside its peers, under the same load.")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--show", metavar="FILE", help="measure nothing: print the tables of this JSON file")
    parser.add_argument("--only", default=",".join([*servers.SERVERS, "crawl"]),
                        help="some of %(default)s; ratios are to socket")
    parser.add_argument("--xord", default=SOURCE / "build-bench/app/xord", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--peers", default=SOURCE / "build/peers", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", default=SOURCE / "build/peers.json", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--no-install", action="store_true", help="take the peers that are there")
    parser.add_argument("--quick", action="store_true", help="hardly search: figures are too low, but all is tried")
    args = parser.parse_args()
    args.only = args.only.split(",")
    unknown = set(args.only) - {*servers.SERVERS, "crawl"}
    if unknown:
        raise Failure(f"there is no {sorted(unknown)[0]}: --only takes {', '.join([*servers.SERVERS, 'crawl'])}")
    return args


def setting(name, default, kind):
    """A number out of the environment, above zero."""
    text = os.environ.get(name, "")
    try:
        value = kind(text) if text else default
    except ValueError:
        value = 0
    if not 0 < value < 100000:
        raise Failure(f"{name} wants a number above zero, not \"{text}\"")
    return value


def network_sizes():
    text = os.environ.get("PEERS_NODES", "2000 20000")
    if not re.fullmatch(r"\d+( \d+)*", text) or not all(10 <= int(word) <= 60000 for word in text.split()):
        raise Failure(f"PEERS_NODES wants sizes of networks, from 10 to 60000, as \"2000 20000\", not \"{text}\"")
    return [int(word) for word in text.split()]


def settings():
    """What the environment says."""
    return argparse.Namespace(rounds=setting("PEERS_ROUNDS", 2, int), step=setting("PEERS_SECONDS", 1.0, float),
                              crawl_seconds=setting("PEERS_CRAWL_SECONDS", 120, int), sizes=network_sizes())


# ---- before the namespace ----

def install_one(args, name):
    """Why it is not there afterwards; None: it is."""
    said = []
    process = Process(["sh", INSTALL, args.peers, name], read="both")
    try:
        while (text := process.line(1800)) is not None:
            said.append(text)
        if process.wait(60) == 0:
            return None
    except Failure as e:
        return str(e)
    finally:
        process.stop()
    return said[-1].rpartition("is not installed: ")[2] if said else f"{INSTALL.name} failed without a word"


def install(args):
    """Each peer by itself; what is absent, and why."""
    absent = {}
    wanted = [name for name in ("geth", "sigp", "chainsafe") if name in args.only]
    if not args.no_install:
        print("the peers: what is not yet built is now, which may take some minutes", flush=True)
    for name in wanted + (["devp2p"] if "crawl" in args.only else []):
        program = args.peers / "bin" / (name if name == "devp2p" else f"xord-peer-{name}")
        if args.no_install:
            why = None if os.access(program, os.X_OK) else f"there is no {program}"
        else:
            why = install_one(args, name)
        if why:
            absent[name] = f"not installed: {why}"
            print(f"{name} is {absent[name]}", flush=True)
    return absent


def enter_namespace(absent):
    """Goes on inside a fresh network namespace: loopback, nothing else, and gone with this process."""
    flags = ["-n"] if os.geteuid() == 0 else ["-Urn"]
    if subprocess.run(["unshare", *flags, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Failure("needs root, or a kernel that lets users make network namespaces (unshare -Urn)")
    os.environ[INSIDE] = json.dumps(absent)
    os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])


# ---- what it is about ----

def cpu_model():
    with open("/proc/cpuinfo") as file:
        names = [text.partition(":")[2].strip() for text in file if text.startswith("model name")]
    return names[0] if names else platform.machine()


def machine():
    return {"cpu": cpu_model(), "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "load_before": os.getloadavg()[0]}


def pinned(path, pattern):
    """A version out of a peer's lock file."""
    found = re.search(pattern, (INSTALL.parent / path).read_text(), re.S)
    return found[1] if found else "unknown"


def versions():
    def first(command):
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        except OSError:
            said = ""
        return said.partition("\n")[0] or "unknown"
    chainsafe = r'"node_modules/@chainsafe/discv5": \{\s*"version": "([^"]+)"'
    return {
        "xord": first(["git", "-C", str(SOURCE), "describe", "--always", "--dirty"]),
        "geth and its devp2p": pinned("geth/go.mod", r"go-ethereum v(\S+)"),
        "sigp": pinned("sigp/Cargo.lock", r'name = "discv5"\nversion = "([^"]+)"'),
        "chainsafe": pinned("chainsafe/package-lock.json", chainsafe) + " (its cryptography in JavaScript)",
        "go": first(["go", "env", "GOVERSION"]),
        "rustc": first(["rustc", "--version"]).removeprefix("rustc "),
        "node": first(["node", "--version"]),
    }


def build_of(xord):
    file = xord.parent.parent / ".options"
    how = file.read_text().strip() if file.exists() else "options that this build directory does not tell"
    return f"xord with {how}; the peers as {INSTALL.relative_to(SOURCE)} does it, in their release form"


class Bench:
    """Where everything is, and what has been found."""

    def __init__(self, args, directory, absent):
        self.args, self.dir, self.absent = args, directory, absent
        self.xord, self.peers, self.key = args.xord, args.peers, directory / "key"
        self.asker_cpu, self.server_cpu = cpus()
        self.settings = settings()
        self.start = time.monotonic()
        self.nets = []
        if args.quick:
            loads.hurry()
        self.report = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": machine(),
                       "versions": versions(), "build": build_of(args.xord), "rounds_wanted": self.settings.rounds,
                       "rounds_done": 0, "step_seconds": self.settings.step, "identities": loads.IDENTITIES,
                       "notes": [], "servers": {}, "crawls": []}
        if args.quick:
            self.note("Hardly searched (--quick): the rates are too low.")
        if self.asker_cpu == self.server_cpu:
            self.note("There is one CPU only: generator and server share it, so rates say what both together can do.")

    def note(self, text):
        self.report["notes"].append(text)

    def say(self, text):
        print(f"[{time.monotonic() - self.start:4.0f} s] {text}", flush=True)

    def say_crawl(self, row):
        self.say("  " + "  ".join(table.crawl_row(row)[2:] if "error" not in row else [row["error"]]))

    def net(self):
        """The network whose nodes fill the servers' tables."""
        if not self.nets:
            options = ["--ip", "127.1.0.0/16", "--udp", "9100"]
            self.nets.append(servers.TestNet(self, servers.TABLE_NODES, "net", options, self.asker_cpu))
        return self.nets[0]

    def crawl_seconds(self, nodes):
        """For geth's, which ends when it is told to: longer than it takes to find most, if that is possible at all."""
        return max(min(self.settings.crawl_seconds, nodes // 50), 5)

    # ---- loads ----

    def measure(self, entry, server, turn, mode):
        """One figure of one round."""
        earlier = table.best(entry["rounds"][:-1], mode)
        try:
            figure = loads.highest(server, mode, self.settings.step, earlier and earlier["rate"])
            text = (f"{figure['rate']:,.0f} {loads.MODES[mode]}, p99 {table.latency(figure['p99_us'])}, "
                    f"limited by the {figure['limited_by']}")
        except Failure as e:
            if not server.process or server.process.has_ended():
                raise
            figure, text = {"error": str(e)}, str(e)
        entry["rounds"][-1]["modes"][mode] = figure
        self.say(f"round {turn}: {server.label}: {text}")

    def round_of(self, entry, server, turn):
        """Starts a server, puts every load on it, stops it."""
        measured = {"modes": {}}
        entry["rounds"].append(measured)
        try:
            server.start()
            measured["records"] = server.records
            for mode in ("findnode", "ping", "handshake"): # a table on memif is full in the beginning only
                self.measure(entry, server, turn, mode)
                if mode == "findnode":
                    measured["records_after"] = server.records_named()
            measured["memory_now_mib"], measured["memory_mib"] = server.process.memory()
        except (Failure, OSError, ValueError) as e:
            entry["error"] = str(e)
            self.say(f"round {turn}: {server.label}: {e}")
        finally:
            server.stop()

    def loads(self):
        chosen = [name for name in servers.SERVERS if name in self.args.only]
        for name in chosen:
            self.report["servers"][name] = {"label": servers.SERVERS[name][1], "rounds": []}
            if name in self.absent:
                self.report["servers"][name]["error"] = self.absent[name]
        for turn in range(1, self.settings.rounds + 1):
            began = time.monotonic()
            for name in chosen:
                entry = self.report["servers"][name]
                if "error" not in entry:
                    make, label = servers.SERVERS[name]
                    self.round_of(entry, make(self, name, label), turn)
            self.report["rounds_done"] = turn
            if turn < self.settings.rounds and not self.has_time_for(time.monotonic() - began):
                self.note(f"Only {turn} of {self.settings.rounds} rounds: another would have taken it beyond "
                          f"{LIMIT_SECONDS // 60} minutes.")
                break
        for net in self.nets:
            net.stop()

    def has_time_for(self, seconds):
        crawling = sum(self.crawl_seconds(nodes) + 30 for nodes in self.settings.sizes) if "crawl" in self.args.only else 0
        return time.monotonic() - self.start + seconds + crawling < LIMIT_SECONDS

    def crawls(self):
        for nodes in self.settings.sizes:
            try:
                self.report["crawls"] += crawls.crawl_all(self, nodes, ["xord", "devp2p", "xord"])
            except Failure as e:
                self.report["crawls"].append({"crawler": "any", "nodes": nodes, "error": str(e)})

    def run(self):
        output_of([self.xord, "key", "new", self.key])
        if any(name in servers.SERVERS for name in self.args.only):
            self.loads()
        if "crawl" in self.args.only:
            self.crawls()
        self.report["seconds"] = time.monotonic() - self.start


def write(report, out):
    new = out.with_suffix(".new")
    new.write_text(json.dumps(report, indent=1) + "\n")
    new.replace(out)


def check_writable(out):
    """Now, not after twenty minutes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out.parent, os.W_OK):
        raise Failure(f"cannot write {out}: no permission in {out.parent}")


def measure(args):
    absent = json.loads(os.environ[INSIDE])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="xord-peers-"))
    try:
        bench = Bench(args, directory, absent)
        bench.run()
        write(bench.report, args.out)
    finally:
        stop_all()
        shutil.rmtree(directory, ignore_errors=True)
    print()
    print(table.render(bench.report, args.markdown))
    print(f"\nthe figures: {args.out}")
    return 1 if table.failures(bench.report) else 0


def main():
    args = options()
    if args.show:
        print(table.render(json.loads(pathlib.Path(args.show).read_text()), args.markdown))
        return 0
    if not os.access(args.xord, os.X_OK):
        raise Failure(f"there is no {args.xord}: ./run bench peers builds it")
    if INSIDE not in os.environ:
        settings()
        check_writable(args.out)
        enter_namespace(install(args))
    return measure(args)


def end(number, _frame):
    raise SystemExit(128 + number)


if __name__ == "__main__":
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, end)
    try:
        code = main()
    except (Failure, OSError, ValueError) as e:
        print(f"bench peers: {e}", file=sys.stderr)
        code = 1
    finally:
        stop_all()
    sys.exit(code)
