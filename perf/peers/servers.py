# SPDX-License-Identifier: BSD-3-Clause
"""The nodes under load: xord on a socket and on memif, and the peers. Each is a process that is pinned to one CPU and
has a routing table filled from a test network."""
import json
import re
import time

from processes import Failure, Process, output_of

TABLE_NODES = 200 # of the test network: more than fill the three farthest buckets
TABLE_WANTED = 16 # records in an answer, the most that the specification recommends
ASKED = "256,255,254"


class TestNet:
    """A network of xord whose nodes all live."""

    def __init__(self, bench, nodes, name, options, cpu):
        self.file = bench.dir / f"{name}.enrs"
        command = [bench.xord, "testnet", "--nodes", nodes, "--seed", "7", "--enrs", self.file, "--idle", "sleep",
                   *options]
        self.process = Process(command, cpu, bench.dir / f"{name}.log")
        try:
            self.ready = self.process.line(60)
            if not self.ready or not self.ready.startswith("ready"):
                raise Failure(self.process.why("has ended"))
        except Failure:
            self.process.stop()
            raise

    def records(self, most=None):
        return [text for text in self.file.read_text().split() if text.startswith("enr:")][:most]

    def stop(self):
        self.process.stop()


class Server:
    """What all have in common. `port`: the options by which `xord` reaches it; `source`: where loads come from; `asker`:
    where single questions do."""

    kind = "" # what is to be installed
    is_device = False # not on a kernel socket
    udp = 9500
    port = []
    source = []

    def __init__(self, bench, name, label):
        self.bench, self.name, self.label = bench, name, label
        self.log = bench.dir / f"{name}.log"
        self.process = self.enr = None
        self.records = 0

    def load_options(self):
        # Where both have one CPU, a generator that spins would leave the server nothing.
        idle = ["--idle", "sleep"] if self.bench.asker_cpu == self.bench.server_cpu else []
        return [*self.port, *self.source, *idle]

    def records_named(self):
        """How many records it gives for the distances that a load asks for."""
        lines = output_of([self.bench.xord, "findnode", self.enr, "--distance", ASKED, "-q", *self.port, *self.asker])
        return sum(1 for text in lines if re.match(r"[0-9a-f]{64}\b", text))

    asker = ["--ip", "127.0.0.1"]

    def wait_for_table(self, seconds):
        """Until its answers are as full as they get; sets `records`."""
        deadline = time.monotonic() + seconds
        while self.records < TABLE_WANTED and time.monotonic() < deadline:
            time.sleep(0.3)
            self.records = max(self.records, self.records_named())

    def before_load(self, mode):
        """What has to be done so that the answers are as they should be."""

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None


class Xord(Server):
    """A bootnode on a kernel socket."""

    def start(self):
        net = self.bench.net()
        self.spawn(["--ip", "127.0.0.1", "--bootnodes", net.file])
        self.wait_for_table(20)

    def spawn(self, options):
        self.process = Process([self.bench.xord, "bootnode", "--key", self.bench.key, "--udp", self.udp, "--limit-address", "off",
                                "--limit-prefix", "off", *options],
                               self.bench.server_cpu, self.log)
        self.enr = self.process.line(30)
        if not (self.enr or "").startswith("enr:"):
            raise Failure(self.process.why("has ended"))


class XordMemif(Xord):
    """The same over a DPDK device: shared memory between the two processes, no kernel between. One process at a time can
    be at the other end, so the test network that fills its table leaves again, and half a minute later its nodes are found
    dead: before that the server is started anew."""

    FULL_SECONDS = 15
    is_device = True
    full_until = 0
    net_file = None
    gateway = "10.9.255.1"
    asker = ["--ip", "10.9.255.2/16", "--idle", "sleep"]
    source = ["--ip", "10.9.0.0/16", "--gateway", gateway]

    def device(self, role, name="memif"):
        # Whoever is at the other end has the same MAC address: the server remembers that of each address that asked.
        end = 1 if role == "server" else 2
        socket = f"{self.bench.dir}/{name}.sock"
        return ["--port", f"dpdk:net_memif0,socket-abstract=no,socket={socket},role={role},mac=02:00:00:00:00:0{end}"]

    @property
    def port(self):
        return self.device("client")

    def testnet(self, device):
        options = ["--ip", "10.9.0.0/16", "--gateway", self.gateway, "--udp", "9100", *device]
        return TestNet(self.bench, TABLE_NODES, "memif-net", options, self.bench.asker_cpu)

    def start(self):
        if not self.net_file: # its records follow from the seed: they are had from a network that nobody is linked to
            net = self.testnet(self.device("server", "nobody"))
            net.stop()
            self.net_file = net.file
        self.spawn(["--ip", f"{self.gateway}/16", *self.device("server"), "--idle", "sleep", "--bootnodes", self.net_file])
        net = self.testnet(self.device("client"))
        time.sleep(5) # nobody can ask meanwhile how far it is
        net.stop()
        self.full_until = time.monotonic() + self.FULL_SECONDS
        self.records = self.records_named()

    def before_load(self, mode):
        if mode == "findnode" and time.monotonic() > self.full_until:
            self.stop()
            self.start()


class Peer(Server):
    """A program of tests/interop/peers: JSON lines."""

    extra = []

    def __init__(self, bench, name, label):
        super().__init__(bench, name, label)
        self.kind = name

    def start(self):
        command = [self.bench.peers / "bin" / f"xord-peer-{self.name}", "--base-port", self.udp, "--no-join",
                   "--seed", "1", *self.extra]
        self.process = Process(command, self.bench.server_cpu, self.log, stdin=True)
        ready = self.process.line(60)
        if not ready:
            raise Failure(self.process.why("has ended"))
        self.enr = json.loads(ready)["enrs"][0]
        for record in self.bench.net().records():
            self.ask({"cmd": "add", "enr": record})
        # With an id it runs beside what follows: some take long, and the table fills meanwhile.
        self.process.write(json.dumps({"cmd": "join", "id": 1}))
        self.wait_for_table(20)

    def ask(self, command):
        """Refused is as good: not every record finds room."""
        self.process.write(json.dumps(command))
        while (answer := self.process.line(30)) is not None:
            if "id" not in json.loads(answer):
                return
        raise Failure(self.process.why("has ended"))


class Geth(Peer):
    udp = 9501
    # It names nodes only once it has checked them, one at a time, after 5 s on average: here after 50 ms.
    extra = ["--ping-interval", "100"]


class Sigp(Peer):
    udp = 9502


class Chainsafe(Peer):
    udp = 9503


SERVERS = {
    "socket": (Xord, "xord, socket"),
    "memif": (XordMemif, "xord, memif"),
    "geth": (Geth, "geth"),
    "sigp": (Sigp, "sigp"),
    "chainsafe": (Chainsafe, "chainsafe"),
}
