// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace CLI {
class App;
}

/// One function a subcommand: adds its options and help to the program and returns what to run when it was
/// chosen (its exit status).
namespace tickstone::cli {

using Run = std::function<int()>;

Run add_serve(CLI::App& program);
Run add_init(CLI::App& program);
Run add_query(CLI::App& program);
Run add_migrate(CLI::App& program);
Run add_jobs(CLI::App& program);
Run add_explore(CLI::App& program);
Run add_check(CLI::App& program);
Run add_import(CLI::App& program);
Run add_export(CLI::App& program);
Run add_copy(CLI::App& program);
Run add_simulate(CLI::App& program);
Run add_verify(CLI::App& program);
Run add_backup(CLI::App& program);
Run add_restore(CLI::App& program);
Run add_version(CLI::App& program);

/// Parses the command line and runs the subcommand. Errors end here: printed to standard error, exit status 1
/// (2: a wrong command line; of `check`, which monitoring reads, 3).
int run_program(int argc, char** argv);

}  // namespace tickstone::cli
