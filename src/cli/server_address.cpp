// SPDX-License-Identifier: Apache-2.0
#include "cli/server_address.hpp"

#include <algorithm>
#include <cstdlib>

#include <tickstone/error.hpp>

#include "cli/password.hpp"

namespace tickstone::cli {
namespace {

bool is_here(std::string_view host) { return host == "localhost" || host == "127.0.0.1" || host == "::1"; }

}  // namespace

std::string server_address_of(std::string_view given) {
  if (given.starts_with("postgresql://") || given.starts_with("postgres://")) return std::string(given);
  const auto slash = given.find('/');
  const auto query = given.find('?');
  // libpq's parameters have their first equals sign before any slash.
  const auto equals = given.find('=');
  if (equals != std::string_view::npos && equals < std::min(slash, query)) return std::string(given);
  if (slash == std::string_view::npos || slash == 0 || query < slash) {
    throw Error(
        ErrorCode::InvalidParameterValue, "\"" + std::string(given) + "\" is no address of a server", {},
        "Use host:port/database?user=...&password=..., or postgresql://user:password@host:port/database.");
  }
  std::string host(given.substr(0, slash));
  const std::string rest(given.substr(slash));
  const bool has_port = host.find(':') != std::string::npos && host.back() != ']';
  const std::string name = has_port ? host.substr(0, host.rfind(':')) : host;
  if (!has_port) host += ":5433";
  std::string url = "postgresql://" + host + rest;
  const auto add = [&](const char* key, const std::string& value) {
    if (rest.find(std::string("?") + key + "=") != std::string::npos ||
        rest.find(std::string("&") + key + "=") != std::string::npos)
      return;
    url += (url.find('?') == std::string::npos ? "?" : "&") + std::string(key) + "=" + value;
  };
  add("user", "inavvi_user");
  if (is_here(name) && std::getenv("PGPASSWORD") == nullptr && std::getenv("PGPASSFILE") == nullptr)
    add("password", kLoopbackPassword);
  return url;
}

std::string default_server_address() {
  const char* url = std::getenv("TICKSTONE_URL");
  return url != nullptr && *url != 0 ? std::string(url) : server_address_of("localhost:5433/inavvi");
}

}  // namespace tickstone::cli
