// SPDX-License-Identifier: Apache-2.0
#include "cli/store_options.hpp"

#include <CLI/CLI.hpp>

#include "server/scram.hpp"

namespace tickstone::cli {

void StoreArguments::add_to(CLI::App& command, bool is_required) {
  auto* option = command.add_option("-d,--data", data, "The data directory")->type_name("DIR");
  if (is_required) option->required();
  command.add_option("--database", database, "Name of the database, for a new store")->capture_default_str();
  command.add_option("--user", user, "Name of the first role, for a new store")->capture_default_str();
  command.add_option("--memory", memory_mb, "Memory for open chunks, block cache and queries together, MiB")
      ->capture_default_str()
      ->check(CLI::Range(256, 1 << 20));
}

std::unique_ptr<engine::Database> open_database(const StoreArguments& arguments, bool may_create,
                                                const std::string& password) {
  engine::DatabaseOptions options;
  const std::size_t budget = arguments.memory_mb << 20;
  options.store.create_if_missing = may_create;
  options.store.open_chunk_budget_bytes = budget / 4;
  options.store.block_cache_bytes = budget / 4;
  options.query_memory_bytes = budget / 2;
  options.database_name = arguments.database;
  options.owner_name = arguments.user;
  if (!password.empty()) options.owner_verifier = server::make_scram_verifier(password);
  auto database = engine::Database::open(arguments.data, options);
  database->set_verifier_maker([](std::string_view text) { return server::make_scram_verifier(text); });
  return database;
}

}  // namespace tickstone::cli
