#!/usr/bin/env bash
# Runs every fuzz target of the project: test/fuzz.sh [TIME [keep|report]], by
# default ten seconds each. An input that fails is written to the package's
# testdata/fuzz, where every later test runs it. With "keep", inputs that
# reached code that no other input reached are put there as well, as far as they
# are small: the corpus from which the next run starts. With "report", what a
# run finds does not fail it: the search is random, and a fault that it comes
# upon is no fault of the change at hand. It is printed, to be committed.
set -euo pipefail
cd "$(dirname "$0")/.."
span=${1:-10s}
keep=${2:-}
most=8       # inputs kept for each target
size=1025c   # smaller than this
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpus=$(go env GOCACHE)/fuzz

# fuzz runs one target. On a busy machine the end of the time can come while an
# input runs, and is reported as a failure of none; that alone is tried again.
fuzz() { # PACKAGE TARGET
  (cd "$1" && "$work/fuzz.test" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$span" -test.fuzzminimizetime 5x \
    -test.fuzzcachedir "$corpus/muster/$1") >"$work/log" 2>&1 && return
  grep -q 'context deadline exceeded' "$work/log" && ! grep -q 'Failing input' "$work/log" && return 1
  echo "== $1 $2"
  cut -c1-2000 "$work/log"
  [ "$keep" = report ] || exit 1
  echo "== FOUND by $1 $2: commit this input and mend what it shows"
  { git status --porcelain -uall -- "$1/testdata/fuzz" || true; } | awk '{print $2}' | while read -r new; do echo "$new"; head -c 20000 "$new"; done
}

keep_corpus() { # PACKAGE TARGET
  [ -d "$corpus/muster/$1/$2" ] || return 0
  mkdir -p "$1/testdata/fuzz/$2"
  find "$corpus/muster/$1/$2" -type f -size "-$size" | sort | awk -v most="$most" 'NR <= most' | while read -r input; do
    cp -n "$input" "$1/testdata/fuzz/$2/"
  done
}

grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sed 's|^\./||' | sort -u | while read -r pkg; do
  go test -c -fuzz . -o "$work/fuzz.test" "./$pkg"
  cat "$pkg"/*_test.go | grep -oE '^func Fuzz[A-Za-z0-9_]*' | sed 's/^func //' | sort | while read -r target; do
    fuzz "$pkg" "$target" || fuzz "$pkg" "$target" || { echo "== $pkg $target"; cat "$work/log"; exit 1; }
    echo "== $pkg $target: $(grep -oE 'execs: [0-9]+' "$work/log" | tail -1), $(grep -oE 'new interesting: .*' "$work/log" | tail -1)"
    if [ "$keep" = keep ]; then keep_corpus "$pkg" "$target"; fi
  done
done
