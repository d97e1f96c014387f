#!/usr/bin/env bash
# Builds Helm for the oracle test and prints the path of its binary.
#
#   scripts/oracle/helm-agent.sh          build if it is not in the cache, print the path
#
# The binary lies in $ASHLAR_CACHE (default ~/.cache/ashlar)/helm/VERSION, outside the checkout.
set -euo pipefail

version=v3.22.0
folder=${ASHLAR_CACHE:-$HOME/.cache/ashlar}/helm/$version
binary=$folder/helm
say() { printf 'oracle: %s\n' "$*" >&2; }

if [ -x "$binary" ]; then
  say "helm $version: found in $folder"
  echo "$binary"
  exit
fi

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9 # two checkouts may build at once
if [ -x "$binary" ]; then echo "$binary"; exit; fi

say "helm $version: building, this takes minutes; log: $folder/build.log"
scratch=$folder/scratch
mkdir -p "$scratch"
cd "$scratch"
cat >go.mod <<MOD
module scratch

go 1.26

require helm.sh/helm/v3 $version
MOD
cat >tools.go <<GO
//go:build tools

package scratch

import _ "helm.sh/helm/v3/cmd/helm"
GO
export GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0
{
  go mod tidy
  go build -trimpath -ldflags '-s -w' -o "$binary.new" helm.sh/helm/v3/cmd/helm
} >"$folder/build.log" 2>&1 || { tail -n 20 "$folder/build.log" >&2; say "helm $version: build failed"; exit 3; }
mv "$binary.new" "$binary"
rm -rf "$scratch"
say "helm $version: built in $folder"
echo "$binary"
