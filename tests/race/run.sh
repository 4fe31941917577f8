#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# ThreadSanitizer of gcc 12 and clang 14 refuses the address-space randomisation of newer kernels; go without it where
# that is allowed.
TSAN_OPTIONS="suppressions=$(dirname "$0")/suppressions.txt ${TSAN_OPTIONS-}"
export TSAN_OPTIONS
setarch -R true 2>/dev/null && exec setarch -R "$@"
exec "$@"
