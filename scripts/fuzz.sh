#!/usr/bin/env bash
# Fuzzes every parser, one target after the other, and writes bench/results/fuzz.md. What falls lies in testdata/fuzz of
# its package as a seed, which every `go test` runs from then on.
#
#   scripts/fuzz.sh [REGEXP...]     the targets whose "folder Target" matches one of them; all without
#
# FUZZTIME is the time for each (default 60s). Lines of targets that were not run stay as they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
page=$PWD/bench/results/fuzz.md
rows=$page.rows
trap 'rm -f "$rows" "$rows.log"' EXIT
[ -f "$page" ] && sed -nE '/^\| [a-z][^|]* \| `Fuzz/p' "$page" >"$rows" || : >"$rows"

write() {
  {
    echo "# Fuzzing: every parser"
    echo
    echo "$(go env GOVERSION) $(go env GOOS)/$(go env GOARCH), one worker, beside other work on the machine. Written by \`scripts/fuzz.sh\` (\`make fuzz\`)."
    echo "Executions are those of one run; \"new\" are the inputs that reached code which none before had reached."
    echo
    echo "| package | target | day | seconds | executions | new | outcome |"
    echo "|---|---|---|---:|---:|---:|---|"
    sort "$rows"
  } >"$page.new"
  mv "$page.new" "$page"
}

# The folder that a module's go.mod lies in is where its packages are tested from.
module() { local d=$1; while [ ! -f "$d/go.mod" ]; do d=$(dirname "$d"); done; echo "$d"; }

failed=0
while read -r folder target; do
  if [ $# -gt 0 ]; then
    wanted=
    for r in "$@"; do [[ "$folder $target" =~ $r ]] && wanted=1; done
    [ -n "$wanted" ] || continue
  fi
  m=$(module "$folder")
  outcome=clean
  (cd "$m" && go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-60s}" -fuzzminimizetime 100x -parallel 1 "./$(realpath --relative-to="$m" "$folder")") >"$rows.log" 2>&1 </dev/null || { grep -qx " *context deadline exceeded" "$rows.log" && ! grep -q "Failing input written" "$rows.log"; } || outcome=fell # time was up in the middle of an input
  if [ $outcome = fell ]; then failed=1; echo "== $folder $target fell"; tail -n 40 "$rows.log"; fi
  last=$(grep -E '^fuzz: elapsed' "$rows.log" | grep execs | tail -n 1 || true)
  seconds=$(sed -nE 's/.*elapsed: ([0-9hms]+),.*/\1/p' <<<"$last")
  execs=$(sed -nE 's/.*execs: ([0-9]+).*/\1/p' <<<"$last")
  new=$(sed -nE 's/.*new interesting: ([0-9]+).*/\1/p' <<<"$last")
  grep -vF "| $folder | \`$target\` |" "$rows" >"$rows.keep" || true
  mv "$rows.keep" "$rows"
  echo "| $folder | \`$target\` | $(date -u +%F) | $seconds | $execs | $new | $outcome |" >>"$rows"
  write
  echo "$folder $target: $outcome, $execs executions"
done < <(git grep -nE '^func Fuzz[A-Za-z]+\(' -- '*_test.go' | sed -E 's,^(.*)/[^/]*:[0-9]+:func (Fuzz[A-Za-z]+)\(.*,\1 \2,' | sort)
exit $failed
