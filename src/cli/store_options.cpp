// SPDX-License-Identifier: Apache-2.0
#include "cli/store_options.hpp"

#include <CLI/CLI.hpp>

#include "base/byte_size.hpp"
#include "engine/configured_options.hpp"
#include "engine/memory_budget.hpp"
#include "server/scram.hpp"

namespace tickstone::cli {

void StoreArguments::add_to(CLI::App& command, bool is_required) {
  auto* option = command.add_option("-d,--data", data, "The data directory")->type_name("DIR");
  if (is_required) option->required();
  command.add_option("--database", database, "Name of the database, for a new store")->capture_default_str();
  command.add_option("--user", user, "Name of the first role, for a new store")->capture_default_str();
  command
      .add_option(
          "--memory", memory,
          "Memory for open chunks, block cache and queries together: 2GB, 512MB, or MiB as a number; half of "
          "what the machine or its control group has unless given")
      ->type_name("SIZE")
      ->check([](const std::string& text) -> std::string {
        const auto bytes = parse_bytes(text, 1 << 20);
        const auto least = static_cast<std::int64_t>(engine::kLeastMemoryBytes);
        if (bytes && *bytes >= least) return {};
        return "the memory is at least " + format_bytes(least);
      });
}

std::unique_ptr<engine::Database> open_database(const StoreArguments& arguments, bool may_create,
                                                const std::string& password, Jobs jobs,
                                                std::shared_ptr<engine::ServerConfiguration> configuration) {
  engine::DatabaseOptions options;
  options.store.create_if_missing = may_create;
  if (configuration != nullptr) {
    engine::apply_configuration(options, std::move(configuration));
  } else {
    engine::set_memory(options, arguments.memory.empty()
                                    ? engine::default_memory_bytes()
                                    : static_cast<std::size_t>(*parse_bytes(arguments.memory, 1 << 20)));
  }
  if (jobs == Jobs::Rest) options.background_workers = 0;
  options.database_name = arguments.database;
  options.owner_name = arguments.user;
  if (!password.empty()) options.owner_verifier = server::make_scram_verifier(password);
  auto database = engine::Database::open(arguments.data, options);
  database->set_verifier_maker([](std::string_view text) { return server::make_scram_verifier(text); });
  return database;
}

}  // namespace tickstone::cli
