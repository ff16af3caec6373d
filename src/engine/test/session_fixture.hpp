// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "engine/database.hpp"
#include "engine/test/collecting_sink.hpp"

namespace tickstone::engine {

/// One client of a test's database.
class TestSession {
 public:
  TestSession(Database& database, std::int32_t pid = 1) {
    SessionOptions options;
    options.user = database.owner();
    options.database = database.name();
    options.pid = pid;
    options.settings = {{"timezone", "UTC"}};
    session_ = database.connect(options);
  }

  Session& session() { return *session_; }
  /// Before the database goes.
  void end() { session_.reset(); }

  /// All results of a simple query. Errors: the statement's.
  std::vector<CollectedResult> run(std::string_view sql, std::string copy_input = {}) {
    CollectingSink sink(session_->format_context());
    sink.copy_input = std::move(copy_input);
    session_->execute_simple(sql, sink);
    notices = std::move(sink.notices);
    return std::move(sink.results);
  }
  /// The tag of the last statement.
  std::string tag(std::string_view sql, std::string copy_input = {}) {
    const auto results = run(sql, std::move(copy_input));
    return results.empty() ? "" : results.back().tag;
  }
  /// The last statement's rows, values joined by '|', NULL as `null`.
  std::vector<std::string> rows(std::string_view sql) {
    const auto results = run(sql);
    return results.empty() ? std::vector<std::string>{} : joined(results.back());
  }
  /// The one value of the last statement.
  std::string value(std::string_view sql) {
    const auto all = rows(sql);
    return all.size() == 1 ? all.front() : "(" + std::to_string(all.size()) + " rows)";
  }
  std::optional<Error> error(std::string_view sql, std::string copy_input = {}) {
    try {
      run(sql, std::move(copy_input));
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }
  /// `23505 message`, or `none`.
  std::string error_text(std::string_view sql, std::string copy_input = {}) {
    const auto found = error(sql, std::move(copy_input));
    return found ? std::string(sqlstate(found->code())) + " " + found->message() : "none";
  }

  /// By the extended protocol, parameters as text of the types that the statement is described with.
  CollectedResult run_with(std::string_view sql, const std::vector<std::optional<std::string>>& parameters) {
    CollectingSink sink(session_->format_context());
    try {
      session_->parse("", sql, {});
      const auto description = session_->describe_statement("");
      bind_values("", description, parameters);
      session_->execute("", 0, sink);
    } catch (...) {
      session_->sync(true, sink);
      throw;
    }
    session_->sync(false, sink);
    return sink.results.empty() ? CollectedResult{} : std::move(sink.results.back());
  }
  void bind_values(const std::string& statement, const StatementDescription& description,
                   const std::vector<std::optional<std::string>>& parameters) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const SqlType& type = description.parameter_types.at(i);
      values.push_back(parameters[i] ? parse_value(type, *parameters[i], session_->format_context())
                                     : Value::null_of(type));
    }
    session_->bind("", statement, std::move(values));
  }

  static std::vector<std::string> joined(const CollectedResult& result) {
    std::vector<std::string> out;
    for (const auto& row : result.rows) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) line += (i > 0 ? "|" : "") + row[i].value_or("null");
      out.push_back(std::move(line));
    }
    return out;
  }

  std::vector<Notice> notices;

 private:
  std::unique_ptr<Session> session_;
};

/// A database in a directory of its own, gone with the test; `session` is one client of it.
class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    std::random_device random;
    directory_ = std::filesystem::temp_directory_path() /
                 ("tickstone_engine_test_" + std::to_string(random()) + std::to_string(random()));
    open();
  }
  ~SessionTest() override {
    close();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void open() {
    database_ = Database::open(directory_, options);
    session = std::make_unique<TestSession>(*database_);
  }
  void close() {
    session.reset();
    database_.reset();
  }
  void reopen() {
    close();
    open();
  }
  Database& database() { return *database_; }

  std::string tag(std::string_view sql, std::string copy_input = {}) {
    return session->tag(sql, std::move(copy_input));
  }
  std::vector<std::string> rows(std::string_view sql) { return session->rows(sql); }
  std::string value(std::string_view sql) { return session->value(sql); }
  std::string error_text(std::string_view sql, std::string copy_input = {}) {
    return session->error_text(sql, std::move(copy_input));
  }

  std::unique_ptr<TestSession> session;
  DatabaseOptions options;  // of the next opening

 private:
  std::filesystem::path directory_;
  std::unique_ptr<Database> database_;
};

}  // namespace tickstone::engine
