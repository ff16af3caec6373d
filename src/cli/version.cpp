// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "engine/database.hpp"

namespace tickstone::cli {

Run add_version(CLI::App& program) {
  program.add_subcommand("version", "Print the version")
      ->footer("Examples:\n  tickstone version\n\nExit status: 0 done, 2 a wrong command line.");
  return [] {
    std::printf("tickstone %s (speaks PostgreSQL %.*s)\n", TICKSTONE_VERSION,
                static_cast<int>(engine::kServerVersion.size()), engine::kServerVersion.data());
    return 0;
  };
}

}  // namespace tickstone::cli
