// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/database.hpp"

namespace CLI {
class App;
}

namespace tickstone::cli {

/// What every subcommand that opens a data directory takes.
struct StoreArguments {
  std::string data;
  std::string database = "inavvi";
  std::string user = "inavvi_user";
  std::string memory;  // empty: a share of the machine

  void add_to(CLI::App& command, bool is_required);
};

/// Whether jobs run while the directory is open: a command that looks something up starts none.
enum class Jobs : std::uint8_t { RunWhenDue, Rest };

/// Opens the directory, or makes the store. `password` is the owner's in a new store; empty: none.
/// With the configuration of a server, it says what memory and threads there are.
std::unique_ptr<engine::Database> open_database(
    const StoreArguments& arguments, bool may_create, const std::string& password, Jobs jobs = Jobs::Rest,
    std::shared_ptr<engine::ServerConfiguration> configuration = nullptr);

}  // namespace tickstone::cli
