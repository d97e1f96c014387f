#!/usr/bin/env bash
# Builds a Consul agent for the oracle tests and prints the path of its binary.
#
#   scripts/oracle/consul-agent.sh          build if it is not in the cache, print the path
#
# The binary lies in $ASHLAR_CACHE (default ~/.cache/ashlar)/consul/VERSION, outside the checkout.
# Consul is under the BUSL: it is run as a test's peer only; nothing of it is linked into or shipped with this repository.
set -euo pipefail

version=v1.22.7 api=v1.34.1
folder=${ASHLAR_CACHE:-$HOME/.cache/ashlar}/consul/$version
binary=$folder/consul
say() { printf 'oracle: %s\n' "$*" >&2; }

if [ -x "$binary" ]; then
  say "consul $version: found in $folder"
  echo "$binary"
  exit
fi

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9 # two checkouts may build at once
if [ -x "$binary" ]; then echo "$binary"; exit; fi

say "consul $version: building, this takes minutes; log: $folder/build.log"
scratch=$folder/scratch
rm -rf "$scratch"; mkdir -p "$scratch"
cd "$scratch"
# The module's own replace lines do not count here, and two published versions of go-msgpack have lost their tags.
cat >go.mod <<MOD
module scratch

go 1.26

require (
	github.com/hashicorp/consul $version
	github.com/hashicorp/consul/api $api
)

exclude (
	github.com/hashicorp/go-msgpack v1.1.5
	github.com/hashicorp/go-msgpack v1.1.6
)
MOD
cat >tools.go <<GO
//go:build tools

package scratch

import _ "github.com/hashicorp/consul"
GO
export GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0
{
  go get "github.com/hashicorp/consul@$version" "github.com/hashicorp/consul/api@$api"
  go build -trimpath -ldflags '-s -w' -o "$binary.new" github.com/hashicorp/consul
} >"$folder/build.log" 2>&1 || { tail -n 20 "$folder/build.log" >&2; say "consul $version: build failed"; exit 3; }
mv "$binary.new" "$binary"
rm -rf "$scratch"
say "consul $version: built in $folder"
echo "$binary"
