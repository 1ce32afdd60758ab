#!/bin/sh
# Follows an append-only file of orders and keeps totals per minute.
#
# The state and the totals are one file, replaced in one step: killed at any moment, the stream goes on
# with the line behind the last one that it has counted, and counts no line twice.
set -eu
orders=$1 out=$2 poll=$3
mkdir -p "$out"
state=$out/totals.csv
[ -f "$state" ] || printf 'lines,1\nminute,orders,cents\n' >"$state"
echo "following $orders from line $(sed -n '1s/lines,//p' "$state")"

while :; do
    counted=$(sed -n '1s/lines,//p' "$state")
    # A line counts once its newline is there: what is being appended is left for the next look.
    complete=$(wc -l <"$orders")
    if [ "$complete" -gt "$counted" ]; then
        sed -n "$((counted + 1)),${complete}p" "$orders" | awk -F, -v OFS=, -v state="$state" -v complete="$complete" '
            BEGIN {
                while ((getline line < state) > 0) {
                    n = split(line, f, ",")
                    if (n == 3 && f[1] != "minute") { orders[f[1]] = f[2]; cents[f[1]] = f[3] }
                }
            }
            $5 == "paid" { minute = substr($2, 1, 16) "Z"; orders[minute]++; cents[minute] += $4 }
            END {
                print "lines", complete
                print "minute", "orders", "cents"
                for (minute in orders) print minute, orders[minute], cents[minute] | "sort"
            }' >"$state.tmp"
        mv "$state.tmp" "$state"
        echo "counted lines $((counted + 1)) to $complete"
    fi
    sleep "$poll"
done
