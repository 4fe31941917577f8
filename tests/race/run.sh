#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# ThreadSanitizer of gcc 12 and clang 14 refuses the address-space randomisation of newer kernels; go without it where
# that is allowed.
setarch -R true 2>/dev/null && exec setarch -R "$@"
exec "$@"
