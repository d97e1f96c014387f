# PostgreSQL from Debian's package, with fsync on and logical replication allowed.
postgres_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

postgres_as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

postgres_install() {
  command -v pg_ctlcluster >/dev/null 2>&1 || [ -n "$(postgres_bin)" ] || {
    mkdir -p /etc/postgresql-common 2>/dev/null && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf || true
    packages postgresql
  }
}

postgres_start() {
  local d=$home/postgres p bin
  bin=$(postgres_bin); p=$(port postgres 54329)
  if [ ! -s "$d/data/PG_VERSION" ]; then
    # The server refuses to run as root, so its user must reach the folder.
    if [ "$(id -u)" = 0 ]; then local up=$d; while [ "$up" != / ]; do chmod o+x "$up"; up=$(dirname "$up"); done; install -d -o postgres -m 700 "$d/data"; else mkdir -p "$d/data"; fi
    postgres_as "$bin/initdb" -D "$d/data" -U ashlar -A trust -E UTF8 --no-locale >"$d/initdb.log" 2>&1 || { cat "$d/initdb.log" >&2; die "initdb failed"; }
  fi
  : >"$d/log"; chmod 666 "$d/log"
  local -a as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=postgres --regid=postgres --init-groups)
  # The pid is the one just started: postmaster.pid may still name a server that was killed.
  setsid "${as[@]}" "$bin/postgres" -D "$d/data" -p "$p" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=on -c synchronous_commit=on -c wal_level=logical -c max_wal_senders=20 -c max_replication_slots=20 -c max_connections=300 \
    >>"$d/log" 2>&1 </dev/null &
  record postgres $!
}

postgres_ready() { "$(postgres_bin)/pg_isready" -q -h 127.0.0.1 -p "$(port postgres 54329)"; }

postgres_env() { echo "export ASHLAR_POSTGRES='postgres://ashlar@127.0.0.1:$(port postgres 54329)/postgres?sslmode=disable'"; }
