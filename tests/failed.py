# SPDX-License-Identifier: BSD-3-Clause
# failed.py <LOG.json: the tests that meson's log says failed, each with the end of what it printed.
import json
import sys

PASSED = ("OK", "SKIP", "EXPECTEDFAIL")
LINES = 15

for test in map(json.loads, sys.stdin):
    if test["result"] in PASSED:
        continue
    print(f"-- {test['name']}: {test['result']} after {test['duration']:.1f} s, exit code {test['returncode']}")
    for line in (test.get("stdout", "") + test.get("stderr", "")).splitlines()[-LINES:]:
        print(f"   {line[:300]}")
