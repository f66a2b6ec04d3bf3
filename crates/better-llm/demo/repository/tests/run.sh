#!/bin/sh
# Runs every test of this folder; exits with 1 where one fails.
cd "$(dirname "$0")/.." || exit 2

failed=0
for test in tests/*_test.sh; do
    echo "$test"
    sh "$test" || failed=1
done
[ "$failed" -eq 0 ]
