// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "market/import_mapping.hpp"

namespace tickstone::market {

/// A layout of files that data vendors publish, and how its fields become the application's columns.
struct ImportFormat {
  enum class Header : std::uint8_t { Always, Perhaps };  // Perhaps: told by whether it starts with a number

  std::string name;
  std::string table;   // where its rows go when no table is given
  std::string source;  // value of the column `source`
  Header header = Header::Always;
  std::vector<std::string> fields;  // Perhaps: names of the fields, which the header is not asked for
  std::size_t least_fields = 0;     // Perhaps: how many a file has at least
  ImportMapping mapping;
};

/// Errors: InvalidParameterValue, with the names there are.
const ImportFormat& import_format(std::string_view name);
/// For help: `polygon-trades, polygon-quotes, ...`.
std::string import_format_names();

/// What a file's name says: `BTCUSDT-1m-2025-01-05.zip` is of BTCUSDT, bars of 1m.
struct FileNameFacts {
  std::optional<std::string> symbol;
  std::optional<std::string> interval;
};
FileNameFacts facts_of_file_name(std::string_view path);

}  // namespace tickstone::market
