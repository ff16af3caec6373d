// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cli/store_options.hpp"
#include "market/connection.hpp"

namespace tickstone::cli {

/// A data directory, opened in this process, for any number of connections; notices go to standard error.
std::shared_ptr<market::ConnectionSource> open_embedded_source(const StoreArguments& store, bool may_create);
std::shared_ptr<market::ConnectionSource> open_server_source(const std::string& conninfo);
/// A data directory, opened in this process; notices go to standard error.
std::unique_ptr<market::Connection> open_embedded(const StoreArguments& store, bool may_create);
/// A server, by URL or libpq parameters; notices go to standard error.
std::unique_ptr<market::Connection> open_server(const std::string& conninfo);

}  // namespace tickstone::cli
