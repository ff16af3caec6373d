// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace tickstone::cli {

/// A new store's first role has this password until it gets its own, and `serve` listens on loopback only
/// while it has.
inline constexpr const char* kLoopbackPassword = "postgres";

/// From the file, else from POSTGRES_PASSWORD, else nothing. Errors: UndefinedFile, InvalidPassword for an
/// empty one.
std::optional<std::string> given_password(const std::string& password_file);

/// True when the SCRAM verifier is of that password.
bool is_password_of(const std::string& verifier, const std::string& password);

}  // namespace tickstone::cli
