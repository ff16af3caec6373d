#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a point-in-time training set costs: fetch_training_data on an embedded store and on PostgreSQL 15, and PostgreSQL's own SQL.

    training_compare.py [--features 100] [--symbols 20] [--values 1000] [--labels 1000000] [--few 10000] [--rounds 3] [--record]

The SQL is the one that people write: for each label and feature a LATERAL lookup of the newest value, on the primary key's index; it takes so
long that it is measured with --few labels, as both others are too. Answers must agree.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from machines import ROOT, Postgres, record_table

SQL = """SELECT sum(v.value)::float8 FROM bench_labels l CROSS JOIN generate_series(0, {features} - 1) f
  LEFT JOIN LATERAL (SELECT value FROM feature_timeseries t WHERE t.feature_name = 'f' || f AND t.symbol = l.symbol AND t.timestamp <= l.time
                     ORDER BY t.timestamp DESC LIMIT 1) v ON true"""


def run(address, args, labels):
    out = subprocess.run([ROOT / "build/release/bench/training_bench", address, str(args.features), str(args.symbols), str(args.values), str(labels)],
                         check=True, capture_output=True, text=True).stdout.split()
    return float(out[0]), float(out[1]), float(out[2])


def run_sql(server, args, labels):
    with server.connect() as connection:
        cur = connection.cursor()
        cur.execute("DROP TABLE IF EXISTS bench_labels")
        cur.execute(f"""CREATE TABLE bench_labels AS SELECT 'S' || i % {args.symbols} AS symbol, TIMESTAMPTZ '2026-01-01 00:00:00+00'
          + ((i::bigint * 7919) % ({args.values} * 60)) * INTERVAL '1 second' AS time FROM generate_series(0, {labels} - 1) i""")
        began = time.perf_counter()
        cur.execute(SQL.format(features=args.features))
        total = cur.fetchone()[0]
        return 1000 * (time.perf_counter() - began), total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--values", type=int, default=1000)
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--note", default="", help="what the table says of the machine after its cores")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.md")
    args = parser.parse_args()
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", "training_bench"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    scratch = tempfile.mkdtemp(prefix="tickstone-bench-")
    os.chmod(scratch, 0o755)
    postgres = Postgres(scratch)
    lines = []
    try:
        peer = f"postgresql://inavvi_user:postgres@127.0.0.1:{postgres.port}/inavvi"
        directory = os.path.join(scratch, "embedded")
        for address in (directory, peer):
            run(address, args, 1)
        postgres.settle()
        for labels, with_sql in ((args.few, True), (args.labels, False)):
            taken = [[], [], []]
            for _ in range(args.rounds):
                answers = [run(directory, args, labels), run(peer, args, labels)]
                if with_sql:
                    answers.append(run_sql(postgres, args, labels))
                if any(abs(answer[1] - answers[0][1]) > 1e-6 * abs(answers[0][1]) for answer in answers):
                    raise SystemExit(f"bench: the answers differ: {answers}")
                for times, answer in zip(taken, answers):
                    times.append(answer[0])
            lines.append((labels, [statistics.median(times) if times else None for times in taken], [answers[1][2], answers[0][2]]))
            print(f"bench: {labels:,} labels: {lines[-1][1]}", file=sys.stderr, flush=True)
    finally:
        postgres.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    table = ["| training set | unit | PostgreSQL 15, LATERAL | PostgreSQL 15, our API | embedded |", "|---|---|---:|---:|---:|"]
    for labels, (embedded, api, sql), _ in lines:
        table.append(f"| {labels:,} labels x {args.features} features | ms | {'-' if sql is None else f'{sql:,.1f}'} | {api:,.1f} | {embedded:,.1f} |")
    for labels, _, (api_mib, embedded_mib) in lines:
        table.append(f"| {labels:,} labels x {args.features} features: most memory of the program, the result's included | MiB | - | {api_mib:,.0f} | {embedded_mib:,.0f} |")
    text = "\n".join(table) + "\n"
    print(text)
    if args.record:
        rows = args.features * args.symbols * args.values
        note = f"{args.note.lstrip(', ')}, " if args.note else ""
        record_table("training", f"{note}{args.features} features of {args.symbols} symbols, {args.values:,} values each ({rows:,} rows)", text)


if __name__ == "__main__":
    main()
