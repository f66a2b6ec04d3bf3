# Money in whole cents, because a shell cannot count in fractions.

# to_cents 12.50 prints 1250. Amounts have two decimals.
to_cents() {
    whole=${1%.*}
    cents=${1#*.}
    # A leading zero would make it an octal number.
    echo $((whole * 100 + ${cents#0}))
}

# from_cents 1250 prints 12.50.
from_cents() {
    printf '%d.%02d\n' $(($1 / 100)) $(($1 % 100))
}
