// SPDX-License-Identifier: Apache-2.0
// Power is lost in the midst of changes and refreshes of continuous aggregates, at any call of the file
// system. What comes up again forgets no change of a bucket.
#include <mutex>
#include <random>

#include "engine/test/session_fixture.hpp"
#include "storage/test/power_loss_file_system.hpp"

namespace tickstone::engine {
namespace {

using storage::PowerLossFileSystem;

constexpr int kHours = 24 * 6;
constexpr int kLives = 40;       // of one store
constexpr int kMostCalls = 160;  // of the file system in a life

struct Compared {
  const char* name;
  const char* bucket;
  const char* columns;
  const char* names;
};
/// `live` is read in real time, `upper` stands on it, `eager` is current at each commit.
constexpr Compared kEager = {"eager", "time_bucket('1 hour', at)", "s, count(*), sum(v)", "s, n, total"};
constexpr Compared kLive = {"live", "time_bucket('6 hours', at)", "count(*), sum(v), max(v)",
                            "n, total, high"};
constexpr Compared kUpper = {"upper", "time_bucket('1 day', at)", "count(*), sum(v)", "n, total"};

class AggregateCrash : public SessionTest {
 protected:
  ~AggregateCrash() override { close(); }  // before the files go

  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }

  std::string instant(int hour) {
    return "TIMESTAMPTZ '2026-01-05 00:00+00' + INTERVAL '" + std::to_string(hour) + " hours'";
  }

  void change() {
    const int hour = below(kHours);
    const std::string window = " WHERE at >= " + instant(hour) + " AND at < " + instant(hour + 1 + below(20));
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        session->run("INSERT INTO t SELECT " + instant(hour) + " + g * INTERVAL '7 minutes', 'S' || g % 3, " +
                     std::to_string(below(100)) + " FROM generate_series(0, " + std::to_string(below(60)) +
                     ") AS g ON CONFLICT (at, s) DO UPDATE SET v = EXCLUDED.v");
        break;
      case 3:
        session->run("UPDATE t SET v = v + 1" + window);
        break;
      case 4:
        session->run("DELETE FROM t" + window);
        break;
      case 5:
        session->run("SELECT drop_chunks('t', older_than => " + instant(hour) + ", newer_than => " +
                     instant(hour - 48) + ")");
        break;
      case 6:
        if (below(4) == 0) session->run("TRUNCATE t");
        break;
      default:
        database().checkpoint();
    }
  }

  void refresh() {
    static constexpr const char* kNames[] = {"live", "upper", "eager"};
    static constexpr const char* kOptions[] = {"", ", force => true",
                                               ", options => '{\"buckets_per_batch\": 1}'"};
    const int day = below(7);
    const std::string windows[] = {"NULL, NULL", instant(24 * day) + ", " + instant(24 * day + 24),
                                   "NULL, " + instant(24 * day + 24)};
    session->run(std::string("CALL refresh_continuous_aggregate('") + kNames[below(3)] + "', " +
                 windows[below(3)] + kOptions[below(3)] + ")");
  }

  void expect_as_raw(const Compared& compared) {
    const std::string columns = std::string("bucket, ") + compared.names;
    EXPECT_EQ(rows("SELECT " + columns + " FROM " + compared.name + " ORDER BY " + columns),
              rows(std::string("SELECT ") + compared.bucket + ", " + compared.columns + " FROM t GROUP BY 1" +
                   (compared.names[0] == 's' ? ", s" : "") + " ORDER BY 1, 2, 3"))
        << compared.name;
  }

  std::unique_ptr<PowerLossFileSystem> files_;

 private:
  std::mt19937_64 random_{20260105};
};

TEST_F(AggregateCrash, NoChangeOfABucketIsForgotten) {
  close();
  files_ = std::make_unique<PowerLossFileSystem>();
  options.store.files = files_.get();
  options.store.log_file_bytes = 1 << 20;
  open();
  session->run("CREATE TABLE t (at TIMESTAMPTZ NOT NULL, s TEXT NOT NULL, v BIGINT, PRIMARY KEY (at, s))");
  session->run("SELECT create_hypertable('t', 'at', chunk_time_interval => INTERVAL '1 day')");
  for (const auto& [compared, more] : {std::pair(kEager, ", tickstone.eager"),
                                       std::pair(kLive, ", timescaledb.materialized_only = false")}) {
    session->run(std::string("CREATE MATERIALIZED VIEW ") + compared.name + "(bucket, " + compared.names +
                 ") WITH (timescaledb.continuous" + more + ") AS SELECT " + compared.bucket + ", " +
                 compared.columns + " FROM t GROUP BY 1" + (compared.names[0] == 's' ? ", s" : ""));
  }
  session->run(
      "CREATE MATERIALIZED VIEW upper WITH (timescaledb.continuous) AS SELECT time_bucket('1 day', bucket) "
      "AS bucket, sum(n) AS n, sum(total) AS total FROM live GROUP BY 1");
  int in_the_midst = 0;
  std::mt19937_64 chance(7);
  for (int life = 0; life < kLives && !HasFailure(); ++life) {
    std::unique_ptr<PowerLossFileSystem> survivors;
    std::mutex mutex;
    int calls = 1 + below(kMostCalls);
    files_->set_hook([&](PowerLossFileSystem::Call, const std::filesystem::path&) {
      const std::lock_guard lock(mutex);
      if (--calls == 0) survivors = files_->after_power_loss([&](std::uint64_t n) { return chance() % n; });
    });
    const auto is_lost = [&] {
      const std::lock_guard lock(mutex);
      return survivors != nullptr;
    };
    for (int step = 0; step < 12 && !is_lost(); ++step) {
      change();
      if (below(2) == 0) refresh();
    }
    if (is_lost()) {
      ++in_the_midst;
    } else {
      const std::lock_guard lock(mutex);
      survivors = files_->after_power_loss([&](std::uint64_t n) { return chance() % n; });
    }
    files_->set_hook([](PowerLossFileSystem::Call, const std::filesystem::path&) {});
    close();
    files_ = std::move(survivors);
    options.store.files = files_.get();
    open();
    expect_as_raw(kEager);
    // What is stale is known to be: half of the lives go on with it.
    if (below(2) == 0) {
      session->run("CALL refresh_continuous_aggregate('live', NULL, NULL)");
      expect_as_raw(kLive);
      session->run("CALL refresh_continuous_aggregate('upper', NULL, NULL)");
      expect_as_raw(kUpper);
    }
  }
  EXPECT_GT(in_the_midst, kLives / 4);
}

}  // namespace
}  // namespace tickstone::engine
