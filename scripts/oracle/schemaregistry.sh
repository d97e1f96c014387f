#!/usr/bin/env bash
# Holds avrocodec to real schema registries, Karapace on a real Kafka and Apicurio, and writes what came out to
# docs/oracles/schemaregistry.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/oracles/schemaregistry.md
karapace=$("$root/scripts/oracle/schemaregistry-agent.sh")
apicurio=$("$root/scripts/oracle/apicurio-agent.sh")
"$root/scripts/servers/servers.sh" up kafka
eval "$("$root/scripts/servers/servers.sh" env)"
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

free_port() { "$karapace/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# await NAME PID COMMAND...: until the command succeeds, a minute at most.
await() {
  local name=$1 pid=$2; shift 2
  for _ in $(seq 300); do
    "$@" >/dev/null 2>&1 && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 5 "$work/$name.server" >&2
  exit 1
}

port=$(free_port)
name=oracle-$port-$$
(cd "$karapace/src" && PYTHONPATH=. KARAPACE_BOOTSTRAP_URI=$ASHLAR_KAFKA KARAPACE_HOST=127.0.0.1 KARAPACE_PORT=$port \
  KARAPACE_ADVERTISED_HOSTNAME=127.0.0.1 KARAPACE_ADVERTISED_PORT=$port KARAPACE_KARAPACE_REGISTRY=true KARAPACE_LOG_LEVEL=INFO \
  KARAPACE_TOPIC_NAME=_schemas-$name KARAPACE_GROUP_ID=$name exec "$karapace/bin/python" -m karapace) >"$work/karapace.server" 2>&1 </dev/null &
pids+=($!)
karapace_url=http://127.0.0.1:$port
apicurio_port=$(free_port)
QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT=$apicurio_port java -Xmx384m -jar "$apicurio" >"$work/apicurio.server" 2>&1 </dev/null &
pids+=($!)
apicurio_url=http://127.0.0.1:$apicurio_port/apis/ccompat/v7
# Karapace reads before it is elected to write.
elected() { curl -sf -m 2 "$karapace_url/master_available" | grep -q '"master_available": *true'; }
await karapace "${pids[0]}" elected
await apicurio "${pids[1]}" curl -sf -m 2 "$apicurio_url/subjects"
# Confluent's and Karapace's default; Apicurio checks nothing by its own.
curl -sf -X PUT -H 'Content-Type: application/json' -d '{"compatibility":"BACKWARD"}' "$apicurio_url/config" >/dev/null

failed=0
ask() { # NAME URL
  (cd "$root/patterns/bus/avrocodec" && ASHLAR_ORACLE=1 ASHLAR_SCHEMA_REGISTRY=$2 go test -count=1 -v -timeout 5m -run Oracle .) >"$work/$1" 2>&1 </dev/null || failed=1
}
ask karapace "$karapace_url"
ask apicurio "$apicurio_url"
rows() { sed -nE "s/^ +--- (PASS|FAIL|SKIP): TestOracleSchemaRegistry\/([^ ]*) \(([0-9.]+)s\)$/| $1 | \2 | \1 | \3 |/p" "$work/$2" | tr _ ' ' | sed 's/| SKIP |/| refused by this registry |/'; }
{
  echo "# Oracle: schema registry"
  echo
  echo "$(date -u +%F), Karapace $(basename "$karapace" | sed s/karapace-//) on Apache Kafka ${ASHLAR_KAFKA_LIB##*lib-}, Apicurio Registry $(basename "$(dirname "$apicurio")" | sed s/apicurio-//), $(go env GOVERSION) $(go env GOOS)/$(go env GOARCH). \`scripts/oracle/schemaregistry.sh\` writes this page anew."
  echo
  echo "What the fake registry of \`patterns/bus/avrocodec\` answers in every test run, asked of real registries with Confluent's API."
  echo "Karapace takes no references between Avro schemas: it refuses them with status 422, code 44302, which the client tells as such. Apicurio takes them."
  echo
  echo "| registry | test | outcome | seconds |"
  echo "|---|---|---|---:|"
  rows Karapace karapace
  rows Apicurio apicurio
} >"$page"
grep -hE '^ *(--- FAIL|[a-z_]+\.go:[0-9]+:.*)' "$work/karapace" "$work/apicurio" >&2 || true
# What one registry refuses the other must take.
grep -qE '^ +--- PASS: .*/references ' "$work/apicurio" || { echo "oracle: schema registry: no registry took references" >&2; failed=1; }
echo "oracle: schema registry: $(cat "$work/karapace" "$work/apicurio" | grep -cE '^ +--- PASS') passed, $(cat "$work/karapace" "$work/apicurio" | grep -cE '^ *--- FAIL' || true) failed; see $page" >&2
exit $failed
