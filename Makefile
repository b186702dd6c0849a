# Every task of the repository; `make` alone prints them.
# Tasks beyond cargo are in xtask: `cargo xtask --help`.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

FUZZ := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
FILTERS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard filters/*/Cargo.toml)))
WITH := cargo xtask with-tools
ENVOY := envoy func-e otelcol prometheus promtool ratelimit redis-server
ISTIO := envoy func-e otelcol crane etcd kube-apiserver kubectl pilot-discovery pilot-agent istioctl
# Tests of single filters that `make test` also runs against the suite: pauses, ticks, calls, bodies,
# trailers and changes of the configuration. They take about two minutes; `make test-suite` runs all.
SUITE_TESTS := fault_injection::held_streams fault_injection::responses \
	jwt_auth::key_fetching::first_request jwt_auth::key_fetching::held \
	jwt_auth::key_fetching::four_workers rejects_an_invalid_configuration \
	routing_tags::canary::all_workers routing_tags::outputs::later_filters \
	routing_tags::outputs::matches_claims routing_tags::spoofing::strips_tags_from_trailers \
	telemetry::reloads::a_new_configuration telemetry::stream_ends outcomes::
# Tests that are the same with and without the suite: those of the suite itself, those of servers
# without Envoy, and two that replace the module of a filter by one that traps.
NOT_SUITE := suite:: rate_limit_services:: jwt_auth::traps

ifneq ($(filter-out help,$(MAKECMDGOALS)),)
ifeq ($(shell command -v cargo),)
$(error `cargo` is not on the PATH: install Rust with rustup, https://rustup.rs)
endif
endif

.PHONY: help
help: ## Print the tasks
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

# Shows the first build of xtask, which takes a minute; `cargo xtask` itself is quiet.
.PHONY: xtask
xtask:
	@cargo build --package xtask

.PHONY: build
build: xtask ## Build every filter: target/wasm/<name>.wasm
	cargo xtask build

.PHONY: images
images: build ## Package every filter as an OCI image: target/images/<filter>
	cargo xtask image

.PHONY: push
push: ## Push the images: make push REGISTRY=registry.example.com/weir [TAG=1.2.0]
	@[[ -n "$(REGISTRY)" ]] || { echo 'push needs a registry: make push REGISTRY=registry.example.com/weir' >&2; exit 2; }
	$(MAKE) images
	cargo xtask push "$(REGISTRY)" $(if $(TAG),--tag "$(TAG)")

.PHONY: run
run: build ## Start Envoy with the suite, an upstream and a key server; print requests to try
	$(WITH) envoy func-e -- cargo run --package tests --bin demo

.PHONY: check
check: xtask ## Check format, lints, documentation, dependencies
	cargo fmt --all --check
	cargo xtask tools wasm32-wasip1
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --target wasm32-wasip1 --workspace --exclude tests --exclude bench --exclude xtask \
		-- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
	$(MAKE) check-fuzz
	$(WITH) cargo-deny -- cargo deny --log-level warn check bans licenses sources
	$(WITH) cargo-deny -- cargo deny --log-level warn --manifest-path fuzz/Cargo.toml \
		check --allow license-not-encountered bans licenses sources

# Checking needs no fuzzing engine, which is C++ and slow to build.
.PHONY: check-fuzz
check-fuzz:
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	CUSTOM_LIBFUZZER_PATH=/dev/null cargo clippy --manifest-path fuzz/Cargo.toml --locked \
		--target-dir "$${CARGO_TARGET_DIR:-target}" -- -D warnings

.PHONY: schemas
schemas: ## Regenerate the JSON Schemas of configurations: schemas/<filter>.json
	WEIR_WRITE_SCHEMAS=1 cargo test --package tests --test samples the_shipped_files

.PHONY: test
test: test-native test-wasm test-tidy test-cel test-envoy ## Run every test except the Istio ring
	$(MAKE) test-suite ONLY="$(SUITE_TESTS)"

.PHONY: test-native
test-native: ## Test crates, filters and xtask natively [ONLY=text of a test's name]
	cargo test -- $(ONLY)
	cargo test --package xtask --package bench -- $(ONLY)

.PHONY: test-wasm
test-wasm: xtask ## Run the tests of crates and filters as Wasm
	$(WITH) wasm32-unknown-unknown wasm-bindgen-test-runner -- cargo test --lib \
		--target wasm32-unknown-unknown --package filter-core --package filter-host $(addprefix --package ,$(FILTERS))

.PHONY: test-tidy
test-tidy: ## Check the rules of the repository and every sample
	cargo test --package tests --test tidy --test samples

.PHONY: test-cel
test-cel: xtask ## Test expressions against the conformance tests of the Common Expression Language
	$(WITH) cel-conformance -- cargo test --package tests --test cel

.PHONY: test-envoy
test-envoy: build ## Test the built modules in real Envoy [ONLY=jwt_auth::replies]
	$(WITH) $(ENVOY) -- cargo test --package tests --test envoy -- $(ONLY)

.PHONY: test-suite
test-suite: build ## Run the Envoy tests of the single filters against the suite [ONLY=jwt_auth::replies]
	WEIR_SUITE=1 $(WITH) $(ENVOY) -- cargo test --package tests --test envoy -- \
		$(addprefix --skip ,$(NOT_SUITE)) $(ONLY)

.PHONY: test-istio
test-istio: images ## Test the images in real Istio [ONLY=text of a scenario]; the first run builds it
	$(if $(ONLY),WEIR_SCENARIOS="$(ONLY)") $(WITH) $(ISTIO) -- cargo test --package tests --test istio -- --test-threads=1

.PHONY: fuzz
fuzz: xtask ## Fuzz each target: make fuzz [SECONDS=60] [TARGET=tokens]
	@$(MAKE) --no-print-directory --keep-going $(addprefix fuzz-,$(or $(TARGET),$(FUZZ)))

# These crates are free of unsafe code, so no sanitizer and no nightly compiler is needed.
fuzz-%:
	@echo '==> $*: $(or $(SECONDS),60) s, beginning with fuzz/seeds/$*'
	@mkdir -p fuzz/corpus/$*
	@$(WITH) cargo-fuzz -- cargo fuzz run --sanitizer none $* fuzz/corpus/$* fuzz/seeds/$* -- \
		-max_total_time=$(or $(SECONDS),60) -timeout=5 -rss_limit_mb=1024 -max_len=65536 \
		-dict=fuzz/dictionaries/$*.dict -print_final_stats=1 \
		2>&1 | sed -uE '/\t(NEW|REDUCE) |\tNEW_FUNC|ecommended dictionary|^".*# Uses:/d' || { \
		echo 'to run the input again: cargo xtask with-tools cargo-fuzz --' \
			'cargo fuzz run --sanitizer none $* <the file named above>' >&2; exit 1; }

.PHONY: bench
bench: build ## Measure the filters next to Envoy's own [BEFORE=<older modules>] [ONLY=<text of a row>] [README=1]
	$(WITH) envoy func-e -- cargo run --release --package bench -- \
		$(if $(BEFORE),--before "$(BEFORE)") $(if $(ONLY),--only "$(ONLY)") $(if $(README),--readme)

.PHONY: bench-report
bench-report: ## Write the table and the chart in README.md from the results of the last make bench
	cargo run --release --package bench -- report

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all

.PHONY: tools
tools: xtask ## Install every tool now, into ~/.cache/weir
	cargo xtask tools

.PHONY: clean
clean: ## Remove build output; tools stay
	cargo clean
