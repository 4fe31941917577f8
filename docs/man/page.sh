#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes a manual page: lines ";include NAME" of its source give way to common/NAME.scd; @VERSION@, and @DATADIR@ and @DOCDIR@, where
# data and documents are installed, to those of the build. Without SCDOC that is all, for tests that read it.
#   page.sh SOURCE OUTPUT VERSION DATADIR [SCDOC]
set -eu
source=$1 output=$2 version=$3 datadir=$4 scdoc=${5:-cat}

awk -v common="$(dirname "$source")/common" -v version="$version" -v datadir="$datadir" '
  function put(line) {
    gsub(/@VERSION@/, version, line)
    gsub(/@DATADIR@/, datadir, line)
    gsub(/@DOCDIR@/, datadir "/doc/xord", line)
    print line
  }
  /^;include / {
    file = common "/" $2 ".scd"
    while ((got = (getline line < file)) > 0)
      put(line)
    if (got < 0) {
      print FILENAME ": there is no " file > "/dev/stderr"
      exit 1
    }
    close(file)
    print ""
    next
  }
  { put($0) }' "$source" >"$output.scd"
"$scdoc" <"$output.scd" >"$output"
rm "$output.scd"
