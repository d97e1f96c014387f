#!/usr/bin/env bash
# Discovers, reviews and draws the small shop under examples/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p out
run() { printf '\n$ %s\n' "$*"; "$@"; }
run bin/ashlar discover examples/shop/deploy examples/shop/traces.json
run bin/ashlar review --fail-on never examples/shop/deploy examples/shop/traces.json
run bin/ashlar diagram examples/shop/deploy examples/shop/traces.json --title shop -o out/map.svg
printf '\nThe map is in out/map.svg; open it in a browser. Now try it on your own manifests: bin/ashlar review PATH\n'
