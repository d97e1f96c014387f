#!/usr/bin/env bash
# Discovers, reviews and draws the small shop under examples/, and says where to cut
# the monolith that it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p out
run() { printf '\n$ %s\n' "$*"; "$@"; }
run bin/ashlar discover examples/shop/deploy examples/shop/traces.json
run bin/ashlar review --fail-on never examples/shop/deploy examples/shop/traces.json
run bin/ashlar diagram examples/shop/deploy examples/shop/traces.json --title shop -o out/map.svg
run bin/ashlar split examples/shop/legacy
bin/ashlar split examples/shop/legacy -f html -o out/split.html
printf '\nThe map is in out/map.svg, the cut in out/split.html; open them in a browser. Now try it on your own manifests: bin/ashlar review PATH\n'
