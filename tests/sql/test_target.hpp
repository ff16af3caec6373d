// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tickstone::sql_test {

/// What a statement did, as far as any client can tell.
struct Outcome {
  struct Failure {
    std::string sqlstate, message, detail, hint, context;
  };
  std::optional<Failure> failure;
  std::size_t column_count = 0;
  std::vector<std::vector<std::optional<std::string>>> rows;  // of the last statement
  std::string tag;
  std::string copied;
};

class TestConnection {
 public:
  virtual ~TestConnection() = default;
  virtual Outcome run(const std::string& sql, const std::string& copy_data) = 0;
};

/// A fresh, empty database under one configuration.
class TestDatabase {
 public:
  virtual ~TestDatabase() = default;
  virtual std::unique_ptr<TestConnection> connect() = 0;
  /// Between statements: what the configuration does to the store.
  virtual void after_statement() {}
};

/// In process. `is_sealed`: a checkpoint after every statement, so that every read is one of sealed segments.
std::unique_ptr<TestDatabase> make_embedded_database(bool is_sealed);
/// Served in process and reached by libpq.
std::unique_ptr<TestDatabase> make_wire_database(bool is_extended);
/// A database of its own on a PostgreSQL server: proves the expectations. `conninfo` without a database name.
std::unique_ptr<TestDatabase> make_postgres_database(const std::string& conninfo);

}  // namespace tickstone::sql_test
