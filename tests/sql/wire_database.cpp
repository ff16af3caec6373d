// SPDX-License-Identifier: Apache-2.0
#include "engine/database.hpp"
#include "libpq_connection.hpp"
#include "scratch_directory.hpp"
#include "server/scram.hpp"
#include "server/server.hpp"
#include "test_target.hpp"

namespace tickstone::sql_test {
namespace {

class WireDatabase final : public TestDatabase {
 public:
  explicit WireDatabase(bool is_extended) : is_extended_(is_extended) {
    engine::DatabaseOptions options;
    options.owner_verifier = server::make_scram_verifier(kPassword);
    database_ = engine::Database::open(directory_.path(), options);
    server::ServerOptions served;
    served.port = 0;
    server_ = std::make_unique<server::Server>(*database_, served);
    server_->start();
  }
  ~WireDatabase() override { server_->stop(); }

  std::unique_ptr<TestConnection> connect() override {
    const std::string conninfo = "host=127.0.0.1 port=" + std::to_string(server_->port()) +
                                 " user=" + database_->owner() + " dbname=" + database_->name() +
                                 " password=" + kPassword + " options='-c timezone=UTC'";
    return connect_by_libpq(conninfo, is_extended_);
  }

 private:
  static constexpr const char* kPassword = "postgres";
  bool is_extended_;
  ScratchDirectory directory_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<server::Server> server_;
};

}  // namespace

std::unique_ptr<TestDatabase> make_wire_database(bool is_extended) {
  return std::make_unique<WireDatabase>(is_extended);
}

}  // namespace tickstone::sql_test
