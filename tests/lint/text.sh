#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Lint that needs no compiler: white space, machine paths, licence lines, and documents that name what does not exist.
set -eu
cd "$(dirname "$0")/../.."
bad=0

# report WHAT: complains about the lines on stdin and fails, if there are any.
report() {
  lines=$(cat)
  [ -z "$lines" ] || {
    printf '%s:\n%s\n' "$1" "$lines"
    return 1
  }
}

files() {
  git ls-files -co --exclude-standard "$@" | while read -r file; do
    case $file in
      tests/fuzz/corpus/*) ;;
      *) [ ! -f "$file" ] || echo "$file" ;;
    esac
  done
}

each_line() { # PATTERN FILES...: where grep -E finds it, in text files
  pattern=$1
  shift
  files "$@" | xargs grep -InE -e "$pattern" /dev/null || true
}

# Every `./run X` that a document shows is a command of ./run.
unknown_commands() {
  help=$(./run help)
  files '*.md' | xargs grep -noE '\./run [a-z]+' /dev/null | while IFS=: read -r file line text; do
    command=${text#./run }
    echo "$help" | grep -qE "^  $command( |\$)" || echo "$file:$line: $text"
  done
}

# Relative links of documents, without those to the web and to headings.
dead_links() {
  files '*.md' | while read -r file; do
    grep -oE '\]\([^)#:]+[)#]' "$file" | sed 's/^](//; s/[)#]$//' | while read -r target; do
      [ -e "$(dirname "$file")/$target" ] || echo "$file: $target"
    done
  done
}

no_spdx() {
  files '*.c' '*.h' '*.sh' '*.py' '*.mjs' '*.js' '*.go' '*.rs' '*meson.build' run .ci/run | while read -r file; do
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' || echo "$file"
  done
}

# A private header belongs to the directory that it stands in.
foreign_private() {
  files 'lib/*.[ch]' 'app/*.[ch]' | xargs grep -noE '^#include "[a-z0-9_]+_private\.h"' /dev/null |
    while IFS=: read -r file line text; do
      name=${text#*\"}
      [ -f "$(dirname "$file")/${name%\"}" ] || echo "$file:$line: $text"
    done
}

each_line '[[:space:]]+$' | report 'white space at the end of a line' || bad=1
each_line '(^|[^A-Za-z0-9_./])/(wor[k]|roo[t]|hom[e])(/|$|[^A-Za-z0-9_-])' | report 'a path of one machine' || bad=1
each_line "$(printf '\t')" '*.c' '*.h' '*.sh' '*meson.build' run .ci/run | report 'a tab' || bad=1
no_spdx | report 'no SPDX line' || bad=1
foreign_private | report 'a private header of another directory' || bad=1
unknown_commands | report 'no such command of ./run' || bad=1
dead_links | report 'a link to nothing' || bad=1
[ $bad = 0 ]
