// SPDX-License-Identifier: Apache-2.0
#include "market/batch_table.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <tickstone/error.hpp>

#include "market/batch_cells.hpp"
#include "types/json_text.hpp"
#include "types/utf8.hpp"

namespace tickstone::market {
namespace {

/// Why a value cannot be stored; empty: it can.
using Reason = std::string;

Reason text_reason(std::string_view text) {
  try {
    check_utf8(text);
  } catch (const Error& error) {
    return "is not text: " + error.message();
  }
  return {};
}

Reason json_reason(std::string_view text) {
  try {
    check_utf8(text);
    normalize_jsonb(text);
  } catch (const Error& error) {
    return "is not JSON: " + error.message();
  }
  return {};
}

Reason make_numeric(Parameter& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell.content())) {
    cell = Decimal{*number, 0};
  } else if (const auto* inexact = std::get_if<double>(&cell.content())) {
    if (!std::isfinite(*inexact)) return "is not a finite number";
    cell = Decimal::of(*inexact);
  } else if (!std::holds_alternative<Decimal>(cell.content())) {
    return "is not a number";
  }
  return {};
}

Reason make_double(Parameter& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell.content())) {
    cell = static_cast<double>(*number);
  } else if (const auto* exact = std::get_if<Decimal>(&cell.content())) {
    cell = exact->to_double();
  } else if (!std::holds_alternative<double>(cell.content())) {
    return "is not a number";
  }
  return {};
}

template <typename Integer>
Reason integer_reason(const Parameter& cell) {
  const auto* number = std::get_if<std::int64_t>(&cell.content());
  if (number == nullptr) return "is not a whole number";
  if (*number < std::numeric_limits<Integer>::min() || *number > std::numeric_limits<Integer>::max())
    return "does not fit into an integer";
  return {};
}

Reason texts_reason(const Parameter& cell) {
  const auto* elements = std::get_if<Parameter::Array>(&cell.content());
  if (elements == nullptr) return "is not a list of texts";
  for (const auto& element : *elements) {
    if (element.is_null()) continue;
    const auto* text = std::get_if<std::string>(&element.content());
    if (text == nullptr) return "is not a list of texts";
    if (Reason reason = text_reason(*text); !reason.empty()) return reason;
  }
  return {};
}

/// Makes `cell` what a column of `kind` holds.
Reason fit(ColumnKind kind, Parameter& cell) {
  const auto& content = cell.content();
  switch (kind) {
    case ColumnKind::Text: {
      const auto* text = std::get_if<std::string>(&content);
      return text == nullptr ? "is not text" : text_reason(*text);
    }
    case ColumnKind::Numeric:
      return make_numeric(cell);
    case ColumnKind::Integer:
      return integer_reason<std::int32_t>(cell);
    case ColumnKind::BigInt:
      return integer_reason<std::int64_t>(cell);
    case ColumnKind::Double:
      return make_double(cell);
    case ColumnKind::Boolean:
      return std::holds_alternative<bool>(content) ? "" : "is neither true nor false";
    case ColumnKind::Time:
      return std::holds_alternative<Timestamp>(content) ? "" : "is not a time";
    case ColumnKind::Date:
      return std::holds_alternative<Date>(content) ? "" : "is not a date";
    case ColumnKind::Texts:
      return texts_reason(cell);
    case ColumnKind::Json: {
      const auto* json = std::get_if<Json>(&content);
      return json == nullptr ? "is not JSON" : json_reason(json->text);
    }
  }
  return {};
}

Reason unsuitable(const BatchTable& table, Parameters& cells) {
  if (cells.size() != table.columns.size()) {
    return std::to_string(cells.size()) + " values for the " + std::to_string(table.columns.size()) +
           " columns of " + std::string(table.name);
  }
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const BatchColumn& column = table.columns[c];
    Reason reason;
    if (cells[c].is_null()) {
      if (column.is_required) reason = "is missing";
    } else {
      reason = fit(column.kind, cells[c]);
    }
    if (!reason.empty()) return std::string(column.name) + " " + reason;
  }
  if (table.time) {
    const auto time = std::get<Timestamp>(cells[*table.time].content());
    if (time == kInfinity || time == kNegativeInfinity)
      return std::string(table.columns[*table.time].name) + " is infinite";
  }
  return {};
}

}  // namespace

std::string_view sql_name(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::Text:
      return "text";
    case ColumnKind::Numeric:
      return "numeric";
    case ColumnKind::Integer:
      return "integer";
    case ColumnKind::BigInt:
      return "bigint";
    case ColumnKind::Double:
      return "double precision";
    case ColumnKind::Boolean:
      return "boolean";
    case ColumnKind::Time:
      return "timestamptz";
    case ColumnKind::Date:
      return "date";
    case ColumnKind::Texts:
      return "text[]";
    case ColumnKind::Json:
      return "jsonb";
  }
  return "text";
}

void BatchRows::add(Parameters cells) {
  const std::size_t index = count_++;
  if (std::string reason = unsuitable(table_, cells); !reason.empty()) {
    result_.rejected.push_back({index, std::move(reason)});
    return;
  }
  KeyOrder order = order_of(table_, cells);
  rows_.push_back({index, std::move(cells), std::move(order.bytes), order.series});
}

void BatchRows::reject(std::string reason) { result_.rejected.push_back({count_++, std::move(reason)}); }

const std::vector<BatchRow>& BatchRows::sort() {
  const auto is_before = [](const BatchRow& a, const BatchRow& b) { return a.order < b.order; };
  std::ranges::stable_sort(rows_, is_before);
  std::vector<BatchRow> kept;
  kept.reserve(rows_.size());
  for (auto& row : rows_) {
    if (!kept.empty() && kept.back().order == row.order) {
      kept.back() = std::move(row);
      ++result_.superseded;
    } else {
      kept.push_back(std::move(row));
    }
  }
  rows_ = std::move(kept);
  return rows_;
}

}  // namespace tickstone::market
