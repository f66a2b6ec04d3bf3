#!/usr/bin/env bash
# Everything that the gate cannot have, because it takes long, needs the network, or needs other programs: nothing is
# skipped here, and what is missing fails. Ends with a table; a run of all steps writes it to docs/verification.md.
#
#   scripts/full.sh             every step
#   scripts/full.sh STEP ...    these steps: gate advisories properties simulator sweep fuzz large soak toolchains coverage sdk claude clock
#
# Each step says what it needs where that is not there. Wanted besides what the gate wants: root or another user that
# may mount, a kernel with Landlock (ABI 4), bubblewrap, a C++ compiler, python3 with venv, npm, go, libfaketime, and a
# network with crates.io, github.com (advisories), PyPI and the npm registry.
set -euo pipefail
cd "$(dirname "$0")/.."

all_steps="gate advisories properties simulator sweep fuzz large soak toolchains coverage sdk claude clock"
claude_version=2.1.329
out="$PWD/target/full"

# Says what a step cannot do without and how to get it.
missing() {
    echo "missing: $1" >&2
    exit 3
}

mock() { build_programs >&2 && echo "$PWD/target/debug/mock-messages"; }

build_programs() { cargo build --locked -p better-llm-cli -p better-llm-testkit --bins; }

# The environment of what talks to the mock server: where programs lie, and nothing else of this machine.
alone() { env -i PATH="$PATH" HOME="$out/home" LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 "$@"; }

# Every test of the gate, none skipped.
step_gate() { BETTER_LLM_REQUIRE_ALL=1 scripts/run_tests.sh; }

# Known vulnerabilities and withdrawn crates among what we depend on. An old copy of the database says little: the
# step fails for it even where nothing is found.
step_advisories() {
    local deny database=https://github.com/RustSec/advisory-db clone="$out/advisory-db" date
    deny=$(scripts/tool.sh cargo-deny)
    rm -rf "$clone"
    git clone --quiet --depth 1 "$database" "$clone" 2>/dev/null ||
        missing "$database; run where it can be reached, or lead git to a mirror by its setting url.MIRROR.insteadOf"
    date=$(git -C "$clone" log -1 --format=%cs)
    "$deny" check --hide-inclusion-graph advisories
    [ "$(git -C "$clone" log -1 --format=%ct)" -gt "$(($(date +%s) - 90 * 86400))" ] ||
        missing "a current advisory database; in one of $date nothing was found"
    echo "what: database of $date"
}

# The domain's properties, each tried 200,000 times instead of 10,000, with optimised code.
step_properties() {
    export PROPTEST_CASES=200000 CARGO_PROFILE_TEST_OPT_LEVEL=2 CARGO_TARGET_DIR="$out/properties"
    cargo test --locked -p better-llm-domain --lib
    cargo test --locked -p better-llm-llm --lib
    echo "what: $PROPTEST_CASES cases each"
}

# Whole sessions from a million seeds, with optimised code. What a seed shows is played again by SIMULATOR_SEED=N.
step_simulator() {
    export SIMULATOR_SEEDS=${SIMULATOR_SEEDS:-1000000}
    cargo test --release --locked -p better-llm-application --lib simulator::tests::every_invariant -- --show-output |
        tee "$out/simulator.txt"
    echo "what: $(sed -n 's/^\([0-9]* seeds, [0-9]* faults of [0-9]* kinds\).*/\1/p' "$out/simulator.txt")"
}

# The fuzz targets under libFuzzer with the address sanitizer, FUZZ_SECONDS each (60 unless told). Inputs that were found
# stay in target/full/fuzz for the next run; what breaks a target stands in fuzz/artifacts.
step_fuzz() {
    local fuzz target seconds=${FUZZ_SECONDS:-60} corpus="$out/fuzz" targets broken=""
    command -v c++ >/dev/null || missing "a C++ compiler (Debian: g++)"
    fuzz=$(scripts/tool.sh cargo-fuzz)
    # The versions of everything are the project's; libfuzzer-sys and what it needs come on top.
    cp Cargo.lock fuzz/Cargo.lock
    # Coverage and sanitizers are switches of the compiler that stable releases keep for themselves.
    export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$out/fuzz-build"
    "$fuzz" build --fuzz-dir fuzz
    targets=$("$fuzz" list --fuzz-dir fuzz)
    for target in $targets; do
        mkdir -p "$corpus/$target"
        "$fuzz" run --fuzz-dir fuzz "$target" "$corpus/$target" "fuzz/seeds/$target" -- \
            -max_total_time="$seconds" -timeout=20 -max_len=8192 -print_final_stats=1 2>&1 | tee "$out/fuzz-$target.log" | tail -n 12 ||
            broken="$broken $target"
    done
    [ -z "$broken" ] || { echo "inputs that break$broken stand in fuzz/artifacts" >&2 && return 1; }
    echo "what: $(wc -w <<<"$targets") targets, $seconds s each, $(sed -n 's/^stat::number_of_executed_units: //p' "$out"/fuzz-*.log | awk '{ all += $1 } END { print all }') inputs"
}

# The sizes of the cases: 1 GB of text, 2 GB of output. Optimised, because waits are bounded.
step_large() {
    cargo build --release --locked -p better-llm-cli -p better-llm-testkit --bins
    BETTER_LLM_LARGE=1 BETTER_LLM_REQUIRE_ALL=1 cargo test --release --locked -p better-llm-tests --test e2e hostile::memory
    echo "what: 1 GB of text, 2 GB of output, an event of 50 MB"
}

# Eight processes that write one database for ten minutes, and are killed, as the gate has it for half a minute.
step_soak() {
    BETTER_LLM_REQUIRE_ALL=1 SOAK_SECONDS=600 cargo test --release --locked -p better-llm-tests --test e2e \
        soak:: -- --nocapture | tee "$out/soak.txt"
    grep '^what: ' "$out/soak.txt"
}

# Kill -9 of the built program wherever it leaves something behind; each session has to end as if it had lived.
step_sweep() {
    build_programs
    BETTER_LLM_SWEEP=1 BETTER_LLM_REQUIRE_ALL=1 cargo test --locked -p better-llm-tests --test e2e sweep:: -- \
        --test-threads=1 2>&1 | tee "$out/sweep.txt"
    echo "what: $(sed -n 's/^.*sweep at //p' "$out/sweep.txt" | paste -sd ';' | sed 's/;/; /g')"
}

# Real dependencies: fetched once with a network, then tested without one, at each level.
step_toolchains() {
    local program
    for program in cargo npm go python3; do
        command -v "$program" >/dev/null || missing "$program (Debian: cargo, npm, golang-go, python3)"
    done
    python3 -c 'import venv, ensurepip' 2>/dev/null || missing "python3's modules venv and ensurepip (Debian: python3-venv)"
    build_programs
    PYTHONDONTWRITEBYTECODE=1 python3 tests/full/toolchains.py "$PWD/target/debug/better-llm-cli" | tee "$out/toolchains.txt"
    summary toolchains
}

step_coverage() {
    scripts/coverage.sh | tee "$out/coverage.txt"
    echo "what: $(sed -n 's/^total *\([0-9.]* %\).*/\1/p' "$out/coverage.txt") of lines"
}

# The mock server against the vendors' Python clients, over each of its protocols.
step_sdk() {
    command -v python3 >/dev/null || missing "python3 (3.10 or later)"
    python3 -c 'import venv, ensurepip' 2>/dev/null || missing "python3's modules venv and ensurepip (Debian: python3-venv)"
    python3 -m venv --clear "$out/venv"
    "$out/venv/bin/pip" install --quiet --no-deps --requirement tests/full/requirements.txt ||
        missing "the packages of tests/full/requirements.txt; run where PyPI can be reached"
    local program
    program=$(mock)
    alone "$out/venv/bin/python" tests/full/official_sdk.py "$program" | tee "$out/sdk.txt"
    alone "$out/venv/bin/python" tests/full/openai_sdk.py "$program" | tee -a "$out/sdk.txt"
    summary sdk
}

# The mock server against the vendor's program.
step_claude() {
    command -v python3 >/dev/null || missing "python3 (3.10 or later)"
    command -v npm >/dev/null || missing "npm"
    npm install --prefix "$out/npm" --ignore-scripts --no-audit --no-fund --loglevel=error \
        "@anthropic-ai/claude-code@$claude_version" ||
        missing "@anthropic-ai/claude-code $claude_version; run where the npm registry can be reached"
    local program
    program=$(ls "$out"/npm/node_modules/@anthropic-ai/claude-code-*/claude | head -n 1)
    alone python3 tests/full/claude_program.py "$(mock)" "$program" | tee "$out/claude.txt"
    summary claude
}

# A clock that goes back while a session runs.
step_clock() {
    command -v python3 >/dev/null || missing "python3 (3.10 or later)"
    local library
    library=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib*/faketime/libfaketimeMT.so.1 \
        /usr/local/lib/faketime/libfaketimeMT.so.1 2>/dev/null | head -n 1) || true
    [ -n "$library" ] || missing "libfaketime (Debian: libfaketime; Fedora: libfaketime)"
    alone python3 tests/full/clock_back.py "$(mock)" "$PWD/target/debug/better-llm-cli" "$library" | tee "$out/clock.txt"
    summary clock
}

# What a script of tests/full said of itself: its peer's version where it has one, and how many checks hold.
summary() { echo "what: $(sed -n -e '/^[a-z]* [0-9.]*$/p' -e '/checks hold$/p' "$out/$1.txt" | paste -sd ',' | sed 's/,/, /g')"; }

# Seconds after which a step is hung.
bound() {
    case "$1" in
        gate | coverage) echo 3600 ;;
        properties) echo 5400 ;;
        simulator) echo 14400 ;;
        sweep) echo 5400 ;;
        fuzz) echo 14400 ;;
        *) echo 1800 ;;
    esac
}

describe() {
    case "$1" in
        gate) echo "\`scripts/run_tests.sh\`, nothing skipped" ;;
        advisories) echo "cargo-deny \`advisories\`" ;;
        properties) echo "properties of domain and llm" ;;
        simulator) echo "simulated sessions" ;;
        sweep) echo "kill -9 at every step of a session" ;;
        fuzz) echo "fuzz targets under libFuzzer" ;;
        large) echo "memory at the sizes of the cases" ;;
        soak) echo "eight processes that write one database, and are killed" ;;
        toolchains) echo "tool chains with dependencies, offline after a fetch" ;;
        coverage) echo "\`scripts/coverage.sh\` (at least 80 %)" ;;
        sdk) echo "mock server against the packages \`anthropic\` and \`openai\`" ;;
        claude) echo "mock server against the program \`claude\`" ;;
        clock) echo "a clock that goes back during a session" ;;
    esac
}

# Runs one step in a process of its own and adds its row to the table.
run_step() {
    local started=$SECONDS status=0 result detail
    printf '\n=== %s: %s\n' "$1" "$(describe "$1")"
    timeout --kill-after=30 "$(bound "$1")" "$0" --one "$1" 2>&1 | tee "$out/$1.log" || status=${PIPESTATUS[0]}
    detail=$(sed -n 's/^what: //p' "$out/$1.log" | tail -n 1)
    case "$status" in
        0) result="passed" ;;
        3) result="**missing**" detail=$(sed -n 's/^missing: //p' "$out/$1.log" | tail -n 1) ;;
        124 | 137) result="**hung**" detail="longer than $(bound "$1") s" ;;
        *) result="**failed**" detail="exit $status" ;;
    esac
    printf '| %s | %s | %s | %s s |\n' "$(describe "$1")" "$result" "$detail" "$((SECONDS - started))" >>"$out/table.md"
    [ "$status" -eq 0 ]
}

# The page that keeps the last result; says nothing of the machine but what results depend on.
write_page() {
    local state
    state=$(git rev-parse --short HEAD)
    git diff --quiet HEAD || state="$state with uncommitted changes"
    cat >docs/verification.md <<PAGE
# Verification

The gate is \`scripts/run_tests.sh\`. What takes longer, or needs the network or other programs, is
\`scripts/full.sh\`, which skips nothing; this page is written by it and holds its last result.

$(date -u +%Y-%m-%d), commit $state, $(rustc --version | cut -d ' ' -f 1-2), $(uname -s) $(uname -r | grep -oE '^[0-9]+\.[0-9]+') $(uname -m),
$(nproc) processors.

| what | result | | took |
|---|---|---|---|
$(cat "$out/table.md")
PAGE
}

if [ "${1:-}" = --one ]; then
    "step_$2"
    exit
fi

steps=${*:-$all_steps}
for step in $steps; do
    case " $all_steps " in
        *" $step "*) ;;
        *)
            echo "usage: scripts/full.sh [STEP ...], of: $all_steps" >&2
            exit 2
            ;;
    esac
done

mkdir -p "$out/home"
: >"$out/table.md"
failed=0
for step in $steps; do
    run_step "$step" || failed=1
done
if [ "$steps" = "$all_steps" ]; then
    write_page
fi
printf '\n| what | result | | took |\n|---|---|---|---|\n'
cat "$out/table.md"
exit "$failed"
