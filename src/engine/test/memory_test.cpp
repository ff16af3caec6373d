// SPDX-License-Identifier: Apache-2.0
// One budget for all, and what happens to a query that needs more than its part.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

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
  EXPECT_EQ(session->value("SHOW tickstone.memory"), "1GB");
  EXPECT_EQ(session->value("SHOW shared_buffers"), "256MB");
  EXPECT_EQ(session->value("SHOW temp_file_limit"), "8GB");
  EXPECT_EQ(session->error_text("SET tickstone.memory = '2GB'").substr(0, 5), "55P02");
}

TEST_F(Memory, QueryBeyondItsPartSpillsAndLeavesNothing) {
  options.query_memory_bytes = 48ULL << 20;
  std::filesystem::create_directories(path.string() + "/tmp/left");  // by a process that was killed
  open();
  EXPECT_TRUE(std::filesystem::is_empty(path.string() + "/tmp"));
  EXPECT_EQ(std::filesystem::status(path.string() + "/tmp").permissions(), std::filesystem::perms::owner_all);
  EXPECT_EQ(session->value(kLargeSort), "2000000");
  session.reset();
  database.reset();
  EXPECT_TRUE(!std::filesystem::exists(path.string() + "/tmp") ||
              std::filesystem::is_empty(path.string() + "/tmp"));
}

TEST_F(Memory, QueryBeyondItsTemporaryFilesFailsAlone) {
  options.query_memory_bytes = 4ULL << 20;
  open();
  session->tag("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  session->tag("INSERT INTO t VALUES (1)");
  const auto code = session->error_text(kLargeSort).substr(0, 5);
  EXPECT_TRUE(code == "53400" || code == "53200") << code;
  EXPECT_EQ(session->value("SELECT count(*) FROM t"), "1");
  TestSession other(*database, 2);
  EXPECT_EQ(other.value("SELECT count(*) FROM t"), "1");
}

TEST_F(Memory, StatementThatKeepsMoreThanAQueryMayHaveFailsAlone) {
  options.query_memory_bytes = 32ULL << 20;
  open();
  session->tag("CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER)");
  session->tag("INSERT INTO t SELECT i, 0 FROM generate_series(1, 100000) AS g(i)");
  session->tag("CREATE TABLE other (id INTEGER, x INTEGER)");
  session->tag("INSERT INTO other SELECT i, 1 FROM generate_series(1, 100000) AS g(i)");
  const std::string update = "UPDATE t SET x = other.x FROM other WHERE other.id = t.id";
  EXPECT_EQ(session->error_text(update).substr(0, 5), "53200");
  EXPECT_EQ(session->error_text("DELETE FROM t USING other WHERE other.id = t.id").substr(0, 5), "53200");
  EXPECT_EQ(session->value("SELECT count(*), sum(x) FROM t"), "100000|0");
  EXPECT_EQ(session->tag(update + " AND t.id <= 1000"), "UPDATE 1000");
}

TEST_F(Memory, NoQueryReachesTheTemporaryFiles) {
  options.query_memory_bytes = 48ULL << 20;
  open();
  // Something is there to be read, under a name of DuckDB's own.
  const std::string file = path.string() + "/tmp/duckdb_temp_storage_DEFAULT-0.tmp";
  std::ofstream(file) << "secret";
  for (const std::string& call : std::vector<std::string>{
           "read_text('" + file + "')", "read_blob('" + file + "')", "read_csv('" + file + "')",
           "read_csv_auto('" + file + "')", "glob('" + path.string() + "/tmp/*')", "read_text('/etc/passwd')",
           "sniff_csv('" + file + "')", "parquet_scan('" + file + "')"}) {
    const auto error = session->error_text("SELECT * FROM " + call);
    EXPECT_NE(error, "none") << call;
  }
  EXPECT_NE(session->error_text("SELECT * FROM \"" + file + "\""), "none");
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_EQ(session->value(kLargeSort), "2000000");
}

}  // namespace
}  // namespace tickstone::engine
