// SPDX-License-Identifier: Apache-2.0
#include "cli/schema_target.hpp"

#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "cli/open_connection.hpp"

namespace tickstone::cli {

void TargetArguments::add_to(CLI::App& command) {
  auto* option = command.add_option("url", address,
                                    "A server as a postgresql:// URL or libpq parameters, or a directory; "
                                    "TICKSTONE_URL unless given");
  option->type_name("URL");
  store.add_to(command, false);
  command.get_option("--data")->excludes(option);
}

bool TargetArguments::is_directory() const {
  return !store.data.empty() || market::is_directory_address(address);
}

bool TargetArguments::complete() {
  if (!address.empty() || !store.data.empty()) return true;
  if (const char* url = std::getenv("TICKSTONE_URL"); url != nullptr) address = url;
  if (!address.empty()) return true;
  std::fputs(
      "tickstone: neither a server nor a data directory was given\n"
      "HINT:  Give a URL, --data DIR, or TICKSTONE_URL.\n",
      stderr);
  return false;
}

Target open_target(const TargetArguments& arguments, bool may_create) {
  if (arguments.is_directory()) {
    StoreArguments store = arguments.store;
    if (store.data.empty()) store.data = arguments.address;
    if (store.data.starts_with("file:")) store.data.erase(0, 5);
    return {Home::Embedded, open_embedded(store, may_create)};
  }
  ManagerOptions options;
  options.application_name = "tickstone";
  const auto source = market::open_postgres_source(arguments.address, options);
  return {source->home(), source->connect()};
}

}  // namespace tickstone::cli
