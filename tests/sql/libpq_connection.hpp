// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "test_target.hpp"

namespace tickstone::sql_test {

/// By libpq, with the simple or the extended protocol. Errors: std::runtime_error when it cannot connect.
std::unique_ptr<TestConnection> connect_by_libpq(const std::string& conninfo, bool is_extended);

}  // namespace tickstone::sql_test
