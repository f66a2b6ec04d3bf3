#!/usr/bin/env bash
# Coverage of the product's code by unit and integration tests: htmlcov/index.html, the figure of each crate and the
# total. Fails below 80 % of lines, or where a test fails.
#
# Counted are the lines of crates/ that run for users; tests, their helpers (crates/testkit, tests/), examples and
# benchmarks are not. End-to-end runs do not count towards the figure: what only they reach, no test can point at.
#
# Needs rustup's toolchain and crates.io alone: cargo-tarpaulin reads the compiler's own counters without LLVM's
# programs. It keeps to a target folder of its own, because counting needs everything built anew.
set -euo pipefail
cd "$(dirname "$0")/.."

least=80
tarpaulin=$(scripts/tool.sh cargo-tarpaulin)

# Programs that a test starts without this variable put their counters where they stand.
clean_up() { find crates tests -name '*.profraw' -delete; }
trap clean_up EXIT

lines=target/coverage/lines.txt
mkdir -p target/coverage htmlcov
# Counted code is slow code; a little optimisation makes up for it and moves no counter.
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_OPT_LEVEL=1
status=0
# shellcheck disable=SC2046 # names of targets are words
"$tarpaulin" tarpaulin --workspace --lib --bins --test $(scripts/test_targets.sh) integration \
    --engine llvm --locked --skip-clean --no-fail-fast --implicit-test-threads --timeout 900 \
    --color never --target-dir target/coverage --out html --out json --output-dir htmlcov \
    --exclude-files 'benches/*' 'tests/*' 'crates/testkit/*' '**/tests/*' '**/tests.rs' '**/examples/*' \
    >"$lines" || status=$?
if [ "$status" -ne 0 ]; then
    cat "$lines"
    echo "coverage: the tests do not pass under cargo-tarpaulin (exit $status)" >&2
    exit 1
fi
mv htmlcov/tarpaulin-report.html htmlcov/index.html

sed -n 's/^|| \(crates\/[^:]*\): \([0-9]*\)\/\([0-9]*\).*/\1 \2 \3/p' "$lines" | awk -v least="$least" '
    { crate = $1; sub(/\/(src|build\.rs).*/, "", crate); hit[crate] += $2; all[crate] += $3; hits += $2; lines += $3 }
    END {
        if (lines == 0) { print "coverage: no line was counted" > "/dev/stderr"; exit 1 }
        for (crate in all) printf "%-24s %6.2f %%  %6d of %6d lines\n", crate, 100 * hit[crate] / all[crate], hit[crate], all[crate] | "sort"
        close("sort")
        printf "%-24s %6.2f %%  %6d of %6d lines\n", "total", 100 * hits / lines, hits, lines
        if (100 * hits / lines < least) { printf "coverage: below %d %%\n", least > "/dev/stderr"; exit 1 }
    }'
echo "htmlcov/index.html shows which"
