// SPDX-License-Identifier: Apache-2.0
#include "engine/internal_sql.hpp"

#include "base/check.hpp"
#include "catalog/object_names.hpp"
#include "engine/executors.hpp"
#include "engine/tracking_sink.hpp"
#include "engine/user_functions.hpp"

namespace tickstone::engine {
namespace {

class TextSink final : public NullSink {
 public:
  explicit TextSink(const FormatContext& format) : format_(format) {}
  void rows(const Batch& batch) override {
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      auto& texts = found.emplace_back();
      for (const auto& column : batch.columns) {
        const auto view = column.view();
        std::string text;
        if (!view.is_null(row)) append_text(text, view, row, format_);
        texts.push_back(view.is_null(row) ? std::nullopt : std::optional(std::move(text)));
      }
    }
  }
  TextRows found;

 private:
  const FormatContext& format_;
};

}  // namespace

TextRows run_sql(SessionContext& context, const std::string& text) {
  TextSink sink(context.settings().format_context());
  Execution execution{context, sink, {}, false};
  for (auto& statement : sql::parse(text)) {
    context.begin_statement();
    resolve_call(context, statement);
    TICKSTONE_CHECK(execute_statement(execution, statement).has_value());
    context.clear_rows();
  }
  return std::move(sink.found);
}

std::string quote_literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
  return out + "'";
}

std::string qualified_name(const catalog::Catalog& catalog, const catalog::RelationObject& relation) {
  return catalog::quote_identifier(catalog.find_schema(relation.schema)->name) + "." +
         catalog::quote_identifier(relation.name);
}

}  // namespace tickstone::engine
