// SPDX-License-Identifier: Apache-2.0
// Random changes and refreshes of continuous aggregates: refreshed buckets are what the query gives over the
// raw rows, all others keep their old answer. The database is closed and opened meanwhile, and loses its
// power.
#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "engine/test/session_fixture.hpp"
#include "storage/test/power_loss_file_system.hpp"

namespace tickstone::engine {
namespace {

/// A row of an aggregate with the bounds of its bucket, in seconds.
struct BucketRow {
  std::int64_t start = 0, end = 0;
  std::string values;
  friend auto operator<=>(const BucketRow&, const BucketRow&) = default;
};
using BucketRows = std::vector<BucketRow>;  // sorted

struct Shape {
  const char* bucket;  // of the column `at`
  const char* end;     // of a bucket that starts at `bucket`
  const char* columns;
  const char* group;  // further columns of GROUP BY
  const char* names;  // of all columns
  const char* tail;
};

// No answer depends on which of two rows of one time comes first: that may be another one after a checkpoint.
const Shape kShapes[] = {
    {"time_bucket('1 hour', at)", "bucket + INTERVAL '1 hour'", "s, count(*) AS n, sum(v) AS total", ", s",
     "s, n, total", ""},
    {"time_bucket('6 hours', at, INTERVAL '2 hours')", "bucket + INTERVAL '6 hours'",
     "s, min(v) AS low, max(v) AS high, last(at, at) AS newest", ", s", "s, low, high, newest", ""},
    {"time_bucket('1 day', at)", "bucket + INTERVAL '1 day'",
     "count(*) FILTER (WHERE v > 3) AS many, avg(v) AS mean, count(DISTINCT s) AS kinds", "",
     "many, mean, kinds", " HAVING count(*) > 1"},
    {"time_bucket('1 month', at)", "bucket + INTERVAL '1 month'", "s, sum(v) * 2 AS doubled", ", s",
     "s, doubled", ""},
    {"time_bucket('1 day', at, 'Europe/Berlin')",
     "(bucket AT TIME ZONE 'Europe/Berlin' + INTERVAL '1 day') AT TIME ZONE 'Europe/Berlin'",
     "count(*) AS n, round(stddev(v)::numeric, 6) AS spread", "", "n, spread", ""},
};

constexpr int kHours = 24 * 14;

class AggregateHistory : public SessionTest {
 protected:
  AggregateHistory() {
    close();
    files_ = std::make_unique<storage::PowerLossFileSystem>();
    options.store.files = files_.get();
    open();
  }
  ~AggregateHistory() override { close(); }  // before the files go

  /// Nothing is closed, and what was not synced may be gone.
  void lose_power() {
    std::mt19937_64 chance(*rc::gen::arbitrary<std::uint64_t>());
    auto survivors = files_->after_power_loss([&](std::uint64_t n) { return chance() % n; });
    close();
    files_ = std::move(survivors);
    options.store.files = files_.get();
    open();
  }

  static std::string instant(int hour, int minute = 0) {
    // Around the night in which Berlin's clocks go forward, and the end of a month.
    return "TIMESTAMPTZ '2026-03-22 00:00+00' + INTERVAL '" + std::to_string(hour) + " hours " +
           std::to_string(minute) + " minutes'";
  }
  static std::int64_t seconds(int hour) { return 1774137600 + 3600LL * hour; }

  BucketRows read(const std::string& from, const std::string& end, const std::string& names) {
    BucketRows found;
    for (const auto& line : rows("SELECT extract(epoch FROM bucket)::bigint, extract(epoch FROM " + end +
                                 ")::bigint, " + names + " FROM " + from)) {
      const auto first = line.find('|'), second = line.find('|', first + 1);
      found.push_back(
          {std::stoll(line.substr(0, first)), std::stoll(line.substr(first + 1)), line.substr(second + 1)});
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  /// An aggregate and what must be in it.
  struct Watched {
    std::string name, materialization, query, end, names;
    BucketRows expected;
    std::int64_t watermark = INT64_MIN;
  };

  Watched make(const std::string& name, const Shape& shape, const std::string& more) {
    Watched watched;
    watched.name = name;
    watched.end = shape.end;
    watched.names = shape.names;
    watched.query = std::string("SELECT ") + shape.bucket + " AS bucket, " + shape.columns +
                    " FROM t GROUP BY bucket" + shape.group + shape.tail;
    session->run("CREATE MATERIALIZED VIEW " + name + " WITH (timescaledb.continuous" + more + ") AS " +
                 watched.query + " WITH NO DATA");
    watched.materialization =
        "_timescaledb_internal." +
        value(
            "SELECT materialization_hypertable_name FROM timescaledb_information.continuous_aggregates WHERE "
            "view_name = '" +
            name + "'");
    return watched;
  }

  BucketRows fresh(const Watched& watched) {
    return read("(" + watched.query + ") AS q", watched.end, watched.names);
  }

  void refresh(Watched& watched, std::optional<int> from, std::optional<int> to, const std::string& more) {
    const auto bound = [](std::optional<int> hour) { return hour ? instant(*hour) : "NULL"; };
    const auto error = session->error("CALL refresh_continuous_aggregate('" + watched.name + "', " +
                                      bound(from) + ", " + bound(to) + more + ")");
    if (error) {
      // No bucket lies in the window: none of a later one's answers may change.
      RC_ASSERT(error->code() == ErrorCode::InvalidParameterValue);
      return;
    }
    const auto is_in = [&](const BucketRow& row) {
      return (!from || row.start >= seconds(*from)) && (!to || row.end <= seconds(*to));
    };
    BucketRows now;
    for (const auto& row : watched.expected) {
      if (!is_in(row)) now.push_back(row);
    }
    for (const auto& row : fresh(watched)) {
      if (is_in(row)) now.push_back(row);
    }
    std::sort(now.begin(), now.end());
    watched.expected = std::move(now);
    for (const auto& row : watched.expected) watched.watermark = std::max(watched.watermark, row.end);
  }

  void compare(const Watched& watched, bool is_real_time) {
    RC_ASSERT(read(watched.materialization, watched.end, watched.names) == watched.expected);
    BucketRows shown;
    for (const auto& row : watched.expected) {
      if (!is_real_time || row.start < watched.watermark) shown.push_back(row);
    }
    if (is_real_time) {
      for (const auto& row : fresh(watched)) {
        if (row.start >= watched.watermark) shown.push_back(row);
      }
      std::sort(shown.begin(), shown.end());
    }
    RC_ASSERT(read(watched.name, watched.end, watched.names) == shown);
  }

  void change(bool has_key) {
    const int hour = *rc::gen::inRange(0, kHours), length = *rc::gen::inRange(1, 60);
    const std::string window = " WHERE at >= " + instant(hour) + " AND at < " + instant(hour + length);
    const auto kind = *rc::gen::inRange(0, 20);
    if (kind < 8) {
      std::string sql = "INSERT INTO t VALUES ";
      const int count = *rc::gen::inRange(1, 6);
      std::set<std::pair<int, int>> taken;
      for (int i = 0; i < count; ++i) {
        const int at = *rc::gen::inRange(0, kHours), symbol = *rc::gen::inRange(0, 3);
        if (!taken.emplace(at, symbol).second) continue;
        sql += std::string(i > 0 ? ", " : "") + "(" + instant(at, 15 * symbol) + ", 'S" +
               std::to_string(symbol) + "', " + std::to_string(*rc::gen::inRange(0, 9)) + ")";
      }
      if (has_key)
        sql +=
            kind % 2 == 0 ? " ON CONFLICT DO NOTHING" : " ON CONFLICT (at, s) DO UPDATE SET v = EXCLUDED.v";
      session->run(sql);
    } else if (kind < 10) {
      session->run("INSERT INTO t SELECT " + instant(hour) +
                   " + g * INTERVAL '10 minutes 1 second', 'S' || g % 3, g % 7 FROM generate_series(0, " +
                   std::to_string(length * 5) + ") AS g" + (has_key ? " ON CONFLICT DO NOTHING" : ""));
    } else if (kind < 12) {
      session->run("UPDATE t SET v = v + 1" + window);
    } else if (kind == 12) {
      // Rows go to other buckets.
      (void)session->error("UPDATE t SET at = at + INTERVAL '25 hours 1 second'" + window);
    } else if (kind < 15) {
      session->run("DELETE FROM t" + window + (kind == 13 ? " AND s = 'S1'" : ""));
    } else if (kind == 15) {
      session->run("SELECT drop_chunks('t', older_than => " + instant(hour) + ", newer_than => " +
                   instant(hour - 24 * length / 10 - 24) + ")");
    } else if (kind == 16 && hour % 4 == 0) {
      session->run(hour % 8 == 0 ? "TRUNCATE t" : "DELETE FROM t");
    } else if (kind == 17) {
      session->run("BEGIN");
      session->run("DELETE FROM t" + window);
      session->run("ROLLBACK");
    } else if (kind == 18) {
      session->run("BEGIN");
      session->run("UPDATE t SET v = v + 2" + window);
      session->run("SAVEPOINT s");
      session->run("DELETE FROM t");
      session->run("ROLLBACK TO s");
      session->run("COMMIT");
    } else {
      database().checkpoint();
    }
  }

 private:
  std::unique_ptr<storage::PowerLossFileSystem> files_;
};

TEST_F(AggregateHistory, RefreshedBucketsAreTheQuerysAndOthersStay) {
  const bool holds = rc::check([&] {
    session->run("DROP TABLE IF EXISTS t CASCADE");
    const bool has_key = *rc::gen::arbitrary<bool>();
    session->run(std::string("CREATE TABLE t (at TIMESTAMPTZ NOT NULL, s TEXT NOT NULL, v INTEGER") +
                 (has_key ? ", PRIMARY KEY (at, s)" : "") + ")");
    session->run("SELECT create_hypertable('t', 'at', chunk_time_interval => INTERVAL '2 days')");
    const auto& shape = kShapes[*rc::gen::inRange<std::size_t>(0, std::size(kShapes))];
    const auto& other = kShapes[*rc::gen::inRange<std::size_t>(0, std::size(kShapes))];
    Watched plain = make("plain", shape, "");
    Watched live = make("live", other, ", timescaledb.materialized_only = false");
    Watched eager = make("eager", shape, ", tickstone.eager");
    // One on top of another: of what the lower one holds now.
    Watched lower = make("lower", kShapes[0], "");
    Watched upper;
    upper.name = "upper";
    upper.end = "bucket + INTERVAL '2 days'";
    upper.names = "s, total";
    upper.query =
        "SELECT time_bucket('2 days', bucket) AS bucket, s, sum(total) AS total FROM lower GROUP BY 1, s";
    session->run("CREATE MATERIALIZED VIEW upper WITH (timescaledb.continuous) AS " + upper.query);
    upper.materialization = "upper";

    const int steps = *rc::gen::inRange(1, 12);
    for (int i = 0; i < steps; ++i) {
      change(has_key);
      const auto bound = [] {
        return *rc::gen::inRange(0, 5) == 0 ? std::optional<int>()
                                            : std::optional(*rc::gen::inRange(0, kHours));
      };
      for (auto* watched : {&plain, &live, &lower, &upper}) {
        if (*rc::gen::inRange(0, 3) != 0) continue;
        auto from = bound(), to = bound();
        if (from && to && *from > *to) std::swap(from, to);
        if (from && to && *from == *to) to = *from + 1;
        static constexpr const char* kOptions[] = {"", "", "", ", force => true",
                                                   ", options => '{\"buckets_per_batch\": 2}'"};
        refresh(*watched, from, to, kOptions[*rc::gen::inRange(0, 5)]);
      }
      const auto end = *rc::gen::inRange(0, 20);
      if (end == 0) reopen();
      if (end == 1 || end == 2) lose_power();
      compare(plain, false);
      compare(live, true);
      compare(lower, false);
      compare(upper, false);
      RC_ASSERT(read("eager", eager.end, eager.names) == fresh(eager));
    }
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace tickstone::engine
