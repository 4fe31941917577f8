# SPDX-License-Identifier: BSD-3-Clause
# failed.py LOG.json...: the tests that meson's logs say failed, each with the end of what it printed.
import json
import sys

PASSED = ("OK", "SKIP", "EXPECTEDFAIL")
LINES = 15

for path in sys.argv[1:]:
    with open(path, encoding="utf-8", errors="replace") as log:
        tests = [json.loads(line) for line in log]
    for test in tests:
        if test["result"] in PASSED:
            continue
        print(f"-- {test['name']}: {test['result']} after {test['duration']:.1f} s, exit code {test['returncode']}")
        for line in (test.get("stdout", "") + test.get("stderr", "")).splitlines()[-LINES:]:
            print(f"   {line[:300]}")
