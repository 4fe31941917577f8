# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# Ten nodes of go-ethereum's p2p/discover.
# shellcheck disable=SC2034
kind=geth
. "$XORD_SRC/tests/interop/ten_nodes.sh"
