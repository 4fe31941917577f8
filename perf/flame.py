#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Where the cycles of the packet path go: a tree with shares of time, from `perf script -F ip,sym` on standard input.

    perf record -N -e cpu-clock -F 10000 -g -o perf.data build-bench/perf/xord_bench --only pingpong.hot
    perf script -i perf.data -F ip,sym | perf/flame.py
"""
import collections
import re
import sys

ROOT = "worker_turn"
LEAST = 0.01
BAR = 40


def frames_of(sample):
    """The functions of a sample from ROOT down, without what the compiler appended to their names."""
    names = [line.split(None, 1)[1] for line in sample.splitlines() if len(line.split(None, 1)) == 2]
    names = [re.sub(r"\.(lto_priv|constprop|isra|part|cold)(\.\d+)?", "", name).strip() for name in reversed(names)]
    return names[names.index(ROOT) :] if ROOT in names else []


def show(tree, path, total):
    share = tree[path] / total
    if share < LEAST:
        return
    label = "  " * (len(path) - 1) + path[-1]
    print(f"{label:<40} {100 * share:5.1f} %  {'#' * round(BAR * share)}")
    children = [key for key in tree if len(key) == len(path) + 1 and key[: len(path)] == path]
    for child in sorted(children, key=lambda key: -tree[key]):
        show(tree, child, total)


def main():
    tree = collections.Counter()
    for sample in sys.stdin.read().split("\n\n"):
        frames = frames_of(sample)
        for depth in range(1, len(frames) + 1):
            tree[tuple(frames[:depth])] += 1
    total = tree[(ROOT,)]
    if not total:
        sys.exit(f"no sample has {ROOT}: was perf record run with -g?")
    print(f"{total} samples")
    show(tree, (ROOT,), total)


main()
