#!/usr/bin/env bash
# Measures better-llm beside limit programs that do the same work, in turns, on this machine. Prints tables; asserts
# nothing. docs/performance.md keeps the last figures beside the targets.
#
#   scripts/bench.sh [--runs N] [CASE ...]
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked -p better-llm-cli -p better-llm-benches -p better-llm-testkit --bins
out="${CARGO_TARGET_DIR:-target}/release"
exec "$out/measure" "$out/better-llm-cli" "$out/limit" "$out/mock-messages" "$@"
