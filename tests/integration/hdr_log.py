#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads an HdrHistogram log by the published layout, with nothing of ours: prints the number of intervals, the number of
values, and the values' median and 99th percentile in nanoseconds."""
import base64
import math
import re
import struct
import sys
import zlib


def counts_of(text):
    packed = base64.b64decode(text, validate=True)
    cookie, length = struct.unpack('>II', packed[:8])
    assert cookie == 0x1c849314 and length == len(packed) - 8, 'not a compressed V2 histogram'
    plain = zlib.decompress(packed[8:])
    cookie, length, offset, digits, lowest, _, ratio = struct.unpack('>IIIIQQd', plain[:40])
    assert (cookie, length, offset, digits, lowest, ratio) == (0x1c849313, len(plain) - 40, 0, 3, 1, 1.0), 'bad head'
    counts, at, step = {}, 40, 0
    while at < len(plain):
        number = shift = 0
        for i in range(9):
            byte = plain[at]
            at += 1
            number |= (byte if i == 8 else byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        number = number >> 1 ^ -(number & 1)
        if number > 0:
            counts[step] = number
            step += 1
        else:
            step += -number or 1
    return counts


def end_of(step):
    power = 0 if step < 2048 else step // 1024 - 1
    return ((step - power * 1024 + 1) << power) - 1


def percentile(counts, percent):
    rank, seen = math.ceil(sum(counts.values()) * percent / 100), 0
    for step in sorted(counts):
        seen += counts[step]
        if seen >= rank:
            return end_of(step)
    return 0


def main():
    lines = open(sys.argv[1]).read().splitlines()
    total, intervals, at = {}, 0, 0.0
    assert '#[Histogram log format version 1.3]' in lines, 'no version'
    assert any(re.fullmatch(r'#\[StartTime: \d+\.\d{3} \(seconds since epoch\), .+\]', line) for line in lines)
    legend = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    assert legend in lines, 'no legend'
    for line in lines[lines.index(legend) + 1:]:
        start, length, most, text = line.split(',')
        counts = counts_of(text)
        assert abs(float(start) - at) < 0.002, 'a gap between intervals'
        at = float(start) + float(length)
        if counts:
            assert end_of(max(counts) - 1) < float(most) * 1e6 + 0.5 <= end_of(max(counts)) + 1, 'Interval_Max'
        for step, count in counts.items():
            total[step] = total.get(step, 0) + count
        intervals += 1
    print(intervals, sum(total.values()), percentile(total, 50), percentile(total, 99))


if __name__ == '__main__':
    main()
