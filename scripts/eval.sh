#!/usr/bin/env bash
# Prints how right the answers are on real systems that nobody here wrote, where labels exist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -n "${ASHLAR_CORPUS:-}" ] || { echo "eval needs ASHLAR_CORPUS, a folder of real systems"; exit 3; }
ASHLAR_CORPUS=$(cd "$ASHLAR_CORPUS" && pwd) ASHLAR_EVAL=1 go test -count=1 -run 'Eval' -v ./design/... | grep -vE "^(=== |--- PASS|PASS|ok|\\?)" | sed -E "s,^ *[a-z_]+_test.go:[0-9]+: ,,"
