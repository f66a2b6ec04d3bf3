#!/usr/bin/env bash
# Measures better-llm beside limit programs that do the same work, in turns, on this machine. Prints tables; asserts
# nothing. docs/performance.md keeps the last figures beside the targets.
#
#   scripts/bench.sh [--runs N] [CASE ...]
#
# At the end what a launch costs at each level of the sandbox, beside a bare shell and a bare bubblewrap.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked -p better-llm-cli -p better-llm-benches -p better-llm-testkit --bins
cargo build --release --locked -p better-llm-sandbox --example launch_cost
out="${CARGO_TARGET_DIR:-target}/release"
"$out/measure" "$out/better-llm-cli" "$out/limit" "$out/sessions" "$out/mock-messages" "$@"
echo
exec "$out/examples/launch_cost" 3
