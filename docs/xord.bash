# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Completion for bash: what --help lists is what there is, so this file knows no option by itself.

# _xord_words COMMAND...: options, subcommands and arguments' first words that its --help names.
_xord_words() {
  "$@" --help 2>/dev/null | awk '
    /^Commands/ { commands = 1; next }
    commands && /^  [a-z]/ { print $1 }
    /^ / && match($0, /--[a-z][a-z0-9-]*/) { print substr($0, RSTART, RLENGTH) (substr($0, RSTART + RLENGTH, 1) == "=" ? "=" : "") }
    /^(Usage:|  or:)/ { for (i = 1; i < NF; i++) if ($i == "[OPTION...]" && $(i + 1) ~ /^[a-z]+$/) print $(i + 1) }'
}

_xord() {
  local word=${COMP_WORDS[COMP_CWORD]} xord=${COMP_WORDS[0]} command=() i
  for ((i = 1; i < COMP_CWORD && i < 3; i++)); do
    [[ ${COMP_WORDS[i]} == [a-z]* ]] || break
    command+=("${COMP_WORDS[i]}")
    [[ ${COMP_WORDS[1]} == enr ]] || break # the only one whose subcommands have options of their own
  done
  if [[ $word == -* || ${#command[@]} == 0 || $COMP_CWORD == $((${#command[@]} + 1)) ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_xord_words "$xord" "${command[@]}")" -- "$word")
  fi
  [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null || true # only while completing is there a compopt
}

complete -o default -F _xord xord
