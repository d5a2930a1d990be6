# The verbs; `make` alone lists them. Everything is built only when what it is made of has changed.

GO      ?= go
NPM     ?= npm
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)

# What the linters are, exactly: another version finds other things.
GOLANGCI_LINT := golangci-lint@v2.15.0
GOFUMPT       := gofumpt@v0.12.0
GOVULNCHECK   := govulncheck@v1.9.0

.DEFAULT_GOAL := help
.PHONY: help run dev build wasm frontend test check check-go check-frontend test-go test-frontend test-gallery test-e2e \
	bench bench-units docs release clean compiler packages FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

help: ## list the verbs
	@awk -F ': .*## ' '/^[a-z-]+: .*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: build ## build everything and start the server for localhost, with its data in ./data
	bin/kith serve --data data $(ARGS)

dev: build ## look at a full app: a server with people, rooms and messages, gone when it stops
	bin/kith dev $(ARGS)

build: compiler frontend bin/kith ## build bin/kith with the web app in it

bin/kith: FORCE
	CGO_ENABLED=1 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o $@ ./cmd/kith

# SQLite is C.
compiler:
	@command -v $${CC:-cc} >/dev/null || sh test/packages.sh gcc libc6-dev

# The OMEMO core for the browser; without inlining where it saves bytes and no time (webclient/bridge_test.go does the same). wasm_exec.js belongs to the compiler that made it.
WASM := frontend/generated/kith-omemo.wasm frontend/generated/wasm_exec.js
wasm: $(WASM)
frontend/generated/kith-omemo.wasm: $(filter-out %_test.go,$(wildcard omemo/*.go webclient/*.go)) go.mod go.sum
	@mkdir -p $(@D)
	GOOS=js GOARCH=wasm $(GO) build -trimpath -gcflags=internal/runtime/atomic=-l -gcflags=kith/webclient=-l -ldflags '-s -w' -o $@ ./webclient
frontend/generated/wasm_exec.js: frontend/generated/kith-omemo.wasm
	@mkdir -p $(@D)
	cp "$$($(GO) env GOROOT)/lib/wasm/wasm_exec.js" $@ && touch $@

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json
	cd frontend && $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend: frontend/dist/index.html
frontend/dist/index.html: frontend/node_modules/.package-lock.json $(WASM) \
		$(shell find frontend/src frontend/public frontend/scripts frontend/build -type f 2>/dev/null) \
		$(wildcard frontend/*.html frontend/*.ts frontend/*.json webclient/*.ts webclient/*.js)
	cd frontend && $(NPM) run --silent build
	@touch frontend/dist/.placeholder

test: packages check test-go test-frontend test-gallery test-e2e ## install what tests need, and run linters and all tests
	@echo "make test: everything passed"

# Fuzz targets run with their seeds.
test-go:
	$(GO) test -race -timeout 20m ./...

# The units, then the core against the real server.
test-frontend: build
	cd frontend && $(NPM) run --silent test && KITH_BIN="$(CURDIR)/bin/kith" $(NPM) run --silent test:live

# Every view, with made-up people and no server: axe, keyboard, scrolling, layout.
test-gallery: frontend
	cd frontend && $(NPM) run --silent test:gallery

# The stories of people, in a browser and in other XMPP apps.
test-e2e: build
	@if [ -f test/e2e/run ]; then KITH_BIN="$(CURDIR)/bin/kith" bash test/e2e/run; else echo "no test/e2e"; fi

packages:
	@sh test/packages.sh $$(sed 's/#.*//' test/debian-packages.txt)

check: check-go check-frontend ## run the linters

check-go: .tools/$(GOLANGCI_LINT) .tools/$(GOFUMPT) .tools/$(GOVULNCHECK)
	$(GO) vet ./...
	GOOS=js GOARCH=wasm $(GO) vet ./webclient
	.tools/$(GOLANGCI_LINT) run ./...
	GOOS=js GOARCH=wasm .tools/$(GOLANGCI_LINT) run ./webclient
	@bad=$$(.tools/$(GOFUMPT) -l cmd federation internal omemo server test webclient *.go); \
		if [ -n "$$bad" ]; then echo "gofumpt -w is needed for:"; echo "$$bad"; exit 1; fi
	$(GO) mod tidy -diff
	@sh test/govulncheck.sh .tools/$(GOVULNCHECK)

check-frontend: frontend/node_modules/.package-lock.json $(WASM)
	cd frontend && $(NPM) run --silent check && $(NPM) run --silent lint

.tools/$(GOLANGCI_LINT): PACKAGE = github.com/golangci/golangci-lint/v2/cmd/golangci-lint
.tools/$(GOFUMPT):       PACKAGE = mvdan.cc/gofumpt
.tools/$(GOVULNCHECK):   PACKAGE = golang.org/x/vuln/cmd/govulncheck
.tools/%:
	@mkdir -p .tools/bin
	GOBIN="$(CURDIR)/.tools/bin" GOFLAGS= $(GO) install $(PACKAGE)@$(lastword $(subst @, ,$*))
	@mv .tools/bin/$(firstword $(subst @, ,$*)) $@

# Beside other programs, in one run, as figures of two runs or two machines cannot be compared. Nothing is asserted.
bench: build packages ## measure Kith beside Prosody, ejabberd and converse.js, for some minutes (ROUNDS=1 for less)
	KITH_BIN="$(CURDIR)/bin/kith" $(GO) test -timeout 60m -run '^$$' -bench . -benchtime 1x ./test/bench -rounds $(or $(ROUNDS),3)
	KITH_BIN="$(CURDIR)/bin/kith" bash test/bench/web/run

bench-units: ## run the benchmarks of the packages
	$(GO) test -run '^$$' -bench . -benchmem $$($(GO) list ./... | grep -v /test/bench)

docs: ## write the documentation that is made from the source, such as docs/config.md
	$(GO) test -count=1 -run '^TestDocumentation' ./cmd/kith -args -update

# One static program for this kind of machine, which runs on any Linux.
RELEASE = kith-$(VERSION)-$(shell $(GO) env GOOS)-$(shell $(GO) env GOARCH)
release: compiler frontend ## build bin/release/kith-VERSION-OS-ARCH.tar.gz
	@rm -rf bin/release && mkdir -p bin/release/$(RELEASE)
	CGO_ENABLED=1 $(GO) build -trimpath -tags osusergo,netgo,sqlite_omit_load_extension \
		-ldflags '-s -w -X main.version=$(VERSION) -linkmode external -extldflags "-static"' \
		-o bin/release/$(RELEASE)/kith ./cmd/kith
	cp LICENSE README.md CHANGELOG.md cmd/kith/kith.toml bin/release/$(RELEASE)/
	tar -C bin/release --sort=name --owner=0 --group=0 --numeric-owner -czf bin/release/$(RELEASE).tar.gz $(RELEASE)
	cd bin/release && sha256sum $(RELEASE).tar.gz > SHA256SUMS && cat SHA256SUMS

clean: ## remove what was built; data and installed packages stay
	rm -rf bin frontend/generated
	find frontend/dist -mindepth 1 ! -name .placeholder -delete
