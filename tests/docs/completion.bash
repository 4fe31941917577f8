# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What bash offers behind `xord`: completion.bash XORD.BASH XORD
set -eu
# shellcheck disable=SC1090
. "$1"
xord=$2
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # glibc's argp does not free all that printing help took

offers() { # WANTED WORD...: the last word is being completed
  wanted=$1
  shift
  COMP_WORDS=("$xord" "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _xord
  if [ "${COMPREPLY[*]}" != "$wanted" ]; then
    echo "FAIL: after 'xord $*': '${COMPREPLY[*]}', want '$wanted'"
    exit 1
  fi
  echo "ok: xord $* -> $wanted"
}

offers 'ping' pi
offers 'bootnode' b
offers 'show' enr s
offers 'new' key n
offers '--distance=' findnode --d
offers '--json' ping --js
offers '--seq= --set=' enr new --se
offers '--truth=' testnet --nodes 5 --t
offers '' ping enr
