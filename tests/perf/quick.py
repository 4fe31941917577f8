# SPDX-License-Identifier: BSD-3-Clause
"""Runs `xord_bench --quick` for the benches of a name, and reads what it wrote."""
import json
import pathlib
import subprocess
import sys
import tempfile


def check_figure(figure):
    floor, ratio = figure["floor"], figure["ratio"]
    assert isinstance(figure["name"], str) and figure["name"], figure
    assert isinstance(figure["unit"], str) and figure["unit"], figure
    assert figure["value"] >= 0, figure
    assert (floor is None) == (ratio is None), figure
    if floor is not None:
        assert floor > 0 and abs(ratio - figure["value"] / floor) < 0.01 * ratio + 1e-6, figure
    assert set(figure) <= {"name", "value", "unit", "floor", "ratio", "note"}, figure


def main(bench, part):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "bench.json")
        subprocess.run([bench, "--quick", "--only", part, "--json", path], check=True, timeout=100)
        figures = json.loads(path.read_text())
        assert [p.name for p in path.parent.iterdir()] == [path.name], "a file left beside"
    listed = subprocess.run([bench, "--list", "--only", part], check=True, capture_output=True, text=True).stdout.split()
    names = [figure["name"] for figure in figures]
    assert len(set(names)) == len(names), "a name twice"
    for figure in figures:
        check_figure(figure)
    for bench_name in listed:
        assert any(name == bench_name or name.startswith(bench_name + ".") for name in names), bench_name


main(*sys.argv[1:])
