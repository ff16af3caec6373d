// SPDX-License-Identifier: Apache-2.0
#include "market/store_rows.hpp"

#include "market/connection.hpp"
#include "market/data_frame_content.hpp"
#include "types/array_value.hpp"
#include "types/json_text.hpp"

namespace tickstone::market {

std::string select_from(const BatchTable& table) {
  std::string sql = "SELECT ";
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    sql += (c == 0 ? "" : ", ") + quote_name(table.columns[c].name);
  return sql + " FROM " + quote_name(table.name) + " ";
}

bool is_json_object(std::string_view text) {
  try {
    return normalize_jsonb(text).starts_with('{');
  } catch (const Error&) {
    return false;
  }
}

std::optional<Json> json_at(const DataFrame& frame, std::size_t row, std::size_t column) {
  auto text = frame.get<std::optional<std::string>>(row, column);
  if (!text) return std::nullopt;
  return Json{std::move(*text)};
}

std::optional<std::vector<std::string>> texts_at(const DataFrame& frame, std::size_t row,
                                                 std::size_t column) {
  if (frame.is_null(row, column)) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& element : decode_array(frame.content().batch.columns[column].view().bytes(row)))
    texts.emplace_back(element.value_or(""));
  return texts;
}

}  // namespace tickstone::market
