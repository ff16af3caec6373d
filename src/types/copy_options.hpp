// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/sql_type.hpp"

namespace tickstone {

enum class CopyFormat : std::uint8_t { Text, Csv, Binary };
enum class CopyHeader : std::uint8_t { None, Present, Match };
enum class CopyDirection : std::uint8_t { From, To };

/// How COPY writes rows as bytes, every option resolved.
struct CopyOptions {
  CopyFormat format = CopyFormat::Text;
  CopyHeader header = CopyHeader::None;
  char delimiter = '\t';
  char quote = '"';   // CSV
  char escape = '"';  // CSV
  std::string null_text = "\\N";
  // CSV; names of columns, as the statement gives them.
  bool force_quote_all = false;
  std::vector<std::string> force_quote;
  std::vector<std::string> force_not_null;
  std::vector<std::string> force_null;
  /// ENCODING: of the data; empty: the client's. UTF8, LATIN1, ...
  std::string encoding = {};

  static CopyOptions text() { return {}; }
  static CopyOptions csv() {
    CopyOptions options;
    options.format = CopyFormat::Csv;
    options.delimiter = ',';
    options.null_text = "";
    return options;
  }
  static CopyOptions binary() {
    CopyOptions options;
    options.format = CopyFormat::Binary;
    return options;
  }
};

/// One option of COPY's WITH list. `columns` for FORCE_QUOTE and its like; `is_star` for FORCE_QUOTE *.
struct CopyOption {
  std::string name;  // lower case
  std::optional<std::string> value;
  std::vector<std::string> columns;
  bool is_star = false;
};

/// Resolves a WITH list in any order, the defaults of its format filled in.
///
/// Errors: SyntaxError, InvalidParameterValue, FeatureNotSupported, in PostgreSQL's words.
CopyOptions resolve_copy_options(std::span<const CopyOption> list, CopyDirection direction);

/// A field of each row. `is_ignored`: read past, no column of the batch (a header names more than the table
/// has).
struct CopyColumn {
  std::string name;
  SqlType type;
  bool is_ignored = false;
};

}  // namespace tickstone
