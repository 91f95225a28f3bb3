# `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export CGO_ENABLED ?= 0

TOOL := go tool -modfile=tools/go.mod
GOTESTSUM := $(TOOL) gotestsum --format pkgname --
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: installed packages help build demo test fire fuzz conformance standins lint check long bench browser screenshots generate clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## bin/inventoryd, a static binary
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/inventoryd ./cmd/inventoryd

demo: build ## try it: sandbox and daemon in one process, six sample feeds, six alerts (Ctrl-C ends it)
	bin/inventoryd demo

test: build standins browser installed ## all tests with the race detector; installs what they need
	CGO_ENABLED=1 $(GOTESTSUM) -race -timeout 25m ./...
	STREAM_SEEDS=500 go test -count=1 -v -run '^TestScenario43' ./stream
	go -C test/example test ./...
	test/fuzz

FIRE_MINUTES ?= 30
FIRE_SEED ?= $(shell date +%Y%m%d)

fire: standins ## three daemons in everything that goes wrong, for FIRE_MINUTES (30), by the plan of FIRE_SEED (the date); then, shorter, on DynamoDB Local and fauxqs
	FIRE_MINUTES=$(FIRE_MINUTES) FIRE_SEED=$(FIRE_SEED) go test -count=1 -timeout 3h -v -run '^TestFire' ./test/fire

fuzz: ## each fuzz target for FUZZTIME (10000x, a count; or 30s)
	test/fuzz

conformance: standins ## the stand-ins held to AWS's documentation; prints the table of cases
	go test -count=1 ./test/conformance
	@cat test/conformance/table.md # as the test has just found it

standins: ## what the tests run beside the sandbox: DynamoDB Local, fauxqs, and Debian's awscli and faketime
	test/standins/install

browser: ## what the tests of the page need: Chromium from Debian, axe-core from npm
	test/browser/install

installed: ## what the tests of packages need, from Debian: systemd-container, rpm, lintian
	test/installed/install

packages: ## dist/*.deb and *.rpm for amd64 and arm64, with SBOM and checksums (.ci/release does it twice and compares)
	deploy/packages/build

screenshots: browser ## the pictures of docs/page.md anew
	go test -count=1 -tags screenshots -run '^TestScreenshots' ./test/browser

lint: ## go vet, staticcheck, gofumpt
	go vet -tags long,screenshots ./...
	$(TOOL) staticcheck -tags long,screenshots ./...
	@out=$$($(TOOL) gofumpt -l .); if [ -n "$$out" ]; then echo "gofumpt would change:"; echo "$$out"; exit 1; fi

check: lint test ## what CI runs

long: build standins installed ## what is too long for check
	TEST_FAST_PATH=false TEST_HISTORIES=5000 go test -timeout 2h ./loader
	CGO_ENABLED=1 TEST_KILLS=30 TEST_LONG=1 go test -race -timeout 1h -v -run '^TestKill9|AnHour|ForetellsTheLoad' ./cmd/inventoryd
	TEST_KILLS=100 TEST_STORIES=50000 go test -tags long -timeout 6h -v -run 'TellersKilled|AnyCourse|ThreeDays|AHundredThousand' ./notifier
	STREAM_SEEDS=20000 go test -v -timeout 12h -run 'Scenario43' ./stream
	go test -tags long -timeout 1h -v -run 'Breakages' ./stream
	INSTALLED_DEMAND=1 go test -count=1 -v -timeout 30m ./test/installed
	.ci/release
	CGO_ENABLED=1 go test -tags long -race -timeout 6h -v ./test/long/...
	$(MAKE) fire

bench: build ## figures, one a line: name value unit
	@set -e; for b in test/bench/*/; do go run ./$$b; done

generate: ## example configuration, schema and documentation from the code
	go generate ./...

clean: ## remove what was built
	rm -rf bin dist
