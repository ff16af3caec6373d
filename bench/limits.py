# SPDX-License-Identifier: Apache-2.0
"""What the machine itself would allow for the lines of guide_compare.py, and how near Tickstone is: bench/limits.cpp measures memory, disk and
loopback, psycopg2 is asked how fast it writes rows into a text. A limit is what cannot be done without, as if all else cost nothing."""
import pathlib
import statistics
import subprocess
import time
from decimal import Decimal

from machines import ROOT

VALUE_BYTES = 8


def measure(scratch):
    """By name: round_trips_1, round_trips_8, round_trips_32 (a second), one_way, memory_1, memory_all (GB/s), sync (ms)."""
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", "limits"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([ROOT / "build/release/bench/limits", scratch], check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in (line.split("\t") for line in done.stdout.splitlines())}


def better(one, other):
    return {name: min(value, other[name]) if name == "sync" else max(value, other[name]) for name, value in one.items()}


def rows_a_second_of_psycopg2(server):
    """How many bars psycopg2 writes into the text of an INSERT in a second."""
    cur = server.connect().cursor()
    row = ("AAPL", "2026-01-05 14:30:00+00", *(Decimal("101.25"),) * 4, Decimal(1000), "bench", "1m")
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 1:
        for _ in range(100):
            cur.mogrify("(%s, %s, %s, %s, %s, %s, %s, %s, %s)", row)
        count += 100
    return count / (time.perf_counter() - began)


def bytes_of_answer(rows):
    """As PostgreSQL's protocol has them in text."""
    return sum(7 + sum(4 + len(str(value)) for value in row) for row in rows)


def milliseconds_of_query(machine, answer_bytes, values):
    """Over the wire and in process: the columns are read once, as 8 bytes a value, the answer goes over loopback, and there and back it is once."""
    reading = values * VALUE_BYTES / machine["memory_all"] / 1e6
    return 1000 / machine["round_trips_1"] + answer_bytes / machine["one_way"] / 1e6 + reading, reading


def commits(machine, clients):
    """Of one group after the other: the questions, a sync for all of them, the answers."""
    return min(machine[f"round_trips_{clients}"], clients * 1000 / (1000 / machine["round_trips_1"] + machine["sync"]))


def limit_of(what, machine, psycopg2_rows, data):
    """(rate over the wire, what it is) of a line that is not a query, or nothing."""
    if what.startswith("COPY of"):
        table = next(name for name in data.path if f"rows of {name} " in what)
        row_bytes = pathlib.Path(data.path[table]).stat().st_size / data.rows[table]
        return machine["one_way"] * 1e9 / row_bytes, f"loopback, {row_bytes:.0f} bytes of CSV a row"
    if what.startswith("upsert of"):
        if "one commit" in what:
            return 1000 / (3 * 1000 / machine["round_trips_1"] + machine["sync"]), "three round trips and a sync"
        if "staging" in what:
            row_bytes = pathlib.Path(data.path["ohlcv"]).stat().st_size / data.rows["ohlcv"]
            return machine["one_way"] * 1e9 / row_bytes, f"loopback, {row_bytes:.0f} bytes a row"
        return psycopg2_rows, "psycopg2 writing the rows into a text"
    for clients in (1, 8, 32):
        connections = f", {clients} connection"
        if what.startswith("durable upserts") and connections in what:
            return commits(machine, clients), "round trips, a sync for all who wait"
        if what.startswith("newest bar") and connections in what:
            return machine[f"round_trips_{clients}"], "round trips"
    return None


def table(machine, psycopg2_rows, report, data, ours, in_process):
    """`report.queries`: by line, the bytes of its answer and the number of values that it has to read."""
    text = ["| work | unit | limit | Tickstone | of the limit | in process: limit | Tickstone | of the limit | the limit is |", "|---|---|---:|---:|---:|---:|---:|---:|---|"]
    for what, unit, figures, more_is_better in report.lines:
        limits, reason = (None, None), None
        if what in report.queries:
            answer_bytes, values = report.queries[what]
            limits = milliseconds_of_query(machine, answer_bytes, values)
            reason = f"a round trip, {answer_bytes:,} bytes of answer, {values * VALUE_BYTES / 1e6:,.1f} MB read"
        elif limit_of(what, machine, psycopg2_rows, data):
            rate, reason = limit_of(what, machine, psycopg2_rows, data)
            limits = (rate, None)
        if reason is None:
            continue
        cells = []
        for name, limit in zip((ours, in_process), limits):
            if name not in figures or not limit:
                cells += ["-", "-", "-"]
                continue
            figure = statistics.median(figures[name])
            form = "{:,.3f}" if unit == "ms" else "{:,.0f}"
            share = figure / limit if more_is_better else limit / figure
            cells += [form.format(limit), form.format(figure), f"{100 * share:.1f} %"]
        text.append(f"| {what} | {unit} | " + " | ".join(cells) + f" | {reason} |")
    return "\n".join(text) + "\n"


def facts(machine):
    return (f"memory read at {machine['memory_1']:.0f} GB/s by one core and {machine['memory_all']:.0f} by all; an fdatasync of 4 kB in {machine['sync']:.2f} ms; "
            f"{machine['round_trips_1']:,.0f} round trips a second over loopback on one connection, {machine['round_trips_8']:,.0f} on 8 and "
            f"{machine['round_trips_32']:,.0f} on 32; {machine['one_way']:.1f} GB/s one way")
