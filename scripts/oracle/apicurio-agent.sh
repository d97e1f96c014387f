#!/usr/bin/env bash
# Makes Apicurio Registry (Apache-2.0), which answers as Confluent's does under /apis/ccompat/v7, ready to run and prints
# its jar. It comes from Maven Central; later versions are not there as a whole.
set -euo pipefail
version=2.5.11.Final
home=${ASHLAR_SERVERS:-$HOME/.cache/ashlar/servers}/apicurio-$version
say() { printf 'oracle: %s\n' "$*" >&2; }
jar=$home/apicurio-registry-app-$version-runner.jar
if [ -e "$home/complete" ]; then say "apicurio $version: found in $home"; echo "$jar"; exit; fi

command -v java >/dev/null && command -v mvn >/dev/null || { say "apicurio $version needs java and mvn"; exit 3; }
mkdir -p "$home"
say "apicurio $version: fetching"
mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -DoutputDirectory="$home" \
  -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" >"$home/log" 2>&1 </dev/null &&
  tar xzf "$home/apicurio-registry-app-$version-all.tar.gz" -C "$home" ||
  { tail -n 5 "$home/log" >&2; say "apicurio $version could not be installed; log: $home/log"; exit 3; }
rm "$home/apicurio-registry-app-$version-all.tar.gz"
touch "$home/complete"
echo "$jar"
