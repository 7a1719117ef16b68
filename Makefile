# muster: the commands of every day. `make up` and `make test` are the two a
# newcomer needs; both work from a clean clone with Go, Node and the package
# registries at hand.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X muster/internal/cli.version=$(VERSION) -X muster/internal/agent/command.version=$(VERSION)
TESTFLAGS ?=

.PHONY: build up test check bench generate lint fuzz clean

CONSOLE := internal/console/ui
CONSOLE_SOURCES := $(shell find $(CONSOLE)/src $(CONSOLE)/*.json $(CONSOLE)/*.ts $(CONSOLE)/*.mjs $(CONSOLE)/index.html internal/awsmodel/models -type f)

build: console ## bin/muster and bin/muster-agent, console included
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/muster ./cmd/muster-agent

.PHONY: console
console: $(CONSOLE)/dist/index.html ## the web console's files, embedded by the server

$(CONSOLE)/node_modules/.installed: $(CONSOLE)/package-lock.json
	@cd $(CONSOLE) && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.installed

$(CONSOLE)/dist/index.html: $(CONSOLE)/node_modules/.installed $(CONSOLE_SOURCES)
	@cd $(CONSOLE) && npm run build --silent && touch dist/index.html

up: build ## build, start on the embedded store, show real findings of this machine
	@bin/muster up $(ARGS)

check: ## the everyday part: formatting, vet, linters, tests on SQLite and PostgreSQL; a few minutes
	@test/needs.sh check
	@$(MAKE) --no-print-directory lint
	$(GO) run ./test/cmd/postgres -- $(GO) test -short $(TESTFLAGS) ./...

test: ## everything: installs what the tests need, then all tests with the race detector, then three seconds for every fuzz target, whose discoveries are shown
	@test/needs.sh all
	@$(MAKE) --no-print-directory build lint
	$(GO) run ./test/cmd/postgres -- $(GO) test -race -timeout 30m $(TESTFLAGS) ./...
	@test/fuzz.sh 3s report

lint: ## formatting, vet and the chosen linters (docs/decisions/0003-linters.md)
	@test/lint.sh

bench: ## the benchmarks behind docs/performance.md
	$(GO) run ./test/cmd/postgres -- $(GO) test -run '^$$' -bench . -benchtime 1s ./...

fuzz: ## ten seconds for every fuzz target
	@test/fuzz.sh 10s

.PHONY: quality quality-update
quality: ## matching against labels, recorded answers, committed scores and, with PEER=program, osv-scanner (docs/quality.md)
	$(GO) run ./test/cmd/quality -v $(if $(PEER),-peer $(PEER))

quality-update: ## write the scores that the gate holds changes to
	$(GO) run ./test/cmd/quality -update

.PHONY: beside
beside: ## muster and the other scanners on PATH over TARGETS=folder: packages, matches, time, memory (docs/quality.md)
	$(GO) build -o bin/muster ./cmd/muster
	$(GO) run ./test/cmd/beside $(TARGETS)

.PHONY: pictures
pictures: console ## the README's pictures of the console, taken anew
	@test/needs.sh all
	MUSTER_PICTURES=$(CURDIR)/docs/pictures $(GO) test ./test/browser -run TestPictures -count 1

generate: ## every generated file: interface packages and docs/coverage.md
	$(GO) generate ./...
	$(GO) run ./test/cmd/coverage > docs/coverage.md

clean:
	rm -rf bin
