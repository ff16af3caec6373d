#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Memory over days of ingest: COPY batches, corrections, point and summing queries and checkpoints, an hour of market time
after the other. Prints by hour what the server has resident and what it accounts for, and fails

  - where open chunks and block cache together are ever beyond their share of --memory, or
  - where the server has more resident at the end than at the third part of the hours, by more than --growth of --memory
    (left out with --accounted: on few rows that is noise).
"""
import argparse
import io
import pathlib
import random
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
from server import Server  # noqa: E402

START = 1_704_067_200  # 2024-01-01
BATCH_ROWS = 50_000
SYMBOLS = 200
MIB = 1 << 20

SCHEMA = """
CREATE TABLE ticks (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size BIGINT NOT NULL,
                    PRIMARY KEY (symbol, timestamp));
SELECT create_hypertable('ticks', 'timestamp', chunk_time_interval => INTERVAL '6 hours');
CREATE TABLE last_prices (symbol TEXT PRIMARY KEY, price NUMERIC NOT NULL, ticks BIGINT NOT NULL);
"""


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("memory: no VmRSS")


def stamp(hour, fraction):
    microseconds = int((START + 3600 * (hour + fraction)) * 1_000_000)
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"


def copy_batch(cur, rng, hour, first, rows_per_hour):
    count = min(BATCH_ROWS, rows_per_hour - first)
    per_symbol = rows_per_hour / SYMBOLS
    lines = []
    for row in range(first, first + count):
        fraction = (row // SYMBOLS) / per_symbol
        lines.append(f"S{row % SYMBOLS:03d}\t{stamp(hour, fraction)}\t{100 + rng.random() * 10:.4f}\t{row % 997}\n")
    cur.execute("CREATE TEMP TABLE IF NOT EXISTS staged (symbol TEXT, at NUMERIC, price NUMERIC, size BIGINT)")
    cur.copy_expert("COPY staged FROM STDIN", io.StringIO("".join(lines)))
    # As a loader that gets some rows again does it.
    cur.execute("INSERT INTO ticks SELECT symbol, to_timestamp(at::float8), price, size FROM staged "
                "ON CONFLICT (symbol, timestamp) DO UPDATE SET price = EXCLUDED.price, size = EXCLUDED.size")
    cur.execute("TRUNCATE staged")
    return count


def query(cur, rng, hour):
    symbol = f"S{rng.randrange(SYMBOLS):03d}"
    cur.execute("SELECT price FROM ticks WHERE symbol = %s ORDER BY timestamp DESC LIMIT 1", (symbol,))
    price = cur.fetchone()[0]
    cur.execute("INSERT INTO last_prices VALUES (%s, %s, 1) ON CONFLICT (symbol) DO UPDATE "
                "SET price = EXCLUDED.price, ticks = last_prices.ticks + 1", (symbol, price))
    cur.execute("UPDATE ticks SET size = size + 1 WHERE symbol = %s AND timestamp >= to_timestamp(%s)",
                (symbol, START + 3600 * hour + rng.randrange(3600)))
    cur.execute("SELECT symbol, time_bucket('5 minutes', timestamp), sum(size), max(price) FROM ticks "
                "WHERE timestamp >= to_timestamp(%s) GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5", (START + 3600 * (hour - 2),))
    cur.fetchall()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--rows", type=int, default=1_000_000, help="an hour")
    parser.add_argument("--memory", type=int, default=512, help="MiB")
    parser.add_argument("--growth", type=float, default=0.1)
    parser.add_argument("--accounted", action="store_true")
    arguments = parser.parse_args()
    rng = random.Random(1)
    resident = []
    most_accounted = 0
    with tempfile.TemporaryDirectory(prefix="tickstone_memory_") as scratch:
        server = Server(scratch + "/store", arguments.memory)
        server.start()
        try:
            connection = server.connect()
            cur = connection.cursor()
            cur.execute(SCHEMA)
            total = 0
            for hour in range(arguments.hours):
                for first in range(0, arguments.rows, BATCH_ROWS):
                    total += copy_batch(cur, rng, hour, first, arguments.rows)
                    query(cur, rng, hour)
                cur.execute("SELECT open_chunk_bytes, block_cache_bytes FROM tickstone.storage_statistics")
                open_bytes, cache_bytes = cur.fetchone()
                resident.append(resident_bytes(server.process.pid))
                most_accounted = max(most_accounted, open_bytes + cache_bytes)
                print(f"hour {hour + 1:3d}: {total:11,} rows, {resident[-1] // MIB:5d} MiB resident, "
                      f"{open_bytes // MIB:4d} MiB open chunks, {cache_bytes // MIB:4d} MiB block cache", flush=True)
                if hour % 4 == 3:
                    cur.execute("CHECKPOINT")
            cur.execute("SELECT count(*) FROM ticks")
            if cur.fetchone()[0] != total:
                raise SystemExit("memory: rows are missing")
        finally:
            server.kill()
    # A fifth for open chunks, a fourth for blocks; what is sealed at the moment may lie over that.
    share = arguments.memory * MIB * (0.2 * 1.5 + 0.25)
    summary = (f"memory: {arguments.hours} hours, {total:,} rows, {min(resident) // MIB} to {max(resident) // MIB} MiB "
               f"resident of {arguments.memory}, {most_accounted // MIB} MiB accounted for at most")
    if most_accounted > share:
        raise SystemExit(f"{summary}: more than the {int(share) // MIB} MiB of their share")
    third = max(1, arguments.hours // 3)
    grown = statistics.median(resident[-third:]) - statistics.median(resident[third:2 * third] or resident)
    if not arguments.accounted and grown > arguments.growth * arguments.memory * MIB:
        raise SystemExit(f"{summary}: grew by {int(grown) // MIB} MiB in the last third")
    print(summary)


if __name__ == "__main__":
    main()
