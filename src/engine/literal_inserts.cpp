// SPDX-License-Identifier: Apache-2.0
// INSERT ... VALUES of literals: the parser sees each head and tail once, the rows go from the text into
// columns.
#include <unordered_map>

#include <tickstone/error.hpp>

#include "engine/insert_rows.hpp"
#include "sql/lexer.hpp"
#include "types/decimal.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kPlansKept = 1000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `-12`, `0`: digits as PostgreSQL prints an integer.
bool is_plain_integer(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || (text[0] == '0' && text.size() > 1)) return false;
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

/// A number with a fraction or an exponent into an integer column: rounded, as its cast does.
bool append_rounded(Column& into, std::string_view text) {
  const auto value = parse_decimal(text);
  if (!value) return false;
  const auto whole = rescale(value->unscaled, value->scale, 0);
  if (!whole) return false;
  Value rounded{into.type(), false};
  rounded.integer = *whole;
  append_value(into, rounded);  // checks the range
  return true;
}

bool append_number(Column& into, std::string_view text, FieldParser parser, const FormatContext& format) {
  const SqlType& type = into.type();
  if (type.is_array) return false;
  switch (type.id) {
    case TypeId::Numeric:
    case TypeId::Double:
    case TypeId::Real:
      if (parser == nullptr || !parser(into, text, format)) append_parsed(into, text, format);
      return true;
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
      return (parser != nullptr && parser(into, text, format)) || append_rounded(into, text);
    case TypeId::Text:
    case TypeId::Varchar:
      if (!is_plain_integer(text) || text == "-0") return false;
      append_parsed(into, text, format);
      return true;
    default:
      return false;  // the general way has the message
  }
}

/// `'2026-01-05'::timestamptz` into a column of just that type reads as if there were no cast.
bool is_cast_to(std::string_view cast, const SqlType& type) {
  if (type.is_array != cast.ends_with("[]")) return false;
  if (type.is_array) cast.remove_suffix(2);
  std::string name(cast);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return type_id_from_name(name) == type.id;
}

/// False where the value needs the general way.
bool append_field(Column& into, const sql::LiteralField& field, FieldParser parser,
                  const FormatContext& format) {
  using Kind = sql::LiteralField::Kind;
  if (!field.cast.empty() && !is_cast_to(field.cast, into.type())) return false;
  switch (field.kind) {
    case Kind::Null:
      into.append_null();
      return true;
    case Kind::Text:
      if (parser == nullptr || !parser(into, field.text, format)) append_parsed(into, field.text, format);
      return true;
    case Kind::Number:
      return append_number(into, field.text, parser, format);
    case Kind::True:
    case Kind::False:
      if (into.type().is_array || into.type().id != TypeId::Boolean) return false;
      into.append_fixed(static_cast<std::uint8_t>(field.kind == Kind::True ? 1 : 0));
      return true;
    case Kind::Default:
    case Kind::Parameter:
      return false;
  }
  return false;
}

/// Where in the statement a literal stands, for the error about it. Its text is a part of the statement,
/// unless it had escapes.
void place_error(Error& error, std::string_view statement, std::string_view literal) {
  const char* const begin = literal.data();
  if (error.position() || begin <= statement.data() || begin > statement.data() + statement.size()) return;
  std::uint32_t characters = 0;  // before the quote, which stands one before the text
  for (const char* at = statement.data(); at + 1 < begin; ++at) {
    characters += (static_cast<unsigned char>(*at) & 0xC0) != 0x80;
  }
  error.at(characters + 1);
}

}  // namespace

class LiteralInserts {
 public:
  std::optional<std::string> try_run(Execution& execution, std::string_view statement);

 private:
  /// Of one head and tail.
  struct Known {
    std::shared_ptr<const InsertPlan> plan;  // nullptr: take the general way
    StatementSlot one_row, several_rows;
  };
  Known& find_known(SessionContext& context, const sql::InsertShape& shape);
  std::optional<Batch> read_rows(SessionContext& context, const InsertPlan& plan,
                                 const sql::InsertShape& shape, std::string_view statement);

  std::shared_ptr<const catalog::Catalog> catalog_;
  std::uint64_t settings_version_ = 0;
  std::unordered_map<std::string, Known> known_;
  std::string key_;
  sql::InsertHead head_;  // of the last statement
  std::vector<sql::LiteralField> fields_;
};

LiteralInserts::Known& LiteralInserts::find_known(SessionContext& context, const sql::InsertShape& shape) {
  auto catalog = context.catalog();
  if (catalog != catalog_ || context.has_catalog_edit() ||
      settings_version_ != context.settings().version() || known_.size() > kPlansKept) {
    known_.clear();
    catalog_ = context.has_catalog_edit() ? nullptr : std::move(catalog);
    settings_version_ = context.settings().version();
  }
  key_.assign(shape.head);
  key_ += '\0';
  key_ += shape.tail;
  if (const auto found = known_.find(key_); found != known_.end()) return found->second;
  std::string text = shape.head + " (NULL) ";
  text += shape.tail;
  const auto statements = sql::parse(text);
  std::shared_ptr<const InsertPlan> plan;
  if (statements.size() == 1 && statements[0].parameter_count == 0) {
    if (const auto* insert = std::get_if<sql::InsertStatement>(&statements[0].body);
        insert != nullptr && insert->values.size() == 1 && !insert->overriding_user) {
      plan = make_insert_plan(context, *insert);
      if (plan->target->is_view()) plan = nullptr;  // whose conditions are written anew each time
    }
  }
  return known_.emplace(key_, Known{std::move(plan), {}, {}}).first->second;
}

std::optional<Batch> LiteralInserts::read_rows(SessionContext& context, const InsertPlan& plan,
                                               const sql::InsertShape& shape, std::string_view statement) {
  const auto& target = *plan.target;
  const auto& format = context.settings().format_context();
  const std::size_t field_count = shape.column_count;
  if (field_count > plan.columns.size() || (plan.has_column_list && field_count < plan.columns.size()))
    return std::nullopt;
  RowDefaults defaults(context, target);
  Batch rows = target.make_batch();
  std::size_t row_count = 0;
  sql::ValuesReader reader(shape.rows);
  for (;; ++row_count) {
    const auto outcome = reader.next(fields_);
    if (outcome == sql::ValuesReader::Outcome::NotLiteral) return std::nullopt;
    if (outcome == sql::ValuesReader::Outcome::End) break;
    if (fields_.size() != field_count) return std::nullopt;
    for (std::size_t i = 0; i < field_count; ++i) {
      const std::size_t index = plan.columns[i];
      Column& into = rows.columns[index];
      const auto& field = fields_[i];
      if (field.kind == sql::LiteralField::Kind::Default) {
        defaults.append(index, into);
        continue;
      }
      require_writable(plan, index);
      try {
        if (!append_field(into, field, target.parser(index), format)) return std::nullopt;
      } catch (Error& error) {
        if (field.kind == sql::LiteralField::Kind::Text) place_error(error, statement, field.text);
        throw;
      }
    }
  }
  complete_rows(plan, defaults, rows, field_count, row_count);
  return rows;
}

std::optional<std::string> LiteralInserts::try_run(Execution& execution, std::string_view statement) {
  auto shape = sql::find_insert_shape(statement, &head_);
  if (!shape) return std::nullopt;
  std::shared_ptr<const InsertPlan> plan;
  Known* known = nullptr;
  do {
    try {
      known = &find_known(execution.context, *shape);
      plan = known->plan;
    } catch (const Error&) {
      return std::nullopt;  // the general way says it with the right position
    }
    if (plan == nullptr) return std::nullopt;
  } while (execution.context.lock_for_write(plan->target->relation(), "INSERT"));
  auto rows = read_rows(execution.context, *plan, *shape, statement);
  if (!rows) return std::nullopt;
  execution.slot = rows->row_count() == 1 ? &known->one_row : &known->several_rows;
  RowInserter inserter(execution, plan, "INSERT");
  if (!plan->statement.returning.empty()) inserter.keep_affected();
  inserter.add_all(std::move(*rows));
  inserter.finish();
  return finish_insert(execution, *plan, inserter);
}

std::shared_ptr<LiteralInserts> make_literal_inserts() { return std::make_shared<LiteralInserts>(); }

std::optional<std::string> try_literal_insert(Execution& execution, LiteralInserts& cache,
                                              std::string_view statement) {
  return cache.try_run(execution, statement);
}

}  // namespace tickstone::engine
