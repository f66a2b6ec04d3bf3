#!/usr/bin/env bash
# Prints the names of the test targets that lie in crates/, one a line. Cargo chooses tests by such names; by packages
# it would choose other features for dependencies, too, and build them once more.
set -euo pipefail
cd "$(dirname "$0")/.."
for file in crates/*/tests/*.rs crates/*/tests/*/main.rs crates/infra/*/tests/*.rs crates/infra/*/tests/*/main.rs; do
    [ ! -e "$file" ] || basename "${file%/main.rs}" .rs
done
