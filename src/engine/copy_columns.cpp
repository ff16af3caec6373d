// SPDX-License-Identifier: Apache-2.0
#include "engine/copy_columns.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "types/text_encoding.hpp"

namespace tickstone::engine {

CopyOptions copy_options(const sql::CopyStatement& copy) {
  std::vector<CopyOption> list;
  for (const auto& option : copy.options) {
    CopyOption out;
    out.name = option.name;
    const bool takes_text = option.name == "null" || option.name == "delimiter" || option.name == "quote" ||
                            option.name == "escape" || option.name == "encoding" || option.name == "format";
    const bool is_list = option.name.starts_with("force_");
    out.is_star = is_list && option.value == "*";
    out.columns = option.list;
    if (!is_list && (takes_text || !option.value.empty())) out.value = option.value;
    list.push_back(std::move(out));
  }
  return resolve_copy_options(list, copy.is_from ? CopyDirection::From : CopyDirection::To);
}

const TextEncoding* encoding_of(const CopyOptions& options, const FormatContext& format) {
  const auto* encoding = options.encoding.empty() ? format.client : find_text_encoding(options.encoding);
  if (encoding != nullptr && options.format == CopyFormat::Binary) {
    throw Error(ErrorCode::FeatureNotSupported,
                "COPY BINARY in encoding \"" + std::string(encoding->name()) + "\" is not supported");
  }
  return encoding;
}

std::vector<std::size_t> copied_columns(const catalog::RelationObject& relation,
                                        const std::vector<std::string>& names) {
  std::vector<std::size_t> columns;
  if (names.empty()) {
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      if (relation.columns[i].generated_text.empty()) columns.push_back(i);
    }
    return columns;
  }
  for (const auto& name : names) {
    const auto* column = relation.find_column(name);
    if (column == nullptr) {
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + name + "\" of relation \"" + relation.name + "\" does not exist");
    }
    const auto index = static_cast<std::size_t>(column - relation.columns.data());
    if (std::find(columns.begin(), columns.end(), index) != columns.end()) {
      throw Error(ErrorCode::DuplicateColumn, "column \"" + name + "\" specified more than once");
    }
    if (!column->generated_text.empty()) {
      throw Error(ErrorCode::InvalidColumnReference, "column \"" + name + "\" is a generated column",
                  "Generated columns cannot be used in COPY.");
    }
    columns.push_back(index);
  }
  return columns;
}

void check_forced(const std::vector<std::string>& forced, const char* option,
                  const std::vector<CopyColumn>& columns, const catalog::RelationObject* relation) {
  for (const auto& name : forced) {
    if (std::any_of(columns.begin(), columns.end(), [&](const auto& c) { return c.name == name; })) continue;
    if (relation != nullptr && relation->find_column(name) == nullptr) {
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + name + "\" of relation \"" + relation->name + "\" does not exist");
    }
    throw Error(ErrorCode::InvalidColumnReference,
                std::string(option) + " column \"" + name + "\" not referenced by COPY");
  }
}

}  // namespace tickstone::engine
