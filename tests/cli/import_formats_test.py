# SPDX-License-Identifier: Apache-2.0
"""Files of data vendors, mapping files, many files at once, and what runs again load."""
import gzip
import io
import json
import signal
import subprocess
import time
import zipfile

import psycopg2

from cli_case import PROGRAM, TRADES, CliCase, environment

QUOTES = """CREATE TABLE quotes (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, bid_price NUMERIC NOT NULL, bid_size NUMERIC NOT NULL,
  ask_price NUMERIC NOT NULL, ask_size NUMERIC NOT NULL, exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, id));
SELECT create_hypertable('quotes', 'timestamp');"""
OHLCV = """CREATE TABLE ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL,
  low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, timeframe));
SELECT create_hypertable('ohlcv', 'timestamp');"""

POLYGON_TRADES = "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,trf_id,trf_timestamp\n"
POLYGON_QUOTES = ("Ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,participant_timestamp,"
                  "sequence_number,sip_timestamp,tape,trf_timestamp\n")
POLYGON_BARS = "ticker,volume,open,close,high,low,window_start,transactions\n"


def zipped(name, text):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return packed.getvalue()


def bars(symbol, first, count):
    """Polygon's, a minute each from 2026-01-05 14:30 on."""
    start = 1767623400_000000000
    return "".join(f"{symbol},{100 + n},{10 + n % 7}.5,11,12.25,9.75,{start + n * 60_000000000},{n}\n" for n in range(first, first + count))


class Formats(CliCase):
    def setUp(self):
        super().setUp()
        self.make_store(TRADES + QUOTES + OHLCV)

    def load(self, *arguments, status=0, **how):
        done = self.run_program("import", "--data", self.store, *arguments, **how)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_polygon_trades_and_quotes(self):
        trades = self.file("2026-01-05.csv.gz", gzip.compress((
            POLYGON_TRADES + 'AAPL,"12,37",0,11,52983,1767623400208705342,142.99,3807,1767623400208740999,5,1,0,0\n'
            'AAPL,,0,11,52984,1767623400429439337,143,3809,1767623400429468160,187,1,0,0\n').encode()))
        self.load("--format", "polygon-trades", trades)
        # A nanosecond lies in the microsecond that has begun: nothing is moved into the future.
        self.assertEqual(self.lines("SELECT * FROM trades ORDER BY id"),
                         ['AAPL,2026-01-05 14:30:00.20874+00,142.99,5,11,"{12,37}",3807,polygon',
                          "AAPL,2026-01-05 14:30:00.429468+00,143,187,11,,3809,polygon"])
        quotes = self.file("quotes.csv", POLYGON_QUOTES + "AAPL,12,143.02,3,11,143.01,2,1,,1767623400208705342,77,1767623400208740096,3,0\n")
        self.load("--format", "polygon-quotes", quotes)
        self.assertEqual(self.lines("SELECT * FROM quotes"), ["AAPL,2026-01-05 14:30:00.20874+00,143.01,2,143.02,3,11,{1},77,polygon"])

    def test_polygon_trades_of_options_have_no_sequence_numbers(self):
        path = self.file("options.csv", "ticker,conditions,correction,exchange,participant_timestamp,price,sip_timestamp,size\n"
                         "O:A260116C00150000,227,0,312,0,1.05,1767623400208740096,2\nO:A260116C00150000,227,0,312,0,1.06,1767623400208740096,3\n")
        self.load("--format", "polygon-trades", path)
        self.assertEqual(self.lines("SELECT symbol, price, id FROM trades ORDER BY id"), ["O:A260116C00150000,1.05,2", "O:A260116C00150000,1.06,3"])

    def test_polygon_bars_keep_nanoseconds_where_the_column_has_them(self):
        self.load("--format", "polygon-minute-aggs", self.file("minutes.csv", POLYGON_BARS + bars("AAPL", 0, 2)))
        self.load("--format", "polygon-day-aggs", self.file("days.csv", POLYGON_BARS + "AAPL,100,10,11,12,9,1767589200000000000,5\n"))
        self.assertEqual(self.lines("SELECT * FROM ohlcv ORDER BY timestamp"),
                         ["AAPL,2026-01-05 05:00:00+00,10,12,9,11,100,polygon,1d",
                          "AAPL,2026-01-05 14:30:00+00,10.5,12.25,9.75,11,100,polygon,1m",
                          "AAPL,2026-01-05 14:31:00+00,11.5,12.25,9.75,11,101,polygon,1m"])
        self.sql("CREATE TABLE exact (symbol TEXT, timestamp TIMESTAMP_NS, price NUMERIC)")
        path = self.file("ns.csv", POLYGON_TRADES + "AAPL,,0,11,1,0,143,3809,1767623400429468161,187,1,0,0\n")
        self.load("--format", "polygon-trades", "--table", "exact", path)
        self.assertEqual(self.lines("SELECT * FROM exact"), ["AAPL,2026-01-05 14:30:00.429468161+00,143"])

    def test_binance_bars_and_trades_of_both_units(self):
        old = self.file("BTCUSDT-1m-2024-12-31.zip", zipped(
            "BTCUSDT-1m-2024-12-31.csv", "1735603200000,92792.05,92850.0,92750.1,92800.5,12.5,1735603259999,1160000.1,150,6.2,575000.5,0\n"))
        new = self.file("BTCUSDT-1h-2025-01-01.csv", "1735689600000000,93576.00,94509.42,93489.03,94401.14,755.99,1735693199999999,71000000.1,129900,1.1,1.2,0\n")
        future = self.file("ETHUSDT-1m-2025-01-01.csv", "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"
                           "1735689600000,3300,3310,3290,3305,10,1735689659999,33000,5,1,3300,0\n")
        self.load("--format", "binance-klines", old, new, future)
        self.assertEqual(self.lines("SELECT symbol, timestamp, open, close, volume, source, timeframe FROM ohlcv ORDER BY symbol, timestamp"),
                         ["BTCUSDT,2024-12-31 00:00:00+00,92792.05,92800.5,12.5,binance,1m",
                          "BTCUSDT,2025-01-01 00:00:00+00,93576,94401.14,755.99,binance,1h",
                          "ETHUSDT,2025-01-01 00:00:00+00,3300,3305,10,binance,1m"])
        trades = self.file("BTCUSDT-trades-2025-01-01.zip", zipped(
            "BTCUSDT-trades-2025-01-01.csv", "4359799650,93576.00000000,0.00055000,51.46680000,1735689600012345,True,True\n"))
        perpetual = self.file("perpetual.csv", "id,price,qty,quote_qty,time,is_buyer_maker\n7,93577.1,0.002,187.15,1735689600500,true\n")
        self.load("--format", "binance-trades", trades)
        self.fails("import", "--data", self.store, "--format", "binance-trades", perpetual, sqlstate="22023", says=["does not say its symbol", "--symbol"])
        self.load("--format", "binance-trades", "--symbol", "BTCUSDT", perpetual)
        aggregated = self.file("BTCUSDT-aggTrades-2025-01-01.csv", "3359000001,93580.5,0.1,4359799650,4359799652,1735689601000000,False,True\n")
        self.load("--format", "binance-agg-trades", aggregated)
        self.assertEqual(self.lines("SELECT symbol, timestamp, price, size, id, source FROM trades ORDER BY timestamp"),
                         ["BTCUSDT,2025-01-01 00:00:00.012345+00,93576,0.00055,4359799650,binance",
                          "BTCUSDT,2025-01-01 00:00:00.5+00,93577.1,0.002,7,binance",
                          "BTCUSDT,2025-01-01 00:00:01+00,93580.5,0.1,3359000001,binance"])

    def test_files_of_another_format_fail_and_load_nothing(self):
        good = POLYGON_BARS + bars("AAPL", 0, 3000)
        for arguments, sqlstate, says in (
                (["--format", "polygon-trades", self.file("bars.csv", good)], "42703", 'the file has no field "sip_timestamp"'),
                (["--format", "binance-klines", self.file("X-1m-1.csv", "1,2,3\n")], "22P04", "is not of format binance-klines"),
                (["--format", "binance-trades", self.file("X-trades-1.zip", zipped("a", "1,2")[:-30])], "XX001", "damaged or cut short"),
                (["--format", "polygon-minute-aggs", self.file("cut.csv.gz", gzip.compress(good.encode())[:-9])], "XX001", "damaged or cut short"),
                (["--format", "nosuch", self.file("x.csv", good)], "22023", "Formats are csv, parquet, polygon-trades"),
                (["--table", "ohlcv", self.file("x.parquet", "PAR1 no")], "XX001", "is no Parquet file, or damaged"),
                (["--table", "ohlcv", self.scratch / "none.parquet"], "58P01", "could not open file"),
                ([self.file("x.csv", good)], "22023", "no table was given")):
            self.fails("import", "--data", self.store, *arguments, sqlstate=sqlstate, says=says)
        self.assertEqual(self.lines("SELECT (SELECT count(*) FROM trades) + (SELECT count(*) FROM ohlcv)"), ["0"])

    def test_a_damaged_zip_is_found_by_its_checksum(self):
        packed = bytearray(zipped("X-1m-1.csv", "".join(f"{1735603200000 + n * 60000},1,1,1,1,{n},0,0,0,0,0,0\n" for n in range(50))))
        with zipfile.ZipFile(io.BytesIO(bytes(packed))) as archive:
            checksum = archive.infolist()[0].CRC.to_bytes(4, "little")
        packed = bytes(packed).replace(checksum, bytes(4))
        self.fails("import", "--data", self.store, "--format", "binance-klines", self.file("X-1m-1.zip", packed), sqlstate="XX001", says="damaged")

    def test_a_mapping_file_says_what_each_column_is_made_of(self):
        mapping = self.file("map.json", json.dumps({
            "delimiter": ";", "header": False, "fields": ["t", "sym", "px", "flags", "skip"], "null": "-",
            "columns": {"timestamp": {"from": "t", "unit": "ms"}, "symbol": {"from": "sym", "upper": True}, "price": {"from": "px", "multiply": "0.0001"},
                        "size": "px", "conditions": {"from": "flags", "list": "|"}, "id": {"line": True}, "source": {"constant": "mine"}}}))
        path = self.file("odd.txt", "1767623400001;aapl;1872500;A|B;x\n1767623400002;msft;-;-;x\n1767623400003;ibm;5;-;x\n")
        done = self.load("--table", "trades", "--mapping", mapping, path, status=3)
        self.assertIn('field "skip" is no column of trades, left out', done.stderr)
        self.assertEqual(self.lines("SELECT * FROM trades ORDER BY id"),
                         ['AAPL,2026-01-05 14:30:00.001+00,187.25,1872500,,"{A,B}",1,mine', "IBM,2026-01-05 14:30:00.003+00,0.0005,5,,,3,mine"])
        local = self.file("local.json", '{"columns": {"timestamp": {"from": "when", "zone": "America/New_York"}, "id": {"line": true}}}')
        path = self.file("local.csv", "symbol,when,price\nX,2026-01-05 09:30:00,1\nX,2026-07-06 09:30:00,2\nX,noon,3\n")
        self.load("--table", "trades", "--mapping", local, path, status=3)
        self.assertEqual(self.lines("SELECT timestamp FROM trades WHERE symbol = 'X' ORDER BY 1"), ["2026-01-05 14:30:00+00", "2026-07-06 13:30:00+00"])
        self.assertIn('invalid input syntax for type timestamp with time zone: ""noon""', (self.scratch / "local.csv.rejects.csv").read_text())
        for text, says in (("{", "no JSON"), ('{"columns": {"id": {"from": "x", "unit": "weeks"}}}', "Units are s, ms, us, ns and auto"),
                           ('{"columns": {"nosuch": "x"}}', 'column "nosuch" of relation "trades" does not exist')):
            self.fails("import", "--data", self.store, "--table", "trades", "--again", "--mapping", self.file("bad.json", text), path, says=says)

    def test_many_files_by_directory_and_pattern_each_once(self):
        for day in range(3):
            folder = self.scratch / "minute_aggs_v1" / "2026" / f"0{day + 1}"
            folder.mkdir(parents=True)
            (folder / f"2026-0{day + 1}-05.csv.gz").write_bytes(gzip.compress((POLYGON_BARS + bars(f"S{day}", 0, 40)).encode()))
        top = self.scratch / "minute_aggs_v1"
        done = self.load("--format", "polygon-minute-aggs", "--json", f"{top}/2026/0[12]/*.gz")
        told = json.loads(done.stdout)
        self.assertEqual([one["state"] for one in told["files"]], ["loaded", "loaded"])
        self.assertEqual(told["total"], {"new": 80, "changed": 0, "same": 0, "rejected": 0})
        told = json.loads(self.load("--format", "polygon-minute-aggs", "--json", top, f"{top}/2026/01/*").stdout)
        self.assertEqual([(one["state"], one["new"]) for one in told["files"]], [("done before", 40), ("done before", 40), ("loaded", 40)])
        self.assertEqual(told["total"]["new"], 40)
        self.assertEqual(self.lines("SELECT count(*), count(DISTINCT symbol) FROM ohlcv"), ["120,3"])
        # Whatever it is called and wherever it lies now, it is what it was; another content is another file.
        moved = self.scratch / "elsewhere" / "2026-01-05.csv.gz"
        moved.parent.mkdir()
        (top / "2026" / "01" / "2026-01-05.csv.gz").rename(moved)
        self.assertIn("done before, 40 rows", self.load("--format", "polygon-minute-aggs", moved).stdout)
        self.fails("import", "--data", self.store, "--table", "ohlcv", f"{top}/*.none", sqlstate="58P01", says="no file matches")

    def test_existing_rows_are_rejected_skipped_or_updated(self):
        first = self.file("first.csv", POLYGON_BARS + bars("AAPL", 0, 10))
        self.load("--format", "polygon-minute-aggs", first)
        changed = bars("AAPL", 5, 10).replace(",11,12.25,", ",11.5,12.25,", 3)
        second = self.file("second.csv", POLYGON_BARS + changed)
        done = self.load("--format", "polygon-minute-aggs", "--existing", "update", second)
        self.assertEqual(done.stdout, f"{second}: 5 rows into ohlcv, 3 changed, 2 were there already\n")
        self.assertEqual(self.lines("SELECT count(*), sum(close) FROM ohlcv"), ["15,166.5"])
        done = self.load("--format", "polygon-minute-aggs", "--existing", "update", "--again", "--json", second)
        self.assertEqual(json.loads(done.stdout)["total"], {"new": 0, "changed": 0, "same": 10, "rejected": 0})
        self.load("--format", "polygon-minute-aggs", "--existing", "reject", "--again", second, status=3)
        self.sql("CREATE TABLE keyless (symbol TEXT, price NUMERIC)")
        plain = self.file("plain.csv", "symbol,price\nA,1\nA,2\n")
        self.fails("import", "--data", self.store, "--table", "keyless", "--existing", "update", plain, sqlstate="42704", says="no primary key")
        # Two of one key in one file: the later one stays.
        self.sql("CREATE TABLE keyed (symbol TEXT PRIMARY KEY, price NUMERIC)")
        self.load("--table", "keyed", "--existing", "update", plain)
        self.assertEqual(self.lines("SELECT * FROM keyed"), ["A,2"])

    def test_a_dry_run_writes_nothing_and_shows_the_mapping(self):
        path = self.file("bars.csv", POLYGON_BARS + bars("AAPL", 0, 10) + "AAPL,1,1,1,1,1,soon,1\n")
        done = self.load("--format", "polygon-minute-aggs", "--dry-run", path, status=3)
        self.assertIn(f"{path}: 10 rows could be read, 1 not\n", done.stdout)
        self.assertIn("  timestamp <- window_start (unix time)\n", done.stdout)
        self.assertIn("line 12: invalid input syntax", done.stderr)
        self.assertEqual(self.lines("SELECT count(*) FROM ohlcv"), ["0"])
        self.assertEqual(self.lines("SELECT count(*) FROM pg_class WHERE relname = 'tickstone_imports'"), ["0"])
        self.assertFalse((self.scratch / "bars.csv.rejects.csv").exists())

    def test_a_server_that_is_killed_loses_and_doubles_nothing(self):
        count = 300_000
        lines = bars("AAPL", 0, count).splitlines(keepends=True)
        lines[50_000] = "AAPL,1,1,1,1,1,soon,1\n"
        lines[250_000] = "AAPL,1,1,1,1,1,later,1\n"
        path = self.file("bars.csv", POLYGON_BARS + "".join(lines))
        server = self.serve()
        # Who holds a key of the third batch keeps it from ending.
        other = psycopg2.connect(server.url())
        self.addCleanup(other.close)
        other.cursor().execute("INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) "
                               "VALUES ('AAPL', to_timestamp(1767623400 + 270000 * 60), 1, 1, 1, 1, 1, 'other', '1m')")
        program = subprocess.Popen([PROGRAM, "import", "-c", server.url(), "--format", "polygon-minute-aggs", str(path)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        while program.poll() is None:
            asked = self.run_program("query", "-c", server.url(), "--csv", "SELECT count(*) FROM ohlcv")
            if asked.returncode == 0 and int(asked.stdout.split()[1]) > 0:
                break
            time.sleep(0.05)
        server.stop(signal.SIGKILL)
        _, said = program.communicate()
        self.assertEqual(program.returncode, 1, said)
        server = self.serve()
        done = self.run_program("import", "-c", server.url(), "--format", "polygon-minute-aggs", path)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("(taken up where it was cut short)", done.stdout)
        self.assertEqual(self.ok("query", "-c", server.url(), "--csv", "SELECT count(*), sum(volume) FROM ohlcv").splitlines()[1],
                         f"{count - 2},{sum(100 + n for n in range(count)) - 50_100 - 250_100}")
        rejected = (self.scratch / "bars.csv.rejects.csv").read_text().splitlines()
        self.assertEqual([line.split(",")[1] for line in rejected[1:]], ["50002", "250002"])
        self.assertIn("done before", self.ok("import", "-c", server.url(), "--format", "polygon-minute-aggs", path))

    def test_several_files_at_a_time_are_told_in_their_order(self):
        files = [self.file(f"S{n}.csv", POLYGON_BARS + bars(f"S{n}", 0, 2000 + n) + ("S,1,1,1,1,1,soon,1\n" if n % 3 == 0 else "")) for n in range(7)]
        told = json.loads(self.load("--format", "polygon-minute-aggs", "--jobs", "3", "--json", *files, status=3).stdout)
        self.assertEqual([(one["file"], one["state"], one["new"], one["rejected"]) for one in told["files"]],
                         [(str(path), "loaded", 2000 + n, int(n % 3 == 0)) for n, path in enumerate(files)])
        self.assertEqual([one.get("reject_file") for one in told["files"]], [f"{path}.rejects.csv" if n % 3 == 0 else None for n, path in enumerate(files)])
        self.assertEqual(told["total"], {"new": 14_021, "changed": 0, "same": 0, "rejected": 3})
        for n, path in enumerate(files):
            self.assertEqual((self.scratch / f"{path}.rejects.csv").exists(), n % 3 == 0)
        self.assertEqual(self.lines("SELECT count(*), count(DISTINCT symbol) FROM ohlcv"), ["14021,7"])
        again = self.load("--format", "polygon-minute-aggs", "--jobs", "3", *reversed(files))
        self.assertEqual([line.split(":")[0] for line in again.stdout.splitlines()], [str(path) for path in reversed(files)])
        self.assertEqual(again.stdout.count("done before"), 7)
        self.fails("import", "--data", self.store, "--format", "polygon-minute-aggs", "--jobs", "2", "--reject-file", "x", *files, status=2, says="--reject-file")

    def test_of_several_files_at_a_time_one_that_fails_ends_the_import_and_the_next_run_goes_on(self):
        files = [self.file(f"S{n}.csv", POLYGON_BARS + bars(f"S{n}", 0, 500)) for n in range(6)]
        damaged = self.file("S2.csv", "a,b\n1,2\n")
        self.fails("import", "--data", self.store, "--format", "polygon-minute-aggs", "--jobs", "2", *files, sqlstate="42703")
        loaded = int(self.lines("SELECT count(DISTINCT symbol) FROM ohlcv")[0])
        self.assertGreaterEqual(loaded, 2)
        damaged.write_text(POLYGON_BARS + bars("S2", 0, 500))
        self.load("--format", "polygon-minute-aggs", "--jobs", "2", *files)
        self.assertEqual(self.lines("SELECT count(*), count(DISTINCT symbol) FROM ohlcv"), ["3000,6"])

    def test_of_one_row_in_several_files_at_a_time_one_is_loaded(self):
        files = [self.file(f"F{n}.csv", POLYGON_BARS + bars("AAPL", 0, 300) + bars(f"S{n}", 0, 10)) for n in range(4)]
        told = json.loads(self.load("--format", "polygon-minute-aggs", "--jobs", "4", "--existing", "skip", "--json", *files).stdout)
        self.assertEqual(told["total"], {"new": 340, "changed": 0, "same": 900, "rejected": 0})
        self.assertEqual(self.lines("SELECT count(*), count(DISTINCT symbol) FROM ohlcv"), ["340,5"])
        # Rejected, where that is what becomes of them: each is told once, whatever was tried how often.
        self.sql("TRUNCATE ohlcv")
        told = json.loads(self.load("--format", "polygon-minute-aggs", "--jobs", "4", "--again", "--json", *files, status=3).stdout)
        self.assertEqual(told["total"], {"new": 340, "changed": 0, "same": 0, "rejected": 900})
        self.assertEqual(sum(len((self.scratch / f"F{n}.csv.rejects.csv").read_text().splitlines()) - 1 for n in range(4)
                             if (self.scratch / f"F{n}.csv.rejects.csv").exists()), 900)
