// SPDX-License-Identifier: Apache-2.0
#include "market/import_plan.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <tickstone/error.hpp>

#include "types/copy_format.hpp"
#include "types/value.hpp"

namespace tickstone::market {
namespace {

using Source = MappedColumn::Source;
using Transform = MappedColumn::Transform;

const SqlType kText = SqlType::of(TypeId::Text);

std::string names_of(const std::vector<ResultColumn>& columns) {
  std::string names;
  for (const auto& column : columns) names += (names.empty() ? "" : ", ") + column.name;
  return names;
}

/// By the name as it stands, else by the plain one.
std::optional<std::size_t> find_field(const std::vector<ResultColumn>& fields, const std::string& name) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return i;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (plain_name(fields[i].name) == plain_name(name)) return i;
  }
  return {};
}

std::string from_file_name(const std::optional<std::string>& fact, const char* what, const char* option) {
  if (fact) return *fact;
  throw Error(ErrorCode::InvalidParameterValue, std::string("the file's name does not say its ") + what, {},
              std::string("Give it with ") + option + ".");
}

std::string describe(const MappedColumn& how) {
  std::string text = how.column + " <- ";
  switch (how.source) {
    case Source::Field:
    case Source::FieldOrLine:
      text += how.text;
      break;
    case Source::Constant:
    case Source::Symbol:
    case Source::Interval:
      text += "'" + how.text + "'";
      break;
    case Source::Line:
      text += "number of the line";
      break;
  }
  switch (how.transform) {
    case Transform::None:
      break;
    case Transform::Epoch:
      text += " (unix time)";
      break;
    case Transform::LocalTime:
      text += " (time of " + how.zone->name() + ")";
      break;
    case Transform::Multiply:
      text += " (times " + how.factor.to_string() + ")";
      break;
    case Transform::List:
      text += " (list)";
      break;
    case Transform::Upper:
      text += " (upper case)";
      break;
  }
  return text;
}

/// JSON, as which nested fields of Parquet come too, goes into a column that can have it; no row would.
void check_json(const ResultColumn& field, const ResultColumn& column, const MappedColumn& how) {
  if (field.type.id != TypeId::Json || how.transform != Transform::None) return;
  const auto& type = column.type;
  if (!type.is_array && (type.id == TypeId::Json || type.id == TypeId::Jsonb || is_text_like(type.id)))
    return;
  throw Error(ErrorCode::DatatypeMismatch,
              "column \"" + column.name + "\" is of type " + to_sql(type) + " but field \"" + field.name +
                  "\" of the file is JSON or nested",
              {}, "Give it to a column of type JSONB, or leave it out with --map " + field.name + "=.");
}

std::string csv_row(const Batch& rows, std::size_t row) {
  std::vector<CopyColumn> columns;
  std::vector<ColumnView> views;
  for (const auto& column : rows.columns) {
    columns.push_back({"", column.type(), false});
    views.push_back(column.view());
  }
  std::string text;
  CopyWriter(CopyOptions::csv(), columns).append_rows(text, views, row, row + 1);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    plain += std::isalnum(byte) != 0 || byte >= 0x80 ? static_cast<char>(std::tolower(byte)) : '_';
  }
  return plain;
}

ImportPlan::ImportPlan(const ImportMapping& mapping, const std::vector<ResultColumn>& fields,
                       const std::vector<ResultColumn>& table, const std::string& table_name,
                       const FileNameFacts& facts) {
  map(mapping, fields, table, table_name, facts);
  const auto is_used = [&](std::size_t field) {
    return std::count_if(made_.begin(), made_.end(), [&](const Made& made) { return made.field == field; });
  };
  std::vector<std::size_t> place(fields.size(), kNoField);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto uses = is_used(i);
    if (uses > 0) place[i] = kept++;
    SqlType type = fields[i].type;
    if (type.id == TypeId::Unknown) {
      const auto taker =
          std::find_if(made_.begin(), made_.end(), [&](const Made& made) { return made.field == i; });
      const bool is_plain = uses == 1 && taker->how.transform == Transform::None;
      type = is_plain ? columns_[static_cast<std::size_t>(taker - made_.begin())].type : kText;
    }
    fields_.push_back({fields[i].name, type, uses == 0});
    if (uses == 0) unused_fields_.push_back(fields[i].name);
  }
  for (std::size_t i = 0; i < made_.size(); ++i) {
    Made& made = made_[i];
    if (made.field == kNoField) {
      columns_[i].type = kText;
      continue;
    }
    const CopyColumn& field = fields_[made.field];
    // A nanosecond in a column of microseconds lies in the microsecond that has begun.
    const bool loses_nanoseconds = field.type.id == TypeId::TimestampNs && !made.keeps_nanoseconds;
    made.takes_field =
        made.how.transform == Transform::None && is_used(made.field) == 1 && !loses_nanoseconds;
    columns_[i].type = made.takes_field ? field.type : kText;
  }
  for (Made& made : made_) {
    if (made.field != kNoField) made.field = place[made.field];
  }
}

void ImportPlan::map(const ImportMapping& mapping, const std::vector<ResultColumn>& fields,
                     const std::vector<ResultColumn>& table, const std::string& table_name,
                     const FileNameFacts& facts) {
  for (const auto& mapped : mapping.columns) {
    if (std::none_of(table.begin(), table.end(),
                     [&](const auto& one) { return one.name == mapped.column; })) {
      // Of a format a table need not have every column; what was asked for by name is another matter.
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + mapped.column + "\" of relation \"" + table_name + "\" does not exist",
                  "The table has: " + names_of(table) + ".");
    }
  }
  bool takes_any = false;
  for (const auto& column : table) {
    Made made;
    made.keeps_nanoseconds = column.type.id == TypeId::TimestampNs;
    if (const MappedColumn* mapped = mapping.find(column.name)) {
      made.how = *mapped;
      const auto field = find_field(fields, mapped->text);
      if (made.how.source == Source::FieldOrLine) made.how.source = field ? Source::Field : Source::Line;
      if (made.how.source == Source::Field) {
        if (mapped->text.empty()) continue;  // left out
        if (!field) {
          throw Error(ErrorCode::UndefinedColumn,
                      "the file has no field \"" + mapped->text + "\" for column \"" + column.name + "\"",
                      "The file has: " + names_of(fields) + ".", "Use --map, --mapping or another --format.");
        }
        made.field = *field;
      }
      if (made.how.source == Source::Symbol)
        made.how.text = from_file_name(facts.symbol, "symbol", "--symbol");
      if (made.how.source == Source::Interval)
        made.how.text = from_file_name(facts.interval, "bars' length", "--timeframe");
    } else {
      const auto field = find_field(fields, column.name);
      if (!field) continue;
      const bool is_mapped =
          std::any_of(mapping.columns.begin(), mapping.columns.end(), [&](const auto& one) {
            return (one.source == Source::Field || one.source == Source::FieldOrLine) &&
                   find_field(fields, one.text) == field;
          });
      const bool is_left_out =
          std::count(mapping.left_out.begin(), mapping.left_out.end(), fields[*field].name) > 0;
      if (is_mapped || is_left_out) continue;
      const bool is_taken =
          std::any_of(made_.begin(), made_.end(), [&](const Made& other) { return other.field == *field; });
      if (is_taken) {
        throw Error(ErrorCode::AmbiguousColumn,
                    "field \"" + fields[*field].name + "\" of the file could go to several columns", {},
                    "Use --map to say which.");
      }
      made.how.column = column.name;
      made.how.text = fields[*field].name;
      made.field = *field;
    }
    if (made.field != kNoField) check_json(fields[made.field], column, made.how);
    takes_any = takes_any || made.field != kNoField;
    made_.push_back(std::move(made));
    columns_.push_back({column.name, column.type, false});
  }
  if (takes_any) return;
  throw Error(ErrorCode::UndefinedColumn,
              "no field of the file's header is a column of \"" + table_name + "\"",
              "The table has: " + names_of(table) + ".",
              "Use --map HEADER=COLUMN, or --no-header when the first line is a row.");
}

std::vector<std::string> ImportPlan::description() const {
  std::vector<std::string> lines;
  for (const auto& made : made_) lines.push_back(describe(made.how));
  return lines;
}

Column ImportPlan::make_column(const Made& made, const SqlType& type, const Batch& rows,
                               const std::vector<std::uint64_t>& lines, std::vector<BadRow>& bad) const {
  Column column(type);
  column.reserve(lines.size());
  if (made.field == kNoField) {
    for (const auto line : lines)
      column.append_bytes(made.how.source == Source::Line ? std::to_string(line) : made.how.text);
    return column;
  }
  const ColumnView source = rows.columns[made.field].view();
  const bool is_nanoseconds = source.type.id == TypeId::TimestampNs && !made.keeps_nanoseconds;
  MappedColumn how = made.how;
  std::string text;
  for (std::size_t row = 0; row < lines.size(); ++row) {
    if (source.is_null(row)) {
      column.append_null();
      continue;
    }
    text.clear();
    if (is_nanoseconds && how.transform == Transform::None) {
      how.transform = Transform::Epoch;
      how.unit = EpochUnit::Nanoseconds;
    }
    if (is_nanoseconds && how.transform == Transform::Epoch)
      text = std::to_string(source.fixed<std::int64_t>(row));
    else
      append_text(text, source, row, {});
    try {
      column.append_bytes(transform_text(how, text, made.keeps_nanoseconds));
    } catch (const Error& error) {
      bad.push_back(
          {row, error.message() + " (column " + how.column + ": \"" + text + "\")", csv_row(rows, row)});
      column.append_null();
    }
  }
  return column;
}

Batch ImportPlan::convert(Batch&& rows, std::vector<std::uint64_t>& lines,
                          const std::function<void(const BadRow&)>& on_bad_row) const {
  Batch made;
  std::vector<BadRow> bad;
  // First those that read fields, then those that take them away.
  made.columns.resize(made_.size());
  for (std::size_t i = 0; i < made_.size(); ++i) {
    if (!made_[i].takes_field) made.columns[i] = make_column(made_[i], columns_[i].type, rows, lines, bad);
  }
  for (std::size_t i = 0; i < made_.size(); ++i) {
    if (made_[i].takes_field) made.columns[i] = std::move(rows.columns[made_[i].field]);
  }
  if (bad.empty()) return made;
  std::stable_sort(bad.begin(), bad.end(), [](const BadRow& a, const BadRow& b) { return a.row < b.row; });
  std::vector<std::uint32_t> good;
  std::vector<std::uint64_t> good_lines;
  std::size_t next_bad = 0;
  for (std::size_t row = 0; row < lines.size(); ++row) {
    if (next_bad == bad.size() || bad[next_bad].row != row) {
      good.push_back(static_cast<std::uint32_t>(row));
      good_lines.push_back(lines[row]);
      continue;
    }
    on_bad_row(bad[next_bad]);
    while (next_bad < bad.size() && bad[next_bad].row == row) ++next_bad;  // one reason is enough
  }
  Batch kept;
  for (const auto& column : made.columns) {
    kept.columns.emplace_back(column.type(), column.layout());
    kept.columns.back().append_rows(column.view(), good.data(), good.size());
  }
  lines = std::move(good_lines);
  return kept;
}

}  // namespace tickstone::market
