// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cli/result_printer.hpp"
#include "market/connection.hpp"

namespace tickstone::cli {

/// Statements and commands typed at a prompt, until `\q` or the end of the input. Returns the exit status.
///
/// Ctrl-C gives up the line that is typed, or cancels what runs. History is kept in
/// $XDG_STATE_HOME/tickstone/history
/// (~/.local/state), readable by its owner alone; statements that name a password are not kept.
int run_shell(market::Connection& connection, const std::string& database, OutputFormat format);

}  // namespace tickstone::cli
