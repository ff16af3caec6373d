// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tickstone/error.hpp>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// Throws `error` through DuckDB, which keeps only a message: `translate` finds the rest in it again.
[[noreturn]] void throw_through_duckdb(const Error& error);
[[noreturn]] void throw_through_duckdb(ErrorCode code, const std::string& message,
                                       const std::string& detail = {}, const std::string& hint = {});

/// Runs `body`; what it throws of ours passes DuckDB whole.
template <typename Body>
auto through_duckdb(Body&& body) {
  // Boundary: callbacks that DuckDB calls.
  try {
    return body();
  } catch (const Error& error) {
    throw_through_duckdb(error);
  }
}

/// DuckDB's error in PostgreSQL's words.
Error translate(const duckdb::ErrorData& error);

}  // namespace tickstone::duck
