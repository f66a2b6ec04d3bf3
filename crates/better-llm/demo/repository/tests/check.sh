# check NAME EXPECTED ACTUAL ends the test where the two differ.
check() {
    if [ "$2" != "$3" ]; then
        echo "  not ok: $1: expected '$2', got '$3'"
        exit 1
    fi
    echo "  ok: $1"
}

# tally LINE... prints what tally.sh makes of the lines.
tally() {
    printf '%s\n' "$@" | sh tally.sh
}
