// SPDX-License-Identifier: Apache-2.0
#include "cli/open_connection.hpp"

#include <cstdio>

#include "cli/password.hpp"

namespace tickstone::cli {
namespace {

ManagerOptions options_of_a_command() {
  ManagerOptions options;
  options.on_notice = [](const std::string& text) { std::fputs(text.c_str(), stderr); };
  return options;
}

}  // namespace

std::shared_ptr<market::ConnectionSource> open_embedded_source(const StoreArguments& store, bool may_create) {
  std::shared_ptr<engine::Database> database =
      open_database(store, may_create, given_password({}).value_or(kLoopbackPassword));
  return market::make_embedded_source(std::move(database), options_of_a_command());
}

std::shared_ptr<market::ConnectionSource> open_server_source(const std::string& conninfo) {
  return market::open_postgres_source(conninfo, options_of_a_command());
}

std::unique_ptr<market::Connection> open_embedded(const StoreArguments& store, bool may_create) {
  return open_embedded_source(store, may_create)->connect();
}

std::unique_ptr<market::Connection> open_server(const std::string& conninfo) {
  return open_server_source(conninfo)->connect();
}

}  // namespace tickstone::cli
