// SPDX-License-Identifier: Apache-2.0
// hot_paths [PATH...]: runs the hot paths in process, on a small store in a temporary directory, through the
// server's own session loop over a pair of sockets, and prints of each what an operation allocates (calls of
// operator new, bytes) and how many blocks of segments it reads, of how many bytes as they are stored. Under
// callgrind it dumps the instructions of each, of all threads, the client's few included (bench/hot_paths.py
// runs it so and puts both together).
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include "base/big_endian.hpp"
#include "engine/database.hpp"
#include "pgwire/row_encoder.hpp"
#include "server/client_channel.hpp"
#include "server/connection_registry.hpp"
#include "server/session_loop.hpp"
#include "types/timestamp.hpp"

namespace {

std::atomic<std::uint64_t> allocation_count{0}, allocated_bytes{0};

void* allocate(std::size_t size, std::size_t alignment) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  allocated_bytes.fetch_add(size, std::memory_order_relaxed);
  void* const memory = alignment <= alignof(std::max_align_t)
                           ? std::malloc(size)
                           : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new[](std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tickstone {
namespace {

constexpr int kSymbols = 50;
constexpr int kMinutes = 390;
constexpr int kLines = 10'000;
constexpr int kInsertedRows = 1'000;
constexpr const char* kBarColumns =
    "symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL, "
    "low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, "
    "timeframe TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, timeframe)";
constexpr const char* kReplace =
    " ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET open = EXCLUDED.open, high = EXCLUDED.high, "
    "low = EXCLUDED.low, close = EXCLUDED.close, volume = EXCLUDED.volume, source = EXCLUDED.source";

std::string symbol_name(int number) { return "S" + std::to_string(100 + number); }

std::string stamp(int day, int minute) {
  char text[40];
  const int at = 14 * 60 + 30 + minute;
  std::snprintf(text, sizeof(text), "2026-01-%02d %02d:%02d:00+00", day, at / 60, at % 60);
  return text;
}

/// A bar as COPY's CSV has it, with `quote` around what is no number.
std::string bar(int symbol, int day, int minute, const char* quote) {
  const int cents = 2000 + symbol * 37 + (minute * 7 + day * 3) % 90;
  char prices[80];
  std::snprintf(prices, sizeof(prices), "%d.%02d,%d.%02d,%d.%02d,%d.%02d,%d", cents / 100, cents % 100,
                (cents + 7) / 100, (cents + 7) % 100, (cents - 6) / 100, (cents - 6) % 100, (cents + 2) / 100,
                (cents + 2) % 100, 100 + (minute * 31 + symbol) % 5000);
  const std::string q(quote);
  return q + symbol_name(symbol) + q + "," + q + stamp(day, minute) + q + "," + prices + "," + q + "bench" +
         q + "," + q + "1m" + q;
}

// Messages of a client

std::string message(char type, const std::string& body) {
  std::string out(1, type);
  append_big_endian(out, static_cast<std::int32_t>(body.size() + 4));
  return out + body;
}
std::string text(const std::string& value) { return value + '\0'; }
std::string query(const std::string& sql) { return message('Q', text(sql)); }
std::string parse(const std::string& name, const std::string& sql) {
  return message('P', text(name) + text(sql) + std::string(2, '\0')) + message('S', "");
}
/// Bind, Execute and Sync, with parameters and results as text, as libpq sends them.
std::string execute(const std::string& name, const std::vector<std::string>& parameters) {
  std::string body = text("") + text(name);
  append_big_endian(body, std::int16_t{0});
  append_big_endian(body, static_cast<std::int16_t>(parameters.size()));
  for (const auto& parameter : parameters) {
    append_big_endian(body, static_cast<std::int32_t>(parameter.size()));
    body += parameter;
  }
  append_big_endian(body, std::int16_t{1});
  append_big_endian(body, std::int16_t{0});
  return message('B', body) + message('D', "P" + text("")) + message('E', text("") + std::string(4, '\0')) +
         message('S', "");
}
std::string copy_data(const std::string& bytes) {
  constexpr std::size_t kMessageBytes = 8192;  // as psql sends them
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += kMessageBytes)
    out += message('d', bytes.substr(at, kMessageBytes));
  return out + message('c', "");
}

/// A client of a session loop that runs on a thread of its own.
class Client {
 public:
  explicit Client(engine::Database& database) : registry_(8, std::chrono::seconds(10)) {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, both) != 0) throw std::bad_alloc();
    descriptor_ = both[0];
    server_ = std::thread([&database, this, descriptor = both[1]] {
      server::ClientChannel channel(descriptor);
      channel.frames().set_logged_in();
      server::Connection connection(descriptor, 1, 1);
      const auto session = database.connect({.user = database.owner(), .database = database.name()});
      server::SessionLoop(channel, *session, connection, registry_).run();
    });
    buffer_.resize(1 << 20);
    receive("Z");
  }
  ~Client() {
    ::shutdown(descriptor_, SHUT_WR);
    server_.join();
    ::close(descriptor_);
  }

  /// Sends, and waits until the server is ready again. Without an allocation.
  void run(const std::string& request) {
    send(request);
    receive("Z");
  }
  void copy_in(const std::string& request, const std::string& data) {
    send(request);
    receive("G");
    run(data);
  }
  std::string copy_out(const std::string& sql) {
    kept_.clear();
    keeps_ = true;
    run(query("COPY (" + sql));
    keeps_ = false;
    std::string data;
    for (std::size_t at = 0; at + 5 <= kept_.size();) {
      const auto size = load_big_endian<std::uint32_t>(kept_.data() + at + 1);
      if (kept_[at] == 'd') data.append(kept_, at + 5, size - 4);
      at += 1 + size;
    }
    return data;
  }

 private:
  void send(const std::string& request) {
    for (std::size_t sent = 0; sent < request.size();) {
      const auto count = ::send(descriptor_, request.data() + sent, request.size() - sent, 0);
      if (count <= 0) std::exit(1);
      sent += static_cast<std::size_t>(count);
    }
  }
  /// Until what has come ends with a message of the type.
  void receive(std::string_view type) {
    std::size_t need = 0;  // of the message at hand
    char head[5];
    std::size_t head_size = 0;
    for (;;) {
      const auto got = ::recv(descriptor_, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) std::exit(1);
      if (keeps_) kept_.append(buffer_.data(), static_cast<std::size_t>(got));
      for (std::size_t at = 0, end = static_cast<std::size_t>(got); at < end;) {
        if (need == 0) {
          head[head_size++] = buffer_[at++];
          if (head_size < sizeof(head)) continue;
          need = load_big_endian<std::uint32_t>(head + 1) - 4;
          if (head[0] == 'E') {
            std::fprintf(stderr, "hot_paths: %.*s\n", static_cast<int>(end - at), buffer_.data() + at);
            std::exit(1);
          }
        }
        const std::size_t step = std::min(need, end - at);
        need -= step;
        at += step;
        if (need > 0) continue;
        head_size = 0;
        if (head[0] == type[0]) return;
      }
    }
  }

  server::ConnectionRegistry registry_;
  int descriptor_ = -1;
  std::thread server_;
  std::vector<char> buffer_;
  bool keeps_ = false;
  std::string kept_;
};

struct Path {
  std::string name;
  int warm_up = 0, rounds = 0;
  std::function<void(int)> run;  // with the number of the round, from the first warm one on
};

/// Of one path: what the rounds after the warm ones took, divided by their number.
void measure(engine::Database& database, const Path& path) {
  for (int round = 0; round < path.warm_up; ++round) path.run(round);
  const auto before = database.store().statistics();
  const auto count = allocation_count.load(), bytes = allocated_bytes.load();
  const std::string dump_name = path.name + "=" + std::to_string(path.rounds);
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  for (int round = 0; round < path.rounds; ++round) path.run(path.warm_up + round);
  CALLGRIND_DUMP_STATS_AT(dump_name.c_str());
  CALLGRIND_STOP_INSTRUMENTATION;
  const auto each = [&](std::uint64_t sum) { return static_cast<double>(sum) / path.rounds; };
  const auto allocations = allocation_count.load() - count, allocated = allocated_bytes.load() - bytes;
  const auto after = database.store().statistics();
  std::printf("%s\t%.1f\t%.0f\t%.1f\t%.0f\n", path.name.c_str(), each(allocations), each(allocated),
              each(after.cache_hits + after.cache_misses - before.cache_hits - before.cache_misses),
              each(after.cache_hit_bytes + after.cache_read_bytes - before.cache_hit_bytes -
                   before.cache_read_bytes));
  std::fflush(stdout);
}

Batch bars_as_batch() {
  Batch batch;
  batch.columns.emplace_back(SqlType::of(TypeId::Text));
  batch.columns.emplace_back(SqlType::of(TypeId::TimestampTz));
  for (int i = 0; i < 5; ++i) batch.columns.emplace_back(SqlType::numeric(18, 2));
  for (int i = 0; i < 2; ++i) batch.columns.emplace_back(SqlType::of(TypeId::Text));
  for (int row = 0; row < kLines; ++row) {
    batch.columns[0].append_bytes(symbol_name(row % kSymbols));
    append_value(batch.columns[1], Value::of_timestamptz(1'767'623'400'000'000LL + row * 60'000'000LL));
    for (std::size_t i = 2; i < 7; ++i) {
      auto value = Value::of_bigint(2000 + row % 977 + static_cast<int>(i));
      value.type = SqlType::numeric(18, 2);
      value.scale = 2;
      append_value(batch.columns[i], value);
    }
    batch.columns[7].append_bytes("bench");
    batch.columns[8].append_bytes("1m");
  }
  return batch;
}

void encode(const Batch& batch, pgwire::ValueFormat format, std::string& out) {
  out.clear();
  const pgwire::RowEncoder encoder(std::vector(batch.columns.size(), format), FormatContext{});
  encoder.append_rows(out, batch, 0, batch.row_count());
}

void make_table(Client& client, const std::string& name) {
  client.run(query("CREATE TABLE " + name + " (" + kBarColumns + ")"));
  client.run(query("SELECT create_hypertable('" + name + "', 'timestamp')"));
}

int run(const std::vector<std::string>& chosen) {
  const auto directory = std::filesystem::temp_directory_path() / ("hot_paths." + std::to_string(::getpid()));
  engine::DatabaseOptions options;
  options.threads = 1;  // so that the counts of two runs are alike
  options.background_workers = 0;
  {
    const auto database = engine::Database::open(directory, options);
    Client client(*database);
    make_table(client, "ohlcv");
    std::string lines;
    for (int day = 5; day < 8; ++day) {
      for (int minute = 0; minute < kMinutes; ++minute) {
        for (int symbol = 0; symbol < kSymbols; ++symbol) lines += bar(symbol, day, minute, "") + "\n";
      }
    }
    client.copy_in(query("COPY ohlcv FROM STDIN (FORMAT csv)"), copy_data(lines));
    client.run(query("CHECKPOINT"));

    const std::string newest =
        "SELECT * FROM ohlcv WHERE symbol = $1 AND timeframe = '1m' ORDER BY timestamp DESC LIMIT 1";
    const std::string upsert =
        "INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) VALUES ";
    const std::string bars =
        "SELECT time_bucket('5 minutes', timestamp) AS bucket, first(open, timestamp), max(high), min(low), "
        "last(close, timestamp), sum(volume) FROM ohlcv WHERE symbol = $1 AND timeframe = '1m' AND timestamp "
        ">= $2 AND timestamp < $3 GROUP BY 1 ORDER BY 1";
    client.run(parse("newest", newest));
    client.run(parse("bars", bars));
    client.run(
        parse("average",
              "SELECT symbol, timestamp, close, avg(close) OVER (PARTITION BY symbol ORDER BY timestamp ROWS "
              "BETWEEN 19 PRECEDING AND CURRENT ROW) FROM ohlcv WHERE symbol = $1 AND timeframe = '1m' ORDER "
              "BY timestamp"));
    client.run(parse("count", "SELECT count(*) FROM ohlcv"));
    client.run(parse("one", "SELECT 1"));
    client.run(parse("upsert", upsert + "($1, $2, $3, $4, $5, $6, $7, $8, $9)" + kReplace));

    // A request for each round, made before.
    const auto requests = [&](int count, const std::function<std::string(int)>& make) {
      std::vector<std::string> all;
      for (int i = 0; i < count; ++i) all.push_back(make(i));
      return [all = std::move(all), &client](int round) {
        client.run(all[static_cast<std::size_t>(round) % all.size()]);
      };
    };
    std::vector<Path> paths;
    const auto wants = [&](const std::string& name) {
      return chosen.empty() || std::find(chosen.begin(), chosen.end(), name) != chosen.end();
    };
    const auto add = [&](Path path) {
      if (wants(path.name)) paths.push_back(std::move(path));
    };
    add({"newest-bar-prepared", 50, 100,
         requests(kSymbols, [&](int i) { return execute("newest", {symbol_name(i)}); })});
    add({"newest-bar-text", 50, 100, requests(kSymbols, [&](int i) {
           std::string sql = newest;
           return query(sql.replace(sql.find("$1"), 2, "'" + symbol_name(i) + "'"));
         })});
    add({"upsert-prepared", 50, 100, requests(kSymbols, [&](int i) {
           return execute("upsert", {symbol_name(i), stamp(8, i), "101.25", "102.5", "100.75", "101.5",
                                     std::to_string(1000 + i), "bench", "1m"});
         })});
    add({"upsert-text", 50, 100, requests(kSymbols, [&](int i) {
           return query(upsert + "(" + bar(i, 9, i, "'") + ")" + kReplace);
         })});
    // As a client that is not in autocommit does it.
    const auto upserts =
        requests(kSymbols, [&](int i) { return query(upsert + "(" + bar(i, 10, i, "'") + ")" + kReplace); });
    add({"upsert-in-transaction", 50, 100, [&, upserts](int i) {
           client.run(query("BEGIN"));
           upserts(i);
           client.run(query("COMMIT"));
         }});
    // Of times that an aggregate has materialized: the commit says so in its log of changes.
    if (wants("upsert-aggregated")) {
      make_table(client, "aggregated");
      for (int i = 0; i < kSymbols; ++i)
        client.run(query("INSERT INTO aggregated VALUES (" + bar(i, 10, i, "'") + ")"));
      client.run(
          query("CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS SELECT symbol, "
                "time_bucket('1 day', timestamp) AS day, max(high) FROM aggregated GROUP BY 1, 2 WITH "
                "NO DATA"));
      client.run(query("CALL refresh_continuous_aggregate('daily', NULL, '2026-02-01')"));
      add({"upsert-aggregated", 50, 100, requests(kSymbols, [&](int i) {
             return query("INSERT INTO aggregated VALUES (" + bar(i, 10, i, "'") + ")" + kReplace);
           })});
    }
    add({"insert-1000-rows", 2, 5, requests(7, [&](int i) {
           std::string sql = upsert;
           for (int row = 0; row < kInsertedRows; ++row)
             sql += (row == 0 ? "(" : ",(") + bar(row % kSymbols, 12 + i, row / kSymbols, "'") + ")";
           return query(sql + kReplace);
         })});
    add({"bars-5-minutes-prepared", 3, 10, requests(kSymbols, [&](int i) {
           return execute("bars", {symbol_name(i), "2026-01-06 00:00:00+00", "2026-01-07 00:00:00+00"});
         })});
    add({"average-20-prepared", 3, 10,
         requests(kSymbols, [&](int i) { return execute("average", {symbol_name(i)}); })});
    add({"count-prepared", 3, 10, requests(1, [&](int) { return execute("count", {}); })});
    add({"constant-prepared", 3, 10, requests(1, [&](int) { return execute("one", {}); })});

    const std::string some = "SELECT * FROM ohlcv ORDER BY timestamp, symbol LIMIT " + std::to_string(kLines);
    std::string csv, binary;
    if (wants("copy-csv-10000")) csv = copy_data(client.copy_out(some + ") TO STDOUT (FORMAT csv)"));
    if (wants("copy-binary-10000")) binary = copy_data(client.copy_out(some + ") TO STDOUT (FORMAT binary)"));
    const auto copies = [&](const std::string& format, const std::string& data) {
      std::vector<std::string> begins;
      for (int i = 0; i < 4; ++i) {
        const std::string table = format + std::to_string(i);
        make_table(client, table);
        begins.push_back(query("COPY " + table + " FROM STDIN (FORMAT " + format + ")"));
      }
      return [begins, &data, &client](int round) {
        client.copy_in(begins[static_cast<std::size_t>(round)], data);
      };
    };
    if (!csv.empty()) add({"copy-csv-10000", 1, 3, copies("csv", csv)});
    if (!binary.empty()) add({"copy-binary-10000", 1, 3, copies("binary", binary)});

    const Batch batch = bars_as_batch();
    std::string out;
    for (const auto format : {pgwire::ValueFormat::Text, pgwire::ValueFormat::Binary}) {
      add({format == pgwire::ValueFormat::Text ? "encode-text-10000" : "encode-binary-10000", 1, 3,
           [&, format](int) { encode(batch, format, out); }});
    }
    for (const auto& path : paths) measure(*database, path);
  }
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace tickstone

int main(int count, char** arguments) { return tickstone::run({arguments + 1, arguments + count}); }
