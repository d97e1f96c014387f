#!/usr/bin/env bash
# The real servers that tests and benchmarks run against, on loopback, without containers.
#
#   scripts/servers/servers.sh up [NAME...]     install what is missing, start, wait until they answer
#   scripts/servers/servers.sh env              print what a shell needs: eval "$(... env)"
#   scripts/servers/servers.sh status           one line each
#   scripts/servers/servers.sh down [NAME...]   stop them by their own process ids
#
# One file beside this one per server: NAME.sh defines NAME_install, NAME_start, NAME_ready and NAME_env.
# Each keeps its data, log and pid under $ASHLAR_SERVERS (default ~/.cache/ashlar/servers)/NAME.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${ASHLAR_SERVERS:-$HOME/.cache/ashlar/servers}
mkdir -p "$home"

all() { for f in "$here"/*.sh; do n=$(basename "$f" .sh); [ "$n" = servers ] || echo "$n"; done; }
say() { printf 'servers: %s\n' "$*" >&2; }
die() { say "$*"; exit 3; }

# packages NAME...: installs Debian packages that are missing, as root.
packages() {
  local missing=()
  for p in "$@"; do dpkg -s "$p" >/dev/null 2>&1 || missing+=("$p"); done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" != 0 ] && docker info >/dev/null 2>&1; then # an engine answers: let it run the servers
    say "not root, but a container engine answers: starting compose.yaml"
    (cd "$here/../.." && docker compose up -d --wait) >&2 || die "docker compose up failed"
    touch "$home/compose"
    exit 0
  fi
  [ "$(id -u)" = 0 ] || die "needs the Debian packages ${missing[*]}: run as root once, install them by hand, or use compose.yaml with a container engine and set ASHLAR_POSTGRES and the like"
  say "installing ${missing[*]}"
  { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >"$home/apt.log" 2>&1 ||
    { tail -n 5 "$home/apt.log" >&2; die "could not install ${missing[*]}; log: $home/apt.log"; }
}

# A pid file holds the process id and when that process began, since ids are given again after a crash or a restart.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
record() { echo "$2 $(began "$2")" >"$home/$1/pid"; } # NAME PID
pid() { local pid="" at=""; read -r pid at 2>/dev/null <"$home/$1/pid" && echo "$pid"; }
alive() {
  local pid="" at=""
  { read -r pid at <"$home/$1/pid"; } 2>/dev/null && [ -n "$at" ] && [ "$(began "$pid")" = "$at" ]
}

# port NAME DEFAULT: the port this server got the first time, the default if it is free, else a free one.
port() {
  local f=$home/$1/port
  mkdir -p "$home/$1"; chmod 755 "$home/$1"
  if [ ! -s "$f" ]; then
    if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then
      local p; for p in $(seq $(($2 + 1)) $(($2 + 50))); do (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || break; done
      echo "$p" >"$f"
    else echo "$2" >"$f"; fi
  fi
  cat "$f"
}

# await NAME SECONDS: until NAME_ready says yes; 1 if it ended before.
await() {
  local i
  for i in $(seq $(($2 * 5))); do
    "$1_ready" >/dev/null 2>&1 && return
    alive "$1" || { tail -n 15 "$home/$1/log" >&2 || true; return 1; }
    sleep 0.2
  done
  tail -n 15 "$home/$1/log" >&2 || true
  die "$1 did not answer within $2 s; log: $home/$1/log"
}

up() {
  local n
  # Two checkouts may start a server at once. -o keeps the lock from the server, which outlives us.
  for n in "$@"; do flock -o "$home/$n.lock" "${BASH_SOURCE[0]}" one "$n" </dev/null; done
}

one() {
  [ -e "$home/compose" ] && docker info >/dev/null 2>&1 && return
  if alive "$1" && "$1_ready" >/dev/null 2>&1; then say "$1 runs already"; return; fi
  "$1_install"
  mkdir -p "$home/$1"; chmod 755 "$home/$1"
  "$1_start"
  # A killed predecessor may still be going down and hold its lock or port.
  await "$1" 90 || { say "$1 ended while starting; once more"; sleep 2; "$1_start"; await "$1" 90; } || die "$1 ended while starting; log: $home/$1/log"
  say "$1 is up"
}

down() {
  local n pid i
  for n in "$@"; do
    alive "$n" || continue
    pid=$(pid "$n")
    kill "$pid" 2>/dev/null || true
    for i in $(seq 100); do alive "$n" || break; sleep 0.1; done
    if alive "$n"; then kill -9 "$pid" 2>/dev/null || true; fi
    rm -f "$home/$n/pid"
    say "$n is down"
  done
}

for f in "$here"/*.sh; do [ "$(basename "$f")" = servers.sh ] || . "$f"; done

verb=${1:-}; [ $# -gt 0 ] && shift
names=("$@"); [ ${#names[@]} -gt 0 ] || mapfile -t names < <(all)
case "$verb" in
  up) up "${names[@]}" ;;
  one) one "${names[0]}" ;; # for up
  down) if [ -e "$home/compose" ]; then (cd "$here/../.." && docker compose down) && rm -f "$home/compose"; fi; down "${names[@]}" ;;
  env) if [ -e "$home/compose" ]; then sed -n 's/^#   export \(ASHLAR_NO_SERVERS=1 \)\{0,1\}/export /p' "$here/../../compose.yaml"; exit; fi
    for n in "${names[@]}"; do if alive "$n"; then "${n}_env"; fi; done ;;
  status) for n in "${names[@]}"; do if alive "$n"; then echo "$n: runs (pid $(pid "$n"))"; else echo "$n: stopped"; fi; done ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
