// SPDX-License-Identifier: Apache-2.0
#include "market/connection.hpp"

#include <charconv>

namespace tickstone::market {

bool is_directory_address(std::string_view address) {
  if (address.starts_with("file:")) return true;
  if (address.starts_with("postgresql://") || address.starts_with("postgres://")) return false;
  // libpq's `host=... port=...`; a directory whose name has an equals sign is written ./so.
  return address.starts_with('/') || address.starts_with('.') || address.find('=') == std::string_view::npos;
}

std::shared_ptr<ConnectionSource> open_source(const std::string& address, const ManagerOptions& options) {
  if (!is_directory_address(address)) return open_postgres_source(address, options);
  std::string directory = address;
  if (directory.starts_with("file:")) directory.erase(0, 5);
  if (directory.starts_with("//")) directory.erase(0, 2);
  return open_embedded_source(directory, options);
}

std::uint64_t rows_of_tag(std::string_view tag) {
  const auto space = tag.rfind(' ');
  std::uint64_t rows = 0;
  if (space != std::string_view::npos) std::from_chars(tag.data() + space + 1, tag.data() + tag.size(), rows);
  return rows;
}

std::string quote_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string quote_literal(std::string_view text) {
  std::string quoted;
  if (text.find('\\') != std::string_view::npos) quoted += 'E';
  quoted += '\'';
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + '\'';
}

}  // namespace tickstone::market
