# SPDX-License-Identifier: BSD-3-Clause
"""Child processes: each pinned to a CPU, none outlives this program, however it ends."""
import ctypes
import os
import select
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """One sentence for people: why something could not be measured."""


def cpus():
    """The CPU of whoever asks and the CPU of whoever is asked; the same one where there is no other."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 % len(allowed)]


class Process:
    """A child with pipes: `line` reads its stdout or its stderr, whichever was asked for, with a limit in time."""

    alive = []

    def __init__(self, command, cpu=None, log=None, read="stdout", stdin=False):
        self.name = os.path.basename(str(command[0]))
        self.log = log
        self.buffer = b""
        parent = os.getpid()

        def prepare():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})

        sink = open(log, "wb") if log else subprocess.DEVNULL
        try:
            self.child = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE if read in ("stdout", "both") else sink,
                stderr=subprocess.PIPE if read in ("stderr", "both") else sink,
                start_new_session=True, preexec_fn=prepare)
        except OSError as e:
            raise Failure(f"{self.name} does not start: {e.strerror}") from e
        finally:
            if log:
                sink.close()
        self.pipe = self.child.stderr if read in ("stderr", "both") else self.child.stdout
        Process.alive.append(self)

    @property
    def pid(self):
        return self.child.pid

    def line(self, limit):
        """The next line, or None at the end; a Failure when there is neither within `limit` seconds."""
        deadline = time.monotonic() + limit
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.pipe], [], [], left)[0]:
                raise Failure(f"{self.name} says nothing for {limit:g} s")
            data = os.read(self.pipe.fileno(), 65536)
            if not data:
                rest, self.buffer = self.buffer, b""
                return rest.decode(errors="replace") or None
            self.buffer += data
        text, _, self.buffer = self.buffer.partition(b"\n")
        return text.decode(errors="replace")

    def write(self, text):
        try:
            self.child.stdin.write(text.encode() + b"\n")
            self.child.stdin.flush()
        except OSError as e:
            raise Failure(self.why("has ended")) from e

    def why(self, what):
        """`what` happened to it, with the last thing that it logged."""
        lines = []
        if self.log and os.path.exists(self.log):
            with open(self.log, errors="replace") as file:
                lines = [text.strip() for text in file if text.strip()]
        return f"{self.name} {what}" + (f": {lines[-1][:200]}" if lines else "")

    def cpu_seconds(self):
        """What all its threads have used so far."""
        try:
            with open(f"/proc/{self.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError as e:
            raise Failure(self.why("has ended")) from e
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """MiB: resident now, and at most so far."""
        found = {}
        try:
            with open(f"/proc/{self.pid}/status") as file:
                for text in file:
                    name, _, value = text.partition(":")
                    if name in ("VmRSS", "VmHWM"):
                        found[name] = int(value.split()[0]) / 1024
            return found["VmRSS"], found["VmHWM"]
        except (OSError, KeyError) as e:
            raise Failure(self.why("has ended")) from e

    def has_ended(self):
        return self.child.poll() is not None

    def wait(self, limit):
        try:
            return self.child.wait(limit)
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{self.name} does not end within {limit:g} s") from e

    def stop(self, limit=5):
        """Asks it, and what it started, to end, and sees to it that they do."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, sign)
                self.child.wait(limit)
                break
            except subprocess.TimeoutExpired:
                pass
            except ProcessLookupError:
                self.child.wait()
                break
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    pass # what was still to be written has no reader now
        if self in Process.alive:
            Process.alive.remove(self)


def stop_all():
    for process in list(Process.alive):
        process.stop()


def output_of(command, limit=20):
    """stdout of a short command; its exit code does not matter, since its output is looked at."""
    process = Process(command, read="stdout")
    lines = []
    try:
        while (text := process.line(limit)) is not None:
            lines.append(text)
    finally:
        process.stop()
    return lines


def core_busy_idle(cpu):
    """What the kernel has counted for a CPU: ticks in use and ticks idle."""
    with open("/proc/stat") as file:
        for text in file:
            if text.startswith(f"cpu{cpu} "):
                ticks = [int(word) for word in text.split()[1:9]]
                idle = ticks[3] + ticks[4]
                return sum(ticks) - idle, idle
    return 0, 0
