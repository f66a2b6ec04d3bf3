. tests/check.sh

check 'adds amounts' 'Total: 15.75' "$(tally '12.50 lunch' '3.25 커피')"
check 'counts small cents in tens, not in eights' 'Total: 0.17' "$(tally '0.08' '0.09')"
check 'skips comments and empty lines' 'Total: 3.00' "$(tally '# june' '' '3.00 tea')"
check 'is zero without amounts' 'Total: 0.00' "$(tally '# nothing yet')"
