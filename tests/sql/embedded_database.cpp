// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>

#include "engine/database.hpp"
#include "engine/test/collecting_sink.hpp"
#include "scratch_directory.hpp"
#include "test_target.hpp"

namespace tickstone::sql_test {
namespace {

class EmbeddedConnection final : public TestConnection {
 public:
  explicit EmbeddedConnection(std::unique_ptr<engine::Session> session) : session_(std::move(session)) {}

  Outcome run(const std::string& sql, const std::string& copy_data) override {
    Outcome outcome;
    engine::CollectingSink sink(session_->format_context());
    sink.copy_input = copy_data;
    sink.copy_chunk_bytes = 7;  // cuts rows and fields
    try {
      session_->execute_simple(sql, sink);
    } catch (const Error& error) {
      outcome.failure = {std::string(sqlstate(error.code())), error.message(), error.detail(), error.hint(),
                         error.context()};
    }
    if (sink.results.empty()) return outcome;
    auto& last = sink.results.back();
    outcome.column_count = last.columns.size();
    outcome.rows = std::move(last.rows);
    outcome.tag = std::move(last.tag);
    outcome.copied = std::move(last.copied);
    return outcome;
  }

 private:
  std::unique_ptr<engine::Session> session_;
};

class EmbeddedDatabase final : public TestDatabase {
 public:
  explicit EmbeddedDatabase(bool is_sealed)
      : is_sealed_(is_sealed), database_(engine::Database::open(directory_.path())) {}

  std::unique_ptr<TestConnection> connect() override {
    engine::SessionOptions options;
    options.user = database_->owner();
    options.database = database_->name();
    options.settings = {{"timezone", "UTC"}};
    return std::make_unique<EmbeddedConnection>(database_->connect(options));
  }
  void after_statement() override {
    if (is_sealed_) database_->checkpoint();
  }

 private:
  bool is_sealed_;
  ScratchDirectory directory_;
  std::unique_ptr<engine::Database> database_;
};

}  // namespace

std::unique_ptr<TestDatabase> make_embedded_database(bool is_sealed) {
  return std::make_unique<EmbeddedDatabase>(is_sealed);
}

}  // namespace tickstone::sql_test
