# Apache Kafka, one KRaft node that is broker and controller, from the jars of Maven Central on Debian's Java.
kafka_version=4.1.0
kafka_lib() { echo "$home/kafka/lib-$kafka_version"; }

# kafka_install: the jars are kept by version; the log says whether they were found or fetched.
kafka_install() {
  local lib; lib=$(kafka_lib)
  command -v java >/dev/null 2>&1 || packages openjdk-17-jre-headless
  if [ -e "$lib/complete" ]; then say "kafka $kafka_version: jars found in $lib"; return; fi
  command -v mvn >/dev/null 2>&1 || packages maven
  mkdir -p "$lib"
  cat >"$lib/pom.xml" <<EOF
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.24.3</version></dependency>
  </dependencies>
</project>
EOF
  say "kafka $kafka_version: fetching its jars"
  mvn -B -q -f "$lib/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DoutputDirectory="$lib" -DincludeScope=runtime >"$lib/mvn.log" 2>&1 </dev/null || { tail -n 5 "$lib/mvn.log" >&2; die "could not fetch Kafka; log: $lib/mvn.log"; }
  cat >"$lib/log4j2.properties" <<'EOF'
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
EOF
  touch "$lib/complete"
}

# One replica of everything and no delay before the first rebalance. Kafka acknowledges from the page
# cache: what it acknowledged survives a killed process, not a power cut; with one node nothing else could.
kafka_properties() { # FOLDER PORT CONTROLLER_PORT
  cat <<EOF
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
advertised.listeners=PLAINTEXT://127.0.0.1:$2
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:$3
log.dirs=$1/data
num.partitions=8
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
EOF
}

kafka_java() { # HEAP ARGS...
  local heap=$1 lib; lib=$(kafka_lib); shift
  java -Xms"$heap" -Xmx"$heap" -XX:+UseSerialGC -Djava.awt.headless=true -Dlog4j2.configurationFile="$lib/log4j2.properties" -cp "$lib/*" "$@"
}

kafka_start() {
  local d=$home/kafka p; p=$(port kafka 39092)
  kafka_properties "$d" "$p" "$((p + 1000))" >"$d/server.properties"
  : >"$d/log"
  if [ ! -e "$d/data/meta.properties" ]; then
    kafka_java 128m kafka.tools.StorageTool format --standalone -t "$(kafka_java 64m kafka.tools.StorageTool random-uuid 2>/dev/null)" -c "$d/server.properties" >>"$d/log" 2>&1 </dev/null ||
      { tail -n 5 "$d/log" >&2; die "kafka could not format its data folder; log: $d/log"; }
  fi
  local lib; lib=$(kafka_lib)
  setsid java -Xms512m -Xmx512m -XX:+UseG1GC -Djava.awt.headless=true -Dlog4j2.configurationFile="$lib/log4j2.properties" \
    -cp "$lib/*" kafka.Kafka "$d/server.properties" >>"$d/log" 2>&1 </dev/null &
  record kafka $!
}

# The port opens before the node has left recovery; its own word comes after.
kafka_ready() { grep -q 'Kafka Server started' "$home/kafka/log" && (exec 3<>"/dev/tcp/127.0.0.1/$(port kafka 39092)"); }

kafka_env() {
  echo "export ASHLAR_KAFKA='127.0.0.1:$(port kafka 39092)'"
  echo "export ASHLAR_KAFKA_LIB='$(kafka_lib)'" # crash tests start a broker of their own from these jars
}
