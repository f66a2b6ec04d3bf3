#!/bin/sh
# Adds up amounts, one a line, from the named file or from standard input.
set -eu

. "$(dirname "$0")/lib/money.sh"

if [ $# -gt 0 ]; then
    exec <"$1"
fi

total=0
while read -r amount note || [ -n "$amount" ]; do
    case $amount in
        '' | '#'*) continue ;;
    esac
    total=$((total + $(to_cents "$amount")))
done

echo "Total: $(from_cents "$total")"
