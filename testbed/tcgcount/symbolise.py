#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn tcgcount's profile (profile=on) into instructions per function.

symbolise.py REPORT.tsv SYMBOLS... [--region N] [--top 25]

SYMBOLS are files in the format of `nm` or /proc/kallsyms (address type name).
A function's figure is the mean number of its instructions executed per sample
of the region; `calls` counts executions of its first instruction (0 where callers
skip it, as direct calls patched in past an endbr64 do).
"""
import argparse
import bisect
import collections


def load_symbols(paths):
    table = {}
    for path in paths:
        with open(path, errors="replace") as lines:
            for line in lines:
                field = line.split()
                if len(field) >= 3 and field[1] in "tTwW" and not field[2].startswith("__pfx_"):
                    table.setdefault(int(field[0], 16), field[2])
    addresses = sorted(table)
    return addresses, [table[a] for a in addresses]


def read_profile(path, addresses, names):
    """Instructions and calls, by (report, region) and function."""
    cost = collections.defaultdict(lambda: collections.defaultdict(float))
    calls = collections.defaultdict(lambda: collections.defaultdict(float))
    with open(path) as lines:
        for line in lines:
            if not line.startswith("#hit\t"):
                continue
            _, report, region, address, count = line.rstrip().split("\t")
            key, address, count = (int(report), int(region)), int(address, 16), float(count)
            i = bisect.bisect_right(addresses, address) - 1
            near = i >= 0 and address - addresses[i] < 1 << 20
            name = names[i] if near else f"unknown in {address >> 20:x}00000"
            cost[key][name] += count
            if near and addresses[i] == address:
                calls[key][name] += count
    return cost, calls


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report")
    parser.add_argument("symbols", nargs="+")
    parser.add_argument("--region", type=int, action="append")
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("--names", nargs="+", default=[], help="of the reports, in order")
    args = parser.parse_args()

    cost, calls = read_profile(args.report, *load_symbols(args.symbols))
    for report, region in sorted(cost):
        if args.region and region not in args.region:
            continue
        rows = sorted(((c, n) for n, c in cost[report, region].items()), reverse=True)
        name = args.names[report - 1] if report <= len(args.names) else f"report {report}"
        print(f"{name} region {region}: {sum(c for c, _ in rows):.0f} instructions per sample")
        for c, function in rows[:args.top]:
            print(f"  {c:10.1f}  calls {calls[report, region][function]:8.2f}  {function}")


if __name__ == "__main__":
    main()
