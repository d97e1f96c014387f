#!/usr/bin/env bash
# Builds a kube-apiserver and the etcd that it stores in, and prints the folder of the two binaries.
#
#   scripts/oracle/kubernetes-agent.sh          build if they are not in the cache, print the folder
#
# They lie in $ASHLAR_CACHE (default ~/.cache/ashlar)/kubernetes/VERSION, outside the checkout.
set -euo pipefail

version=v1.37.2 staging=v0.37.2
folder=${ASHLAR_CACHE:-$HOME/.cache/ashlar}/kubernetes/$version
say() { printf 'oracle: %s\n' "$*" >&2; }
there() { [ -x "$folder/kube-apiserver" ] && [ -x "$folder/etcd" ]; }

if there; then
  say "kube-apiserver $version: found in $folder"
  echo "$folder"
  exit
fi

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9 # two checkouts may build at once
if there; then echo "$folder"; exit; fi

say "kube-apiserver $version: building, this takes minutes; log: $folder/build.log"
scratch=$folder/scratch
rm -rf "$scratch"; mkdir -p "$scratch/etcd"
cd "$scratch"
export GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0
# Kubernetes asks for its own parts in version v0.0.0, which its checkout replaces by folders; outside of it they are
# modules of their own.
mod=$(cd / && go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
{
  printf 'module scratch\n\ngo 1.26\n\nrequire k8s.io/kubernetes %s\n\n' "$version"
  sed -n "s|^\t\(k8s.io/[a-z-]*\) v0\.0\.0\( //.*\)\?$|replace \1 => \1 $staging|p" "$mod" | sort -u
} >go.mod
cat >tools.go <<'GO'
//go:build tools

package scratch

import (
	_ "go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
GO
cat >etcd/main.go <<'GO'
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
GO
{
  go mod tidy -e
  go build -trimpath -ldflags '-s -w' -o "$folder/etcd.new" ./etcd
  go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" -o "$folder/apiserver.new" k8s.io/kubernetes/cmd/kube-apiserver
} >"$folder/build.log" 2>&1 || { tail -n 20 "$folder/build.log" >&2; say "kube-apiserver $version: build failed"; exit 3; }
mv "$folder/etcd.new" "$folder/etcd"
mv "$folder/apiserver.new" "$folder/kube-apiserver"
cd "$folder"
rm -rf "$scratch"
say "kube-apiserver $version: built in $folder"
echo "$folder"
