# Every habit of this project is a target here. "make run" and "make test" are
# all that a newcomer needs.
export CGO_ENABLED = 0
SHELL = /bin/sh
version = $(shell git describe --always --dirty 2>/dev/null || echo unknown)
build = go build -trimpath -buildvcs=false -ldflags "-X main.version=$(version)" -o bin/daftar ./cmd/daftar
node = PATH="$(CURDIR)/.cache/node/node_modules/node/bin:$$PATH"
temporary = bin/daftar db run --temporary --

.PHONY: run build deps deps-test test test-fast test-long e2e check lint vuln generate months assets notices fuzz bench bench-dedup psql screenshots clean

## run: the whole demo, on http://localhost:8080 and the ports after it
run: deps build
	@exec bin/daftar serve --demo

build:
	@tools/go-version.sh
	@$(build)

deps:
	@tools/go-version.sh
	@tools/deps.sh run

deps-test:
	@tools/go-version.sh
	@tools/deps.sh test

## test: everything, in at most 20 minutes (docs/testing.md says how long it takes)
test: deps-test build bin/tools
	@$(node) $(temporary) bin/gotestsum --format pkgname-and-test-fails -- -timeout 45m ./...

## test-fast: all but the browser, wallet and crash tests
test-fast: deps build
	@$(temporary) go test -short ./...

## test-long: what takes too long for every change
test-long: deps-test build
	@$(node) LONG=1 $(temporary) go test -timeout 120m ./...

## e2e: the browser, wallet and crash tests alone
e2e: deps-test build
	@$(node) $(temporary) go test -count=1 -timeout 20m ./e2e

## check: format, vet, staticcheck, generated files
check: bin/tools deps-test
	@tools/check.sh

## lint: staticcheck and vet alone
lint: bin/tools
	@go vet ./... && bin/staticcheck ./...

## vuln: known vulnerabilities; DB=file:///directory uses an offline database
vuln: bin/tools
	@bin/govulncheck $(if $(DB),-db $(DB)) ./...

## generate: Go code from the templates, month names from CLDR
generate: bin/tools
	@bin/templ generate

months: deps-test
	@$(node) node tools/cldr/months.mjs
	@gofmt -w i18n/months_gen.go

## assets: style sheets and script into static/
assets: deps-test
	@$(node) node tools/assets/build.mjs

## notices: the licences of what is linked in
notices: deps-test
	@cd tools && go build -o ../bin/notices ./notices
	@bin/notices

## fuzz: each parser for 20 seconds
fuzz:
	@tools/fuzz.sh $(or $(TIME),20s)

## bench: ratios to the limits measured in the same run
bench: deps build
	@$(temporary) go run ./bench

## bench-dedup: which duplicates are found among 100,000 and a million made-up people, and how fast
bench-dedup: deps build
	@$(temporary) go run ./bench -only duplicates

## psql: the demo's database
psql: build
	@bin/daftar db psql

## screenshots: of the journey, into docs/screenshots
screenshots: deps-test build
	@$(node) SCREENSHOTS=$(CURDIR)/.cache/screenshots $(temporary) go test -count=1 -run TestJourney ./e2e
	@tools/screenshots.sh

bin/tools: tools/go.mod tools/go.sum
	@tools/go-version.sh
	@mkdir -p bin && cd tools && GOBIN="$(CURDIR)/bin" go install tool && touch ../bin/tools

clean:
	@rm -rf bin .cache
