# SPDX-License-Identifier: Apache-2.0
import filecmp

from cli_case import CliCase

TABLES = ["symbols", "trades", "quotes", "ohlcv", "options", "features"]


class Simulate(CliCase):
    def simulate(self, *arguments):
        return self.ok("simulate", "--symbols", 3, "--days", 2, "--trades-per-day", 300, *arguments)

    def test_the_same_seed_gives_the_same_rows_and_another_one_others(self):
        folders = [self.scratch / name for name in ("one", "two", "other")]
        for folder, seed in zip(folders, (7, 7, 8)):
            self.simulate("--seed", seed, "--output", folder)
        names = sorted(path.name for path in folders[0].iterdir())
        self.assertGreaterEqual(len(names), 5)
        self.assertEqual(names, sorted(path.name for path in folders[1].iterdir()))
        for name in names:
            self.assertTrue(filecmp.cmp(folders[0] / name, folders[1] / name, shallow=False), name)
        self.assertFalse(filecmp.cmp(folders[0] / "trades.csv", folders[2] / "trades.csv", shallow=False))

    def test_files_and_tables_have_the_same_rows(self):
        self.simulate("--output", self.scratch / "csv")
        self.ok("init", "--data", self.store)
        self.simulate("--data", self.store)
        for path in sorted((self.scratch / "csv").iterdir()):
            with open(path) as file:
                in_file = sum(1 for _ in file) - 1
            self.assertGreater(in_file, 0, path)
            self.assertEqual(self.lines(f"SELECT count(*) FROM {path.stem}"), [str(in_file)], path)

    def test_the_market_is_coherent(self):
        self.ok("init", "--data", self.store)
        self.simulate("--data", self.store)
        # The newest quote before each trade brackets it.
        outside = self.lines("""SELECT count(*), count(*) FILTER (WHERE q.bid IS NULL OR t.price < q.bid OR t.price > q.ask)
          FROM trades t LEFT JOIN LATERAL (SELECT bid, ask FROM (SELECT bid_price AS bid, ask_price AS ask, timestamp FROM quotes
            WHERE quotes.symbol = t.symbol AND quotes.timestamp <= t.timestamp) AS before ORDER BY timestamp DESC LIMIT 1) q ON TRUE""")
        trades, wrong = map(int, outside[0].split(","))
        self.assertGreater(trades, 1000)
        self.assertEqual(wrong, 0)
        self.assertEqual(self.lines("SELECT count(*) FROM quotes WHERE bid_price > ask_price OR bid_price <= 0"), ["0"])
        # Every one-minute bar is what its trades say, and each trade is in one.
        wrong = self.lines("""WITH bars AS (SELECT symbol, time_bucket('1 minute', timestamp) AS bucket, first(price, timestamp) AS open,
            max(price) AS high, min(price) AS low, last(price, timestamp) AS close, sum(size) AS volume FROM trades GROUP BY 1, 2)
          SELECT count(*) FILTER (WHERE o.symbol IS NULL), count(*) FILTER (WHERE b.symbol IS NULL AND o.volume <> 0),
            count(*) FILTER (WHERE b.high <> o.high OR b.low <> o.low OR b.volume <> o.volume OR b.close <> o.close OR b.open <> o.open),
            count(*) > 100
          FROM bars b FULL JOIN (SELECT * FROM ohlcv WHERE timeframe = '1m') o ON o.symbol = b.symbol AND o.timestamp = b.bucket""")
        self.assertEqual(wrong, ["0,0,0,t"])

    def test_every_row_says_that_it_is_simulated(self):
        self.ok("init", "--data", self.store)
        self.simulate("--data", self.store)
        tables = self.lines("""SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'
          AND column_name = 'source' ORDER BY 1""")
        self.assertIn("trades", tables)
        checked = 0
        for table in tables:
            kinds = self.lines(f"SELECT source, count(*) FROM {table} GROUP BY source")
            if kinds:
                self.assertRegex(",".join(kinds), r"^simulator,\d+$", table)
                checked += 1
        self.assertGreaterEqual(checked, 3)

    def test_into_a_server_and_wrong_sizes(self):
        self.ok("init", "--data", self.store)
        server = self.serve()
        said = self.simulate("-c", server.url())
        self.assertRegex(said, r"trades +\d+ rows")
        self.fails("simulate", sqlstate="22023", says="no target was given")
        self.fails("simulate", "--data", self.store, "--symbols", "0", status=2)
        self.fails("simulate", "--data", self.store, "--days", "x", status=2)
        self.fails("simulate", "--output", self.scratch / "x", "--start", "yesterday-ish", status=1, sqlstate="22007")
        self.fails("simulate", "--data", self.store, "--symbols", "1", sqlstate="55006")
