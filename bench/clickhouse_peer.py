# SPDX-License-Identifier: Apache-2.0
"""ClickHouse beside Tickstone, where `clickhouse-server` and `clickhouse-client` are on the PATH and Python has clickhouse_driver (Debian's
python3-clickhouse-driver): a server in a directory of its own, asked over its own protocol on a connection that stays.

Its tables are MergeTree, ordered by the guide's primary keys, which it does not enforce, and it does not sync what it has acknowledged. Debian's
18.16 has no fractions of seconds (ticks have theirs as microseconds in an integer), no window functions and no as-of join."""
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import threading
import time

from machines import free_port

try:
    import clickhouse_driver
except ImportError:
    clickhouse_driver = None

DECIMAL = "Decimal(18, 4)"
BARS_KEY, TICKS_KEY = "(symbol, timestamp, timeframe)", "(symbol, timestamp, id)"
TABLES = {
    "ohlcv": (f"symbol LowCardinality(String), timestamp DateTime, open {DECIMAL}, high {DECIMAL}, low {DECIMAL}, close {DECIMAL}, volume {DECIMAL}, "
              "source LowCardinality(String), timeframe LowCardinality(String)", BARS_KEY),
    "trades": (f"symbol LowCardinality(String), timestamp Int64, price {DECIMAL}, size {DECIMAL}, exchange Int32, conditions Array(String), id Int64, "
               "source LowCardinality(String)", TICKS_KEY),
    "quotes": (f"symbol LowCardinality(String), timestamp Int64, bid_price {DECIMAL}, bid_size {DECIMAL}, ask_price {DECIMAL}, ask_size {DECIMAL}, exchange Int32, "
               "conditions Array(String), id Int64, source LowCardinality(String)", TICKS_KEY),
    "feature_timeseries": (f"feature_name LowCardinality(String), symbol LowCardinality(String), timestamp DateTime, value {DECIMAL}, tags Nullable(String)",
                           "(feature_name, symbol, timestamp)"),
}
CONFIGURATION = """<yandex>
<logger><level>warning</level><log>{data}/log</log><errorlog>{data}/errors</errorlog></logger>
<tcp_port>{port}</tcp_port><listen_host>127.0.0.1</listen_host><timezone>UTC</timezone>
<path>{data}/data/</path><tmp_path>{data}/tmp/</tmp_path><mark_cache_size>536870912</mark_cache_size>
<users_config>{data}/users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
</yandex>
"""
USERS = """<yandex><profiles><default><max_memory_usage>8000000000</max_memory_usage>
<allow_experimental_low_cardinality_type>1</allow_experimental_low_cardinality_type></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default></default></quotas></yandex>
"""


def seconds_only(line):
    return line.replace("+00,", ",", 1)


class Ticks:
    """A line of trades or quotes with its time in microseconds and its conditions as an array."""

    line = re.compile(r'([^,]*),([^,]*)\+00,((?:[^,]*,)+?)("\{[^"]*\}"|\{[^,]*\}|),([^,]*,[^,]*\n)')

    def __init__(self):
        self.seconds, self.arrays = {}, {"": "[]"}

    def __call__(self, line):
        symbol, moment, middle, conditions, end = self.line.fullmatch(line).groups()
        second = self.seconds.get(moment[:19])
        if second is None:
            second = self.seconds[moment[:19]] = str(int(time.mktime(time.strptime(moment[:19], "%Y-%m-%d %H:%M:%S"))) - time.timezone)
        array = self.arrays.get(conditions)
        if array is None:
            words = conditions.strip('"')[1:-1].split(",")
            array = self.arrays[conditions] = '"[' + ",".join(f"'{word}'" for word in words) + ']"'
        return f"{symbol},{second}{moment[20:].ljust(6, '0')},{middle}{array},{end}"


class ClickHouse:
    """Speaks to one that it starts; what it cannot do has no text in its dialect."""

    dialect = "clickhouse"
    prepares = False
    loads_as = None

    @staticmethod
    def is_found():
        return clickhouse_driver is not None and shutil.which("clickhouse-server") is not None and shutil.which("clickhouse-client") is not None

    def __init__(self, scratch):
        self.port, self.data = free_port(), os.path.join(scratch, "clickhouse")
        os.makedirs(self.data)
        pathlib.Path(self.data, "config.xml").write_text(CONFIGURATION.format(data=self.data, port=self.port))
        pathlib.Path(self.data, "users.xml").write_text(USERS)
        command = ["clickhouse-server", f"--config-file={self.data}/config.xml"]
        if os.getuid() == 0:
            owner = pwd.getpwnam("clickhouse")
            for path in (self.data, *pathlib.Path(self.data).iterdir()):
                os.chown(path, owner.pw_uid, owner.pw_gid)
            command = ["setpriv", "--reuid=clickhouse", "--regid=clickhouse", "--init-groups", *command]
        self.process = subprocess.Popen(command, cwd=self.data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()
        self.name = "ClickHouse " + ".".join(self.rows("SELECT version()")[0][0].split(".")[:2])

    def wait(self):
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit(f"bench: ClickHouse did not start: {self.data}/errors")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def client(self):
        return clickhouse_driver.Client("127.0.0.1", self.port)

    def rows(self, text):
        client = self.client()
        try:
            return client.execute(text)
        finally:
            client.disconnect()

    def reader(self):
        """A function on a connection of its own: of a text, the seconds, the number of rows and the rows."""
        client = self.client()

        def ask(text):
            began = time.perf_counter()
            rows = client.execute(text)
            return time.perf_counter() - began, len(rows), rows
        return ask

    def writer(self):
        """A function on a connection of its own that executes a text."""
        return self.client().execute

    def load(self, data):
        """Seconds by table, of clickhouse-client with files made for it."""
        taken = {}
        for table, (columns, key) in TABLES.items():
            path = os.path.join(self.data, table + ".csv")
            change = Ticks() if table in ("trades", "quotes") else seconds_only
            with open(data.path[table]) as source, open(path, "w") as target:
                names = source.readline().strip()
                target.writelines(map(change, source))
            self.rows(f"CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY {key}")
            with open(path) as file:
                began = time.perf_counter()
                subprocess.run(["clickhouse-client", "--host=127.0.0.1", f"--port={self.port}", f"--query=INSERT INTO {table} ({names}) FORMAT CSV"], stdin=file, check=True)
                taken[table] = time.perf_counter() - began
            os.remove(path)
        return taken

    def make_aggregate(self, text):
        self.rows(f"CREATE TABLE daily ENGINE = MergeTree ORDER BY (symbol, day) AS {text}")

    def settle(self):
        for table in TABLES:
            self.rows(f"OPTIMIZE TABLE {table} FINAL")

    def bytes_of(self, table):
        return int(self.rows(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = '{table}'")[0][0])

    def newest_bars(self, clients, seconds):
        """Queries a second, as pgbench measures them: that many connections, each asking for the newest bar of one symbol after the other."""
        symbols = [row[0] for row in self.rows("SELECT DISTINCT symbol FROM ohlcv WHERE timeframe = '1m' ORDER BY symbol")][::10]
        texts = [f"SELECT * FROM ohlcv WHERE symbol = '{symbol}' AND timeframe = '1m' ORDER BY timestamp DESC LIMIT 1" for symbol in symbols]
        counts, begin = [0] * clients, threading.Barrier(clients + 1)

        def ask(number):
            client = self.client()
            client.execute(texts[0])
            begin.wait()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                client.execute(texts[(number + counts[number]) % len(texts)])
                counts[number] += 1
            client.disconnect()
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        begin.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        return sum(counts) / (time.perf_counter() - began)
