// SPDX-License-Identifier: BSD-3-Clause
// Empty: with an assembly file in the package, the compiler accepts functions that are linked by name.
