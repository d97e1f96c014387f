#!/usr/bin/env bash
# Builds the programs of oracle/advise, which read what `ashlar advise resilience --as` prints the way its platform does,
# and prints the path of their folder.
#
#   scripts/oracle/advise-agent.sh          build what is not in the cache, print the path
#
# They lie in $ASHLAR_CACHE (default ~/.cache/ashlar)/advise/SUM, outside the checkout, where SUM is of their sources and
# versions. The definitions of the Gateway API are those of its Go module. A cold build takes minutes; Resilience4j comes
# from Maven Central and is left out, with a word, where there is no JDK or no Maven.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
src=$root/oracle/advise
sum=$(cat "$src"/*/*.go "$src"/*/go.mod "$src"/*/go.sum "$src"/resilience4j/pom.xml "$src"/resilience4j/src/main/java/oracle/*.java | sha256sum | cut -c1-12)
folder=${ASHLAR_CACHE:-$HOME/.cache/ashlar}/advise/$sum
say() { printf 'oracle: %s\n' "$*" >&2; }

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9 # two checkouts may build at once
for name in kong crds; do
  [ -x "$folder/$name" ] && { say "advise $name: found in $folder"; continue; }
  say "advise $name: building, this takes minutes; log: $folder/$name.log"
  (cd "$src/$name" && GOWORK=off go build -trimpath -ldflags '-s -w' -o "$folder/$name.new" .) >"$folder/$name.log" 2>&1 ||
    { tail -n 20 "$folder/$name.log" >&2; say "advise $name: build failed"; exit 3; }
  mv "$folder/$name.new" "$folder/$name"
  say "advise $name: built in $folder"
done

if [ ! -d "$folder/gatewayapi" ]; then
  dir=$(cd "$root" && go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)
  mkdir -p "$folder/gatewayapi.new"
  cp "$dir"/config/crd/standard/gateway.networking.k8s.io_*routes.yaml "$folder/gatewayapi.new/"
  chmod -R u+w "$folder/gatewayapi.new"
  mv "$folder/gatewayapi.new" "$folder/gatewayapi"
fi

if [ ! -d "$folder/resilience4j" ]; then
  if command -v mvn >/dev/null && command -v javac >/dev/null; then
    say "advise resilience4j: building; log: $folder/resilience4j.log"
    scratch=$(mktemp -d)
    cp -r "$src/resilience4j/pom.xml" "$src/resilience4j/src" "$scratch/"
    (cd "$scratch" && mvn -B -q -DskipTests package) >"$folder/resilience4j.log" 2>&1 </dev/null ||
      { tail -n 20 "$folder/resilience4j.log" >&2; say "advise resilience4j: build failed"; exit 3; }
    mv "$scratch/target/dependency" "$folder/resilience4j.new"
    mv "$scratch"/target/*.jar "$folder/resilience4j.new/"
    mv "$folder/resilience4j.new" "$folder/resilience4j"
    rm -rf "$scratch"
  else
    say "advise resilience4j: left out, it wants Maven and a JDK of 17 or later (apt-get install maven openjdk-17-jdk-headless)"
  fi
fi
echo "$folder"
