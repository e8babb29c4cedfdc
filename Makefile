# What there is to do here. `make demo` and `make test` need Go, git, make and gcc.

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.6.1
GOLANGCI     = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0
GOVULNCHECK  = golang.org/x/vuln/cmd/govulncheck@latest

# modernc.org/sqlite is C put into Go: watching it for races takes longer than all
# the rest, and finds nothing of ours, which is watched up to the call.
RACE         = -race -gcflags='modernc.org/...=-race=false -d=checkptr=0'

# make lint vets everything. What takes longest starts first, so that it does not go
# on alone when the rest has ended.
TESTING      = -shuffle=on -vet=off
ALL          = ./cmd/supportledger/... ./projections ./...

# What is not watched for races is compiled in one way, so that it is compiled once;
# the tests build programs in the same way.
build demo lint vuln: export CGO_ENABLED = 0
build demo lint vuln: export GOFLAGS += -trimpath

.PHONY: demo run build compose test test-long bench lint golden vuln needs

demo: ## tell the story of a contract, and verify it
	@$(GO) run ./cmd/supportledger demo

run: build ## serve a ledger for development in ./data
	bin/supportledger serve --data data --dev --nats-listen 127.0.0.1:0

build: ## bin/supportledger, without C
	$(GO) build -o bin/supportledger ./cmd/supportledger

compose: build ## keys, users and certificates for docker compose up
	deploy/compose/prepare

test: needs ## all tests, with the race detector
	$(GO) test $(RACE) $(TESTING) -timeout 20m $(ALL)

test-long: needs ## the same with many more histories, crashes and flipped bits
	SUPPORTLEDGER_LONG=1 $(GO) test $(RACE) $(TESTING) -timeout 4h $(ALL)

bench: ## the speed table, beside PostgreSQL if it is installed
	$(GO) run ./bench

lint: ## what a reviewer would say first
	@test -z "$$(gofmt -l .)" || { echo "run gofmt -w on:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(GOLANGCI) run ./...

golden: ## write the golden files anew; look at what changed before committing
	SUPPORTLEDGER_GOLDEN=1 $(GO) test ./...

vuln: ## known holes in what we depend on; needs the network
	$(GO) run $(GOVULNCHECK) ./...

needs:
	@.ci/needs
