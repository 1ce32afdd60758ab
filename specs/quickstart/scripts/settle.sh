#!/bin/sh
# Works out what each merchant gets: paid orders, less refunds, less the fee.
set -eu
orders=$1 out=$2 fee=$3
mkdir -p "$out"
tail -n +2 "$orders" | awk -F, -v OFS=, -v fee="$fee" '
    $5 == "paid" { gross[$3] += $4; orders[$3]++ }
    $5 == "refunded" { gross[$3] -= $4; refunds[$3]++ }
    END {
        for (merchant in gross) {
            kept = int(gross[merchant] * fee / 100)
            print merchant, orders[merchant], refunds[merchant] + 0, gross[merchant], kept, gross[merchant] - kept | "sort"
        }
    }' >"$out/settlement.tmp"
{ echo "merchant,orders,refunds,gross_cents,fee_cents,net_cents"; cat "$out/settlement.tmp"; } >"$out/settlement.csv.tmp"
mv "$out/settlement.csv.tmp" "$out/settlement.csv"
rm -f "$out/settlement.tmp"
echo "settled $(($(wc -l <"$out/settlement.csv") - 1)) merchants at a fee of $fee percent"
