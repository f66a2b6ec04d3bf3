#!/usr/bin/env bash
# Installs a development tool from crates.io into target/tools, once, in the version named here, and prints its path.
#
#   scripts/tool.sh cargo-deny | cargo-fuzz | cargo-tarpaulin
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    cargo-deny) version=0.20.2 ;;
    cargo-fuzz) version=0.13.2 ;;
    cargo-tarpaulin) version=0.37.5 ;;
    *)
        echo "usage: scripts/tool.sh cargo-deny | cargo-fuzz | cargo-tarpaulin" >&2
        exit 2
        ;;
esac

tools="$PWD/target/tools"
program="$tools/bin/$1"
if ! "$program" --version 2>/dev/null | grep -qF "$version"; then
    # Default features bring TLS of another kind and uploads to a service; neither is needed.
    cargo install "$1" --version "$version" --locked --debug --no-default-features \
        --root "$tools" --target-dir "$tools/build-$1" --quiet >&2
    rm -rf "$tools/build-$1"
fi
echo "$program"
