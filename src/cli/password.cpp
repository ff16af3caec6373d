// SPDX-License-Identifier: Apache-2.0
#include "cli/password.hpp"

#include <cstdlib>
#include <fstream>

#include <tickstone/error.hpp>

#include "server/scram.hpp"

namespace tickstone::cli {

std::optional<std::string> given_password(const std::string& password_file) {
  if (!password_file.empty()) {
    std::ifstream file(password_file);
    std::string password;
    if (!file)
      throw Error(ErrorCode::UndefinedFile, "could not open password file \"" + password_file + "\"");
    std::getline(file, password);
    if (!password.empty() && password.back() == '\r') password.pop_back();
    if (password.empty())
      throw Error(ErrorCode::InvalidPassword, "password file \"" + password_file + "\" is empty");
    return password;
  }
  const char* environment = std::getenv("POSTGRES_PASSWORD");
  if (environment != nullptr && *environment != '\0') return environment;
  return std::nullopt;
}

bool is_password_of(const std::string& verifier, const std::string& password) {
  const auto parsed = server::parse_scram_verifier(verifier);
  return parsed && server::is_password_of(*parsed, password);
}

}  // namespace tickstone::cli
