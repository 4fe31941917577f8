#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compiles each public header alone, twice over, with exactly the flags that its layer's own sources get.

A header that needs another one and does not include it fails, and so does one that includes a header of a layer
above: that layer's directory is not among the flags."""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys


def layer_flags(build):
    """Layer -> compiler and flags, from the build's own description of its library; None while it has no source."""
    out = subprocess.run(['meson', 'introspect', '--targets', build], check=True, capture_output=True, text=True)
    flags = {}
    for target in json.loads(out.stdout):
        if target['type'] == 'static library' and target['name'].startswith('xord_'):
            sources = [s for s in target['target_sources'] if s['language'] == 'c']
            flags[target['name'].removeprefix('xord_')] = (
                sources[0]['compiler'] + sources[0]['parameters'] if sources else None)
    return flags


def check(build, header, flags):
    text = f'#include "{header.name}"\n#include "{header.name}"\n'
    run = subprocess.run(flags + ['-fsyntax-only', '-x', 'c', '-'], input=text, cwd=build,
                         capture_output=True, text=True)
    return header, run.returncode, run.stderr


def main():
    build = sys.argv[1]
    source = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parents[2])
    flags = layer_flags(build)
    jobs = []
    bad = 0
    for header in sorted(source.glob('lib/*/*.h')):
        layer = header.parent.name
        if not header.name.startswith('xord_') and not header.name.endswith('_private.h'):
            print(f'{layer}/{header.name}: neither xord_*.h nor *_private.h')
            bad += 1
        if layer not in flags:
            print(f'{layer}/{header.name}: {layer} is not a layer of lib/meson.build')
            bad += 1
            continue
        if flags[layer] is None:
            print(f'{layer}/{header.name}: not checked, {layer} has no source yet')
            continue
        jobs.append((build, header, flags[layer]))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, code, err in pool.map(lambda job: check(*job), jobs):
            if code:
                bad += 1
                print(f'{header.parent.name}/{header.name} does not compile alone:\n{err}')
    print(f'{len(jobs)} headers, {bad} bad')
    sys.exit(1 if bad or not jobs else 0)


main()
