# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# Ten nodes of the Rust crate discv5.
# shellcheck disable=SC2034
kind=sigp
. "$XORD_SRC/tests/interop/ten_nodes.sh"
