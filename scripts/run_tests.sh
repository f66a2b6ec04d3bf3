#!/usr/bin/env bash
# The whole gate: format, lints, architecture, every test, documentation, licences.
#
#   scripts/run_tests.sh                the gate
#   scripts/run_tests.sh unit           the crates' own tests
#   scripts/run_tests.sh integration    crates working together, and the shape of the code
#   scripts/run_tests.sh e2e            the built programs, as a person runs them
#
# Needs rustup's toolchain, git and a C compiler. Suites that need more say so and are skipped here where that is
# missing; scripts/full.sh requires them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Programs under test get their own environment; colours and incremental files only cost time here.
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
export CARGO_INCREMENTAL=0

step() { printf '\n== %s\n' "$*"; }

unit() {
    step "unit tests"
    cargo test --workspace --exclude better-llm-tests --exclude better-llm-cli --locked --lib --bins --tests
    step "documentation tests"
    cargo test --workspace --exclude better-llm-tests --exclude better-llm-cli --locked --doc
}

integration() {
    step "architecture and integration tests"
    cargo test -p better-llm-tests --locked --test architecture --test integration
}

e2e() {
    step "end-to-end tests"
    cargo build --locked -p better-llm-cli -p better-llm --bins --examples
    cargo test -p better-llm-cli --locked
    cargo test -p better-llm-tests --locked --test e2e
}

lints() {
    step "format"
    cargo fmt --all --check
    step "clippy"
    cargo clippy --workspace --all-targets --locked -- -D warnings
    step "rustdoc"
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items
}

# cargo-deny reads the dependency tree; what it says about licences, sources and bans needs no network.
licences() {
    step "licences, sources and bans"
    local version=0.20.2
    local tools="$PWD/target/tools"
    if ! "$tools/bin/cargo-deny" --version 2>/dev/null | grep -qF "$version"; then
        cargo install cargo-deny --version "$version" --locked --debug --no-default-features \
            --root "$tools" --target-dir "$tools/build" --quiet
        rm -rf "$tools/build"
    fi
    "$tools/bin/cargo-deny" --all-features --offline check --hide-inclusion-graph bans licenses sources
}

case "${1:-all}" in
    unit) unit ;;
    integration) integration ;;
    e2e) e2e ;;
    all)
        lints
        unit
        integration
        e2e
        licences
        step "the gate is green"
        ;;
    *)
        echo "usage: scripts/run_tests.sh [unit|integration|e2e]" >&2
        exit 2
        ;;
esac
