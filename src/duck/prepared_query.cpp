// SPDX-License-Identifier: Apache-2.0
#include "duck/prepared_query.hpp"

#include <algorithm>

#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/planner/expression/bound_parameter_data.hpp>

#include "duck/error_translation.hpp"
#include "duck/interval_constants.hpp"
#include "duck/logical_types.hpp"

namespace tickstone::duck {

namespace {

/// An answer that is there as a whole.
class GivenResult final : public ResultStream {
 public:
  GivenResult(std::vector<ResultColumn> columns, std::vector<Batch> batches)
      : columns_(std::move(columns)), batches_(std::move(batches)) {}

  const std::vector<ResultColumn>& columns() const override { return columns_; }

  bool next(Batch& out, LongNumbers long_numbers) override {
    if (next_ == batches_.size()) return false;
    out = std::move(batches_[next_++]);
    for (std::size_t i = 0; long_numbers == LongNumbers::Refused && i < columns_.size(); ++i) {
      if (columns_[i].type.id == TypeId::Numeric && out.columns[i].type().id == TypeId::Text)
        throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
    }
    return true;
  }

 private:
  std::vector<ResultColumn> columns_;
  std::vector<Batch> batches_;
  std::size_t next_ = 0;
};

}  // namespace

std::vector<ResultColumn> columns_of(const duckdb::vector<duckdb::string>& names,
                                     const duckdb::vector<duckdb::LogicalType>& types) {
  std::vector<ResultColumn> columns;
  for (std::size_t i = 0; i < types.size(); ++i) columns.push_back({names[i], sql_type_of(types[i])});
  return columns;
}

DuckPrepared::DuckPrepared(DuckConnection& connection, std::string text)
    : connection_(connection), text_(std::move(text)) {
  prepare();
}

std::unique_ptr<ResultStream> DuckPrepared::execute(std::span<const Value> parameters) {
  auto& session = connection_.session();
  session.begin_statement();
  if (!is_current()) prepare();
  // Boundary: DuckDB's errors end here.
  try {
    set_session_parameters();
    // Whose rows are still to come must not be left without its snapshot.
    if (short_plan_ && !session.is_running() && set_parameters(parameters)) {
      if (auto batches = short_plan_->run())
        return std::make_unique<GivenResult>(columns_, std::move(*batches));
    }
    // A part of a statement need not use all of its parameters, and DuckDB takes no others.
    duckdb::case_insensitive_map_t<duckdb::BoundParameterData> values;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto name = std::to_string(i + 1);
      if (!statement_->named_param_map.contains(name)) continue;
      values.emplace(name, duckdb::BoundParameterData(parameter_value(i, parameters[i])));
    }
    keep_intervals_apart(values);
    // A rebind inside DuckDB notes what it depends on anew.
    session.note_into(&notes_);
    auto stream = connection_.run([&] { return statement_->PendingQuery(values, true); });
    session.note_into(nullptr);
    if (statement_->data != planned_) find_short_plan();
    return stream;
  } catch (const Error&) {
    session.note_into(nullptr);
    throw;
  } catch (const std::exception& exception) {
    session.note_into(nullptr);
    throw translate(duckdb::ErrorData(exception));
  }
}

std::optional<std::string> DuckPrepared::reading_of_short_plan(std::span<const Value> parameters) {
  if (!short_plan_) return std::nullopt;
  set_session_parameters();
  return set_parameters(parameters) ? short_plan_->reading() : std::nullopt;
}

void DuckPrepared::set_session_parameters() {
  for (const auto& parameter : notes_.parameters) {
    Value value = connection_.session().call(parameter.function, {});
    duckdb::Value duck = value.is_null ? duckdb::Value(parameter.type) : to_duck(value);
    parameter.data->SetValue(duck.type() == parameter.type ? duck : duck.DefaultCastAs(parameter.type));
  }
}

/// Tells the plan as it is its parameters. False where it would have to be bound anew.
bool DuckPrepared::set_parameters(std::span<const Value> parameters) {
  std::size_t intervals = 0;
  for (const auto& [index, data] : plan_parameters_) {
    if (index >= parameters.size()) return false;
    auto value = parameter_value(index, parameters[index]);
    // Of several, some may have to be kept apart.
    if (value.type() != data->return_type ||
        (value.type().id() == duckdb::LogicalTypeId::INTERVAL && ++intervals > 1)) {
      return false;
    }
    data->SetValue(std::move(value));
  }
  return true;
}

bool DuckPrepared::is_current() const {
  // Literals of times were read in the zone of then.
  if (&connection_.session().zone() != zone_) return false;
  const auto& view = connection_.session().view();
  for (const auto& table : notes_.tables) {
    if (view == nullptr || view->schema(table.table) == nullptr ||
        view->schema_version(table.table) != table.schema_version) {
      return false;
    }
  }
  return true;
}

void DuckPrepared::prepare() {
  auto& session = connection_.session();
  short_plan_.reset();
  if (session.view() == nullptr || statement_ == nullptr) session.begin_statement();
  notes_ = {};
  zone_ = &session.zone();
  session.note_into(&notes_);
  statement_ = connection_.duck().Prepare(text_);
  session.note_into(nullptr);
  if (statement_->HasError()) throw translate(statement_->GetErrorObject());
  columns_ = columns_of(statement_->GetNames(), statement_->GetTypes());
  duck_types_.clear();
  parameter_types_.clear();
  const auto expected = statement_->GetExpectedParameterTypes();
  std::size_t highest = 0;
  for (const auto& [name, index] : statement_->named_param_map)
    highest = std::max<std::size_t>(highest, std::stoul(name));
  for (std::size_t i = 1; i <= highest; ++i) {
    const auto found = expected.find(std::to_string(i));
    duck_types_.push_back(found == expected.end() ? duckdb::LogicalType(duckdb::LogicalTypeId::UNKNOWN)
                                                  : found->second);
    parameter_types_.push_back(sql_type_of(duck_types_.back()));
  }
  find_short_plan();
}

/// Of the plan that DuckDB has now: a rebind makes another.
void DuckPrepared::find_short_plan() {
  short_plan_.reset();
  plan_parameters_.clear();
  planned_ = statement_->data;
  const auto& properties = planned_->properties;
  const bool is_kept = planned_->physical_plan && properties.bound_all_parameters &&
                       !properties.always_require_rebind && properties.read_databases.empty() &&
                       properties.modified_databases.empty() &&
                       properties.return_type == duckdb::StatementReturnType::QUERY_RESULT;
  if (!is_kept) return;
  for (const auto& [name, data] : planned_->value_map)
    plan_parameters_.emplace_back(std::stoul(name) - 1, data.get());
  short_plan_ = ShortPlan::make(*connection_.duck().context, planned_->physical_plan->Root());
}

/// The value in the type that the plan expects, so that nothing is bound again; in its own type where that
/// would change it.
duckdb::Value DuckPrepared::parameter_value(std::size_t index, const Value& value) const {
  const auto& expected =
      index < duck_types_.size() ? duck_types_[index] : duckdb::LogicalType(duckdb::LogicalTypeId::UNKNOWN);
  const bool is_open = expected.id() == duckdb::LogicalTypeId::UNKNOWN ||
                       expected.id() == duckdb::LogicalTypeId::SQLNULL ||
                       expected.id() == duckdb::LogicalTypeId::INVALID;
  if (value.is_null) return is_open ? duckdb::Value(logical_type_of(value.type)) : duckdb::Value(expected);
  if (!is_open && is_text_like(value.type.id) && !value.type.is_array) {
    // Text for anything else: PostgreSQL's input function of the type.
    const SqlType target = parameter_types_[index];
    if (!is_text_like(target.id) || target.is_array) {
      return parameter_value(index, parse_value(target, value.text, connection_.session().format()));
    }
  }
  duckdb::Value natural = to_duck(value);
  if (is_open || natural.type() == expected) return natural;
  duckdb::Value cast;
  duckdb::string error;
  if (!natural.DefaultTryCastAs(expected, cast, &error)) return natural;
  // Rounded on the way: 0.123 for DECIMAL(18,2) must not become 0.12.
  duckdb::Value back;
  if (!cast.DefaultTryCastAs(natural.type(), back, &error) || back != natural) return natural;
  return cast;
}

std::optional<std::string> reading_of_short_plan(DuckConnection& connection, std::string_view duck_text,
                                                 std::span<const Value> parameters) {
  // Boundary: DuckDB's errors end here.
  try {
    return DuckPrepared(connection, std::string(duck_text)).reading_of_short_plan(parameters);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw translate(duckdb::ErrorData(exception));
  }
}

}  // namespace tickstone::duck
