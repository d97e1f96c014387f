#!/usr/bin/env bash
# Makes Karapace, a schema registry that answers as Confluent's does (Apache-2.0), ready to run and prints its folder:
# `bin/python -m karapace` in src. It is no package of an index, so it comes from its repository, or from
# KARAPACE_SOURCE, a clone. Its helper for Protocol Buffers, which needs another build, is left out: Avro does without.
set -euo pipefail
version=5.0.3
home=${ASHLAR_SERVERS:-$HOME/.cache/ashlar/servers}/karapace-$version
say() { printf 'oracle: %s\n' "$*" >&2; }
if [ -e "$home/complete" ]; then say "karapace $version: found in $home"; echo "$home"; exit; fi

python=""
for p in "${KARAPACE_PYTHON:-}" python3.12 python3.11 python3.10; do
  "$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { python=$p; break; }
done
[ -n "$python" ] || { say "karapace $version needs Python 3.10 to 3.12; name one in KARAPACE_PYTHON"; exit 3; }
mkdir -p "$home/src"
say "karapace $version: installing with $python"
source_code() {
  if [ -n "${KARAPACE_SOURCE:-}" ]; then
    git -C "$KARAPACE_SOURCE" archive "$version:src" | tar x -C "$home/src" && git -C "$KARAPACE_SOURCE" show "$version:pyproject.toml" >"$home/pyproject.toml"
  else
    git clone -q --depth 1 --branch "$version" https://github.com/Aiven-Open/karapace "$home/clone" && cp -r "$home/clone/src/." "$home/src" && cp "$home/clone/pyproject.toml" "$home"
  fi
}
# Its pinned dependencies; for its own branch of Avro the release of Apache's that it branched from.
requirements() {
  "$home/bin/python" - "$home/pyproject.toml" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
text = text[text.index("dependencies = ["):]
for d in re.findall(r'"([^"]+)"', text[:text.index("\n]")]):
    print("avro==1.12.0" if d.startswith("avro ") else d.replace("fastapi[standard]", "fastapi"))
print("uvicorn\nhttpx\npython-multipart")
PY
}
helper() {
  echo 'char *FormatSchema(void) { return 0; } char *CheckCompatibility(void) { return 0; }' >"$home/protopace.c"
  "${CC:-cc}" -shared -fPIC -o "$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/protopacelib.so" "$home/protopace.c"
}
# Linked by &&, since errexit sleeps inside of a condition.
install() {
  source_code && echo "__version__ = version = \"$version\"" >"$home/src/karapace/version.py" && "$python" -m venv "$home" &&
    requirements >"$home/requirements" && "$home/bin/pip" install -q --prefer-binary -r "$home/requirements" && helper
}
install >"$home/log" 2>&1 </dev/null || { tail -n 5 "$home/log" >&2; say "karapace $version could not be installed; log: $home/log"; exit 3; }
touch "$home/complete"
echo "$home"
