#!/usr/bin/env bash
# Tests against real servers that are slow to build; they are built once, outside of the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for m in $(sed -n 's/^\t\(\..*\)/\1/p' go.work); do
  (cd "$m" && ASHLAR_ORACLE=1 go test -count=1 -timeout 40m -run 'Oracle' -v ./... | grep -vE '^(=== RUN|\?)|no test files|no tests to run')
done
