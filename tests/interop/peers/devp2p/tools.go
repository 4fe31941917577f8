// SPDX-License-Identifier: BSD-3-Clause

//go:build tools

// This module builds go-ethereum's own devp2p command, at the version of ../geth.
package tools

import _ "github.com/ethereum/go-ethereum/cmd/devp2p"
