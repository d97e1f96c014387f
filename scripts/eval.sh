#!/usr/bin/env bash
# Prints how right the answers are on real systems that nobody here wrote, where labels exist. ASHLAR_CORPUS is a folder
# of files of such systems; ASHLAR_SYSTEMS, when set, one of whole source trees, OWNER_REPOSITORY at the commits that
# design/review/rules/testdata/labels names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -n "${ASHLAR_CORPUS:-}" ] || { echo "eval needs ASHLAR_CORPUS, a folder of real systems"; exit 3; }
if [ -n "${ASHLAR_SYSTEMS:-}" ]; then ASHLAR_SYSTEMS=$(cd "$ASHLAR_SYSTEMS" && pwd); export ASHLAR_SYSTEMS; fi
ASHLAR_CORPUS=$(cd "$ASHLAR_CORPUS" && pwd) ASHLAR_EVAL=1 go test -count=1 -run 'Eval' -v ./design/... | grep -vE "^(=== |--- PASS|PASS|ok|\\?)" | sed -E "s,^ *[a-z_]+_test.go:[0-9]+: ,,"
