#!/usr/bin/env bash
# Formatting, vet and linters, each for a reason given in
# docs/decisions/0003-linters.md. Prints only what is wrong.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l cmd internal test)
if [ -n "$unformatted" ]; then
  echo "not gofmt'ed:" >&2
  echo "$unformatted" >&2
  exit 1
fi
go vet ./...
go tool staticcheck -checks 'all,-ST1000,-ST1005' ./...
go tool errcheck -ignoretests -exclude test/errcheck.txt ./...
