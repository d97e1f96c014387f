# RabbitMQ from Debian's package, an own node name and an own Erlang port mapper, all on loopback.
rabbitmq_install() {
  # The package's service would listen on all interfaces; where there is no systemd it starts nothing.
  command -v rabbitmq-server >/dev/null 2>&1 || packages rabbitmq-server
}

rabbitmq_vars() { # FOLDER PORT: what makes a node of its own
  printf '%s\n' "HOME=$1" "RABBITMQ_NODENAME=ashlar$2@localhost" "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1" "RABBITMQ_NODE_PORT=$2" \
    "RABBITMQ_DIST_PORT=$(($2 + 1000))" "RABBITMQ_MNESIA_BASE=$1/data" "RABBITMQ_LOG_BASE=$1/logs" "RABBITMQ_LOGS=-" \
    "RABBITMQ_ENABLED_PLUGINS_FILE=$1/plugins" "RABBITMQ_CONF_ENV_FILE=/dev/null" "RABBITMQ_CONFIG_FILE=$1/rabbitmq" \
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 2:2" \
    "ERL_EPMD_ADDRESS=127.0.0.1" "ERL_EPMD_PORT=$(($2 + 2000))" "PATH=$PATH" "LANG=C.UTF-8"
}

rabbitmq_start() {
  local d=$home/rabbitmq p; p=$(port rabbitmq 35672)
  echo '[].' >"$d/plugins"
  echo 'loopback_users.guest = true' >"$d/rabbitmq.conf"
  mkdir -p "$d/data" "$d/logs"; : >"$d/log"
  if [ "$(id -u)" = 0 ]; then
    # The server runs as its own user, who must reach the folder.
    local up=$d; while [ "$up" != / ]; do chmod o+x "$up"; up=$(dirname "$up"); done
    chown -R rabbitmq:rabbitmq "$d/data" "$d/logs" "$d/plugins"; chown rabbitmq:rabbitmq "$d"
  fi
  local -a vars as=(); mapfile -t vars < <(rabbitmq_vars "$d" "$p")
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=rabbitmq --regid=rabbitmq --clear-groups)
  # The script stays in front of the Erlang process and passes a TERM on to it.
  setsid "${as[@]}" env -i "${vars[@]}" /usr/lib/rabbitmq/bin/rabbitmq-server >>"$d/log" 2>&1 </dev/null &
  record rabbitmq $!
}

rabbitmq_ready() { grep -q 'Server startup complete' "$home/rabbitmq/log" && (exec 3<>"/dev/tcp/127.0.0.1/$(port rabbitmq 35672)"); }

rabbitmq_env() { echo "export ASHLAR_RABBITMQ='amqp://guest:guest@127.0.0.1:$(port rabbitmq 35672)/'"; }
