#!/usr/bin/env bash
# Holds drivers and fakes to real servers that are slow to build. They are built once, outside of the checkout; what
# came out lies in docs/oracles. One script an oracle in scripts/oracle; NAME-agent.sh builds the server of NAME.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failed=()
for s in scripts/oracle/*.sh; do
  case "$s" in *-agent.sh) continue ;; esac
  echo "== $s"
  "$s" || failed+=("$s")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
