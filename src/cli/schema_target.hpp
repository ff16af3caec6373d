// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cli/store_options.hpp"
#include "market/connection.hpp"

namespace CLI {
class App;
}

namespace tickstone::cli {

/// The store that a subcommand works on: an address, or `--data DIR`.
struct TargetArguments {
  std::string address;  // a URL or libpq parameters, or a directory
  StoreArguments store;

  void add_to(CLI::App& command);
  bool is_directory() const;
  /// Takes TICKSTONE_URL where nothing was given. False, and said so on standard error: there is nothing.
  bool complete();
};

struct Target {
  Home home = Home::Embedded;
  std::unique_ptr<market::Connection> connection;
};

/// `may_create`: a directory that is not there becomes a store.
Target open_target(const TargetArguments& arguments, bool may_create);

}  // namespace tickstone::cli
