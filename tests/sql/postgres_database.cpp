// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <stdexcept>

#include "libpq_connection.hpp"
#include "test_target.hpp"

namespace tickstone::sql_test {
namespace {

class PostgresDatabase final : public TestDatabase {
 public:
  explicit PostgresDatabase(std::string conninfo)
      : conninfo_(std::move(conninfo)), admin_(connect_by_libpq(conninfo_ + " dbname=postgres", false)) {
    static std::atomic<int> made{0};
    name_ = "tickstone_sql_test_" + std::to_string(made++);
    admin_->run("DROP DATABASE IF EXISTS " + name_, "");
    const auto outcome = admin_->run("CREATE DATABASE " + name_, "");
    if (outcome.failure) throw std::runtime_error(outcome.failure->message);
  }
  ~PostgresDatabase() override { admin_->run("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)", ""); }

  std::unique_ptr<TestConnection> connect() override {
    return connect_by_libpq(conninfo_ + " dbname=" + name_ + " options='-c timezone=UTC'", false);
  }

 private:
  std::string conninfo_;
  std::string name_;
  std::unique_ptr<TestConnection> admin_;
};

}  // namespace

std::unique_ptr<TestDatabase> make_postgres_database(const std::string& conninfo) {
  return std::make_unique<PostgresDatabase>(conninfo);
}

}  // namespace tickstone::sql_test
