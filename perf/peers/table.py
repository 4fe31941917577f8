# SPDX-License-Identifier: BSD-3-Clause
"""The figures as tables, for a terminal or as Markdown."""

COLUMNS = ["server", "PING/s", "p99 there", "FINDNODE/s", "records", "handshakes/s", "memory", "CPU s/M PING"]
CRAWL_COLUMNS = ["crawl by", "nodes", "found", "seconds", "packets", "CPU s", "memory", "ended"]

# Before a rate, by what limited it: nothing when that was the server's work.
MARKS = {"server": "", "buffer": "~ ", "generator": ">= "}


def grid(columns, rows, markdown):
    """Rows are lists of cells, or one text for a row that has none."""
    if markdown:
        lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        for row in rows:
            cells = row if len(row) > 2 else [row[0], row[1]] + [""] * (len(columns) - 2)
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)
    widths = [max([len(name)] + [len(row[i]) for row in rows if len(row) > 2 or i == 0])
              for i, name in enumerate(columns)]
    lines = []
    for row in [columns, *rows]:
        rest = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:])] if len(row) > 2 else row[1:]
        lines.append("  ".join([f"{row[0]:<{widths[0]}}", *rest]))
    return "\n".join(lines)


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def latency(us):
    return f"{us / 1000:.3g} ms" if us >= 1000 else f"{us:.3g} us"


def with_ratio(text, value, base):
    """A figure and how many times that of xord on a socket it is."""
    return f"{text} ({value / base:.2g})" if base else text


def best(rounds, mode):
    """Of the rounds in which the mode was measured, the one with the highest rate."""
    figures = [r["modes"][mode] for r in rounds if "rate" in r["modes"].get(mode, {})]
    return max(figures, key=lambda figure: figure["rate"], default=None)


def least(rounds, mode, name):
    return min((r["modes"][mode][name] for r in rounds if r["modes"].get(mode, {}).get(name) is not None), default=None)


def memory(rounds):
    return max((r["memory_mib"] for r in rounds if "memory_mib" in r), default=None)


def rate_cell(server, base, mode):
    figure, of = best(server["rounds"], mode), best(base["rounds"], mode)
    if not figure:
        return "none"
    text = MARKS[figure["limited_by"]] + number(figure["rate"])
    return with_ratio(text, figure["rate"], of and of["rate"])


def plain_cell(value, base, text):
    return "none" if value is None else with_ratio(text(value), value, base)


def records_cell(rounds):
    """In an answer; two numbers when there were less at the end of a measurement."""
    first = max(r.get("records", 0) for r in rounds)
    last = min(r.get("records_after", first) for r in rounds)
    return str(first) if first == last else f"{first} to {last}"


def server_row(server, base):
    rounds = server["rounds"]
    label = server["label"]
    if not any(best(rounds, mode) for mode in ("ping", "findnode", "handshake")):
        return [label, server.get("error", "not measured")]
    ping = best(rounds, "ping")
    of = best(base["rounds"], "ping")
    p99 = with_ratio(latency(ping["p99_us"]) + ("*" if ping["late"] else ""), ping["p99_us"],
                     of and of["p99_us"]) if ping else "none"
    name = "server_cpu_s_per_million"
    return [label, rate_cell(server, base, "ping"), p99, rate_cell(server, base, "findnode"),
            records_cell(rounds), rate_cell(server, base, "handshake"),
            plain_cell(memory(rounds), memory(base["rounds"]), lambda v: f"{v:.0f} MiB"),
            plain_cell(least(rounds, "ping", name), least(base["rounds"], "ping", name), number)]


def crawl_row(row):
    if "error" in row:
        return [f"{row['crawler']}, {row['nodes']:,} nodes", row["error"]]
    ended = row["ended"]
    if "seconds_to_99" in row:
        times = ", ".join(f"{row[f'seconds_to_{share}']:.0f}" for share in (50, 90, 99))
        ended += f"; half, 90 %, 99 % of them after {times} s"
    found = f"{row['found']:,} ({100 * row['found'] / row['nodes']:.3g} %)"
    return [row["crawler"], f"{row['nodes']:,}", found, f"{row['seconds']:.1f}", f"{row['packets']:,}",
            f"{row['cpu_seconds']:.1f}", f"{row['memory_mib']:.0f} MiB", ended]


def spread(servers):
    """How far the rounds lie apart, in words; a figure of one round has no spread."""
    parts = []
    for server in servers.values():
        for mode in ("ping", "findnode", "handshake"):
            rates = [r["modes"][mode]["rate"] for r in server["rounds"] if "rate" in r["modes"].get(mode, {})]
            if len(rates) > 1:
                parts.append(f"{server['label']} {mode} {number(min(rates))} to {number(max(rates))}")
    return parts


def notes(report):
    machine = report["machine"]
    lines = [f"Machine: {machine['cpu']}, CPUs that may be used: {machine['cpus']}, Linux {machine['kernel']}; "
             f"load average {machine['load_before']:.2f} before. {report['date']}.",
             "Versions: " + ", ".join(f"{name} {version}" for name, version in report["versions"].items()) + ".",
             f"Built: {report['build']}."]
    rounds = f"Best of {report['rounds_done']} rounds" if report["rounds_done"] > 1 else "One round"
    lines.append(f"{rounds}, in turns; in brackets, how many times the figure of xord on a socket. \">=\": the server was "
                 "not at its limit, the generator was. \"~\": its CPU was not either, but above that rate its receive buffer did not "
                 "hold what came at once. \"*\": the generator was late, and that is part of the latency.")
    apart = spread(report["servers"])
    if apart:
        lines.append("Rounds: " + "; ".join(apart) + ".")
    return lines + report["notes"]


def failures(report):
    """What could not be measured, though a row has other figures."""
    lines = [f"{server['label']}: {server['error']}" for server in report["servers"].values() if "error" in server]
    for server in report["servers"].values():
        for i, r in enumerate(server["rounds"], 1):
            lines += [f"{server['label']}, {mode}, round {i}: {figure['error']}" for mode, figure in r["modes"].items()
                      if "error" in figure]
    return lines + [f"crawl of {row['nodes']:,} nodes by {row['crawler']}: {row['error']}" for row in report["crawls"]
                    if "error" in row]


def render(report, markdown=False):
    base = report["servers"].get("socket", {"rounds": []})
    parts = [grid(COLUMNS, [server_row(server, base) for server in report["servers"].values()], markdown)]
    if report["crawls"]:
        parts.append(grid(CRAWL_COLUMNS, [crawl_row(row) for row in report["crawls"]], markdown))
    parts.append("\n".join(notes(report)))
    failed = failures(report)
    if failed:
        parts.append("Not measured:\n" + "\n".join("- " + text for text in failed))
    return "\n\n".join(parts)
