#!/usr/bin/env bash
# The whole gate: format, lints, architecture, every test, documentation, licences.
#
#   scripts/run_tests.sh                the gate
#   scripts/run_tests.sh unit           the crates' own tests
#   scripts/run_tests.sh integration    crates working together, and the shape of the code
#   scripts/run_tests.sh e2e            the built programs, as a person runs them
#   scripts/run_tests.sh lints | licences
#
# Needs rustup's toolchain, git and a C compiler; bubblewrap for the sandbox level `strict`. Suites that need more say
# so and are skipped here where that is missing; scripts/full.sh requires them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Programs under test get their own environment; colours and incremental files only cost time here.
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
export CARGO_INCREMENTAL=0

step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

# Always the whole workspace: which packages are chosen decides the features that dependencies are built with, and
# another choice would build them once more.
tests() { cargo test --workspace --locked "$@"; }

# The crates' own tests, wherever they lie; the package in tests/ holds the others.
unit() {
    local targets=()
    for target in $(scripts/test_targets.sh); do
        targets+=(--test "$target")
    done
    step "unit tests"
    tests --lib --bins "${targets[@]}"
    step "documentation tests"
    tests --doc
}

integration() {
    step "architecture and integration tests"
    tests --test architecture --test integration
}

e2e() {
    step "end-to-end tests"
    # The programs and examples that these tests call.
    cargo build --workspace --locked --bins --examples
    tests --test e2e
}

lints() {
    step "format"
    cargo fmt --all --check
    step "clippy"
    cargo clippy --workspace --all-targets --locked -- -D warnings
    step "rustdoc"
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items
}

# cargo-deny reads the dependency tree; licences, sources and bans need no network but for the registry's crates.
licences() {
    step "licences, sources and bans"
    local deny
    deny=$(scripts/tool.sh cargo-deny)
    "$deny" check --hide-inclusion-graph bans licenses sources
}

case "${1:-all}" in
    lints | unit | integration | e2e | licences) "$1" ;;
    all)
        lints
        unit
        integration
        e2e
        licences
        step "the gate is green"
        ;;
    *)
        echo "usage: scripts/run_tests.sh [unit|integration|e2e|lints|licences]" >&2
        exit 2
        ;;
esac
