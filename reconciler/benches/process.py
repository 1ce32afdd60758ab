#!/usr/bin/env python3
"""Measures whole processes: `windlass validate` of trees of 100 to 100,000 jobs beside `windlass version`.

Usage: reconciler/benches/process.py WINDLASS GENERATE

WINDLASS is the release binary, GENERATE the release build of the compiler's example `generate`. Each line gives the
median of wall and processor time from start to exit. The peak of resident memory is the kernel's, taken by GNU
`time`: a child of this script would count the script's own memory as its own.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20


def once(command, folder):
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command} exits with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime


def memory(command, folder):
    timed = ["/usr/bin/time", "-f", "%M", *command]
    child = subprocess.run(timed, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(child.stderr.split()[-1]) * 1024


def measured(command, folder, times):
    runs = [once(command, folder) for _ in range(times)]
    return [statistics.median(column) for column in zip(*runs)] + [memory(command, folder)]


def size(folder):
    files = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    return sum(os.path.getsize(file) for file in files)


def line(what, figures, note=""):
    wall, cpu, peak = figures
    print(f"{what:<16} {wall * 1e3:9.1f} ms wall {cpu * 1e3:9.1f} ms cpu {peak / MIB:7.1f} MiB  {note}", flush=True)


def main(windlass, generate):
    with tempfile.TemporaryDirectory() as folder:
        version = measured([windlass, "version"], folder, 41)
        line("version", version)
        for jobs in (100, 1_000, 10_000, 100_000):
            tree = os.path.join(folder, str(jobs))
            subprocess.run([generate, str(jobs), str(max(2, jobs // 50)), tree], check=True)
            figures = measured([windlass, "validate", "-e", "prod"], tree, 41 if jobs < 10_000 else 5)
            allowed = 3 * size(tree) / MIB + 5
            ratios = [f"{one / other:.1f}" for one, other in zip(figures, version)]
            note = f"{ratios[0]} x version by wall, {ratios[1]} x by cpu; {allowed:.1f} MiB allowed"
            line(f"validate {jobs}", figures, note)
        tree = os.path.join(folder, "10000")
        subprocess.run([windlass, "apply", "-e", "prod", "--no-wait", "--yes"], cwd=tree, check=True, capture_output=True)
        line("no-op plan 10000", measured([windlass, "plan", "-e", "prod"], tree, 11), "250 ms allowed")


if __name__ == "__main__":
    main(*sys.argv[1:])
