#!/usr/bin/env bash
# Formatting, vet, staticcheck, and the arrows of the house.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bad=$(gofmt -l $(git ls-files '*.go'))
[ -z "$bad" ] || { echo "gofmt: $bad"; exit 1; }
for m in $(sed -n 's/^\t\(\..*\)/\1/p' go.work); do
  (cd "$m" && go vet ./... && go run honnef.co/go/tools/cmd/staticcheck@v0.6.1 ./...)
done
go test ./internal/arrows
# The name of context.TODO in quotes is no unfinished work.
if git grep -nE 'TODO|FIXME' -- '*.go' ':!*/testdata/*' | grep -v '== "TODO"'; then echo "unfinished work is an issue, not a comment"; exit 1; fi
echo "lint is clean"
