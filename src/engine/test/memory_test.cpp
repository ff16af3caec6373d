// SPDX-License-Identifier: Apache-2.0
// One budget for all, and what happens to a query that needs more than its part.
#include <filesystem>

#include <gtest/gtest.h>

#include "engine/memory_budget.hpp"
#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class Memory : public ::testing::Test {
 protected:
  Memory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tickstone_memory_XXXXXX").string();
    path = ::mkdtemp(pattern.data());
    options.threads = 2;
  }
  ~Memory() override {
    session.reset();
    database.reset();
    std::filesystem::remove_all(path);
  }
  void open() {
    database = Database::open(path, options);
    session.emplace(*database);
  }

  std::filesystem::path path;
  DatabaseOptions options;
  std::unique_ptr<Database> database;
  std::optional<TestSession> session;
};

/// Sorts two million texts, far more than 48 MB.
constexpr const char* kLargeSort =
    "SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY md5(i::text)) AS r "
    "FROM generate_series(1, 2000000) AS g(i)) AS t";

TEST_F(Memory, PartsOfTheBudgetStayWithinItTogether) {
  set_memory(options, 1ULL << 30);
  EXPECT_LE(options.store.open_chunk_budget_bytes + options.store.early_segment_bytes +
                options.store.block_cache_bytes + options.query_memory_bytes,
            1ULL << 30);
  EXPECT_GE(default_memory_bytes(), kLeastMemoryBytes);
  open();
  EXPECT_EQ(session->value("SHOW tickstone.memory"), "1024MB");
  EXPECT_EQ(session->value("SHOW shared_buffers"), "256MB");
  EXPECT_EQ(session->error_text("SET tickstone.memory = '2GB'").substr(0, 5), "55P02");
}

TEST_F(Memory, QueryBeyondItsPartFailsAlone) {
  options.query_memory_bytes = 48ULL << 20;
  open();
  session->tag("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  session->tag("INSERT INTO t VALUES (1)");
  EXPECT_EQ(session->error_text(kLargeSort).substr(0, 5), "53200");
  EXPECT_EQ(session->value("SELECT count(*) FROM t"), "1");
  TestSession other(*database, 2);
  EXPECT_EQ(other.value("SELECT count(*) FROM t"), "1");
}

}  // namespace
}  // namespace tickstone::engine
