# SPDX-License-Identifier: BSD-3-Clause
"""Prints of an HdrHistogram log, as the library of that name reads it: intervals, values, median, p99 and most, in ns."""
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

total = HdrHistogram(1, 3600000000000, 3)
reader = HistogramLogReader(sys.argv[1], total)
intervals = 0
while (interval := reader.get_next_interval_histogram()) is not None:
    total.add(interval)
    intervals += 1
print(intervals, total.get_total_count(), total.get_value_at_percentile(50), total.get_value_at_percentile(99),
      total.get_max_value())
