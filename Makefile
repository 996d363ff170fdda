# The two commands that matter: "make run" and "make test".
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := $(if $(VERSION),-X main.version=$(VERSION))

.PHONY: help build run test test-long bench bench-postgres screenshots fmt lint prose generate vulncheck licenses sbom release reproduce clean

help: ## list what make can do
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## build the program as bin/peal
	@echo "building bin/peal (the first time takes a minute)"
	CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)' -o bin/peal ./cmd/peal

run: build ## build it and serve on 127.0.0.1:8420 with everything in ./peal-data
	@exec bin/peal serve --dev --listen 127.0.0.1:8420 --data ./peal-data

test: ## install what the tests need, then run every check and every test
	@exec scripts/test

test-long: ## the same with the long proofs in full: many random cases, hundreds of kills
	@PEAL_TEST_LONG=1 exec scripts/test

bench: build ## measure this machine, in about two minutes; BENCH="--quick" and such choose
	@exec bin/peal bench $(BENCH)

bench-postgres: build ## the same on a PostgreSQL that is thrown away afterwards
	@go run ./internal/pgtest/throwaway bin/peal bench $(BENCH) --database

screenshots: ## write pictures of all pages into screenshots/, and those of the README
	@mkdir -p screenshots docs/pictures
	PEAL_SCREENSHOTS="$$PWD/screenshots" PEAL_PICTURES="$$PWD/docs/pictures" go test -count=1 -timeout 10m -run 'TestScreenshots|TestPictures' ./internal/dashboard

fmt: ## format the Go code and sort its imports
	@go tool -modfile=tools/go.mod goimports -w -local github.com/pealhq/peal $$(scripts/go-files)

lint: ## check the form of the code: gofmt, vet, staticcheck, spelling, imports, long lines
	@exec scripts/lint

prose: ## list candidates for plainer English; PROSE="docs wire/" chooses where
	@go run ./internal/prose $(PROSE)

generate: ## make generated files anew
	@go generate ./...

vulncheck: ## look for known vulnerabilities (needs the network)
	@exec scripts/vulncheck

licenses: ## check the licences of what is built in
	@exec scripts/licenses

sbom: build ## write the bill of materials of bin/peal to bin/peal.cdx.json
	@scripts/sbom bin/peal >bin/peal.cdx.json
	@echo "wrote bin/peal.cdx.json"

release: ## build the archives of a release into dist
	@exec scripts/release dist

reproduce: ## build a release twice and compare every byte
	@exec scripts/reproduce

clean: ## remove what was built
	@rm -rf bin dist
