#!/usr/bin/env bash
# Holds avrocodec to a real schema registry on a real Kafka, and writes what came out to docs/oracles/schemaregistry.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
page=$root/docs/oracles/schemaregistry.md
agent=$("$root/scripts/oracle/schemaregistry-agent.sh")
"$root/scripts/servers/servers.sh" up kafka
eval "$("$root/scripts/servers/servers.sh" env)"
log=$(mktemp); server=$(mktemp)
port=$("$agent/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
name=oracle-$port-$$
(cd "$agent/src" && PYTHONPATH=. KARAPACE_BOOTSTRAP_URI=$ASHLAR_KAFKA KARAPACE_HOST=127.0.0.1 KARAPACE_PORT=$port \
  KARAPACE_ADVERTISED_HOSTNAME=127.0.0.1 KARAPACE_ADVERTISED_PORT=$port KARAPACE_KARAPACE_REGISTRY=true KARAPACE_LOG_LEVEL=INFO \
  KARAPACE_TOPIC_NAME=_schemas-$name KARAPACE_GROUP_ID=$name exec "$agent/bin/python" -m karapace) >"$server" 2>&1 </dev/null &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -f "$log" "$server"' EXIT
for _ in $(seq 300); do
  # It reads before it is elected to write.
  curl -sf -m 2 "http://127.0.0.1:$port/master_available" | grep -q '"master_available": *true' && break
  kill -0 "$pid" 2>/dev/null || { tail -n 5 "$server" >&2; exit 1; }
  sleep 0.2
done

cd "$root/patterns/bus/avrocodec"
failed=0
ASHLAR_ORACLE=1 ASHLAR_SCHEMA_REGISTRY=http://127.0.0.1:$port go test -count=1 -v -timeout 5m -run Oracle . >"$log" 2>&1 </dev/null || failed=1
{
  echo "# Oracle: schema registry"
  echo
  echo "$(date -u +%F), Karapace $(basename "$agent" | sed s/karapace-//) on Apache Kafka ${ASHLAR_KAFKA_LIB##*lib-}, $(go env GOVERSION) $(go env GOOS)/$(go env GOARCH). Written by \`scripts/oracle/schemaregistry.sh\`."
  echo
  echo "What the fake registry of \`patterns/bus/avrocodec\` answers in every test run, asked of a real registry with Confluent's API."
  echo
  echo "| test | outcome | seconds |"
  echo "|---|---|---:|"
  sed -nE 's/^ *--- (PASS|FAIL|SKIP): (TestOracle[^ ]*) \(([0-9.]+)s\)$/| \2 | \1 | \3 |/p' "$log" | tr _ ' '
} >"$page"
grep -E '^ *(--- FAIL|[a-z_]+\.go:[0-9]+:.*)' "$log" >&2 || true
echo "oracle: schema registry: $(grep -cE '^ *--- PASS' "$log") passed, $(grep -cE '^ *--- FAIL' "$log" || true) failed; see $page" >&2
exit $failed
