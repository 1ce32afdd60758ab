#!/bin/sh
# Writes the settlement as a page that a person would read.
set -eu
out=$1
awk -F, '
    function money(cents) { return sprintf("%.2f", cents / 100) }
    NR == 1 { printf "%-16s %8s %8s %12s %10s %12s\n", "Merchant", "Orders", "Refunds", "Gross", "Fee", "Net"; next }
    { printf "%-16s %8d %8d %12s %10s %12s\n", $1, $2, $3, money($4), money($5), money($6)
      orders += $2; refunds += $3; gross += $4; fee += $5; net += $6 }
    END { printf "%-16s %8d %8d %12s %10s %12s\n", "Total", orders, refunds, money(gross), money(fee), money(net) }
' "$out/settlement.csv" >"$out/report.txt.tmp"
mv "$out/report.txt.tmp" "$out/report.txt"
cat "$out/report.txt"
