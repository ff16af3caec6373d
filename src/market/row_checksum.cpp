// SPDX-License-Identifier: Apache-2.0
#include "market/row_checksum.hpp"

namespace tickstone::market {
namespace {

/// chr(30) stands for NULL, chr(31) between columns: no text of a market has them.
std::string row_text(const TableFacts& table) {
  std::string text;
  for (const auto& column : table.columns) {
    if (column.is_generated) continue;
    std::string value = quote_name(column.name);
    const bool is_numeric = column.type.starts_with("numeric") && !column.type.ends_with("[]");
    if (is_numeric) value = "trim_scale(" + value + ")";
    text += (text.empty() ? "" : " || chr(31) || ") + ("coalesce(" + value) + "::text, chr(30))";
  }
  return text.empty() ? "''" : text;
}

}  // namespace

RowSum row_sum(Connection& connection, const TableFacts& table, const TimeRange& range) {
  // Hexadecimal digits as decimal ones: every home can make a number of those.
  const std::string sql = "SELECT count(*), coalesce(sum(substr(translate(md5(" + row_text(table) +
                          "), 'abcdef', '012345'), 1, 18)::bigint), 0)::text FROM " + table.full_name() +
                          range_condition(table, range);
  const auto rows = rows_of(connection, sql);
  return {std::stoull(rows.at(0).at(0).value_or("0")), rows.at(0).at(1).value_or("0")};
}

}  // namespace tickstone::market
