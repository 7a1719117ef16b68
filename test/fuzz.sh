#!/usr/bin/env bash
# Runs every fuzz target of the project for the time given (default 10s).
set -euo pipefail
cd "$(dirname "$0")/.."
span=${1:-10s}
grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do
  pkg=$(dirname "$file")
  grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | sed 's/^func //' | while read -r target; do
    echo "== $pkg $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$span" -fuzzminimizetime 5x "$pkg"
  done
done
