# Two commands are all that a fresh machine with Go and a C compiler needs:
#   make demo   discovers, reviews and draws the system under examples/
#   make test   installs and starts the servers that the tests need, and runs them all
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MODULES := $(shell sed -n 's/^\t\(\..*\)/\1/p' go.work)

.PHONY: build demo test lint bench eval soak fuzz oracle servers servers-down clean

build:
	go build -o bin/ashlar ./cmd/ashlar
	@echo "built bin/ashlar"

demo: build
	@scripts/demo.sh

test:
	@scripts/test.sh

lint:
	@scripts/lint.sh

bench:
	@scripts/bench.sh

eval: build
	@scripts/eval.sh

# Hundreds of real kills and faults; the tests run twenty of them.
soak:
	@ASHLAR_SOAK=1 scripts/test.sh

# Every parser for a minute each; FUZZTIME changes that.
fuzz:
	@scripts/fuzz.sh

# The real servers that are slow to build, such as Consul.
oracle:
	@scripts/oracle.sh

servers:
	@scripts/servers/servers.sh up
	@scripts/servers/servers.sh status

servers-down:
	@scripts/servers/servers.sh down

clean:
	rm -rf bin out
