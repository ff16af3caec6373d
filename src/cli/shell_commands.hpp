// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>

#include "cli/result_printer.hpp"
#include "market/connection.hpp"

namespace tickstone::cli {

/// What the commands of the shell change.
struct ShellState {
  OutputFormat format = OutputFormat::Table;
  bool is_expanded = false;
  bool has_timing = false;
  bool is_plotting = false;
  bool is_done = false;
  std::ofstream file;        // open: results go there
  std::string file_path;     // what it was opened as
  bool has_parquet = false;  // the file is one, and holds no more

  std::ostream& out() { return file.is_open() ? static_cast<std::ostream&>(file) : std::cout; }
};

/// What a shell lends to its commands.
struct ShellHost {
  market::Connection& connection;
  ShellState& state;
  std::function<void(const std::string& sql)> run;  // shows the results and errors
  std::function<void(const std::string& file)> run_file;
};

/// A line that begins with a backslash: `\d trades`. Errors: InvalidParameterValue for a command that there
/// is not.
void run_shell_command(std::string_view line, const ShellHost& host);

}  // namespace tickstone::cli
