// SPDX-License-Identifier: Apache-2.0
#include "duck/connection.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "duck/error_translation.hpp"
#include "duck/interval_constants.hpp"
#include "duck/logical_types.hpp"
#include "duck/result_reader.hpp"

namespace tickstone::duck {

namespace {

using duckdb::unique_ptr;

std::vector<ResultColumn> columns_of(const duckdb::vector<duckdb::string>& names,
                                     const duckdb::vector<duckdb::LogicalType>& types) {
  std::vector<ResultColumn> columns;
  for (std::size_t i = 0; i < types.size(); ++i) columns.push_back({names[i], sql_type_of(types[i])});
  return columns;
}

/// Looks in vain for something to do that take about a tenth of a millisecond; then it pauses between them,
/// so as not to take a core from who has it.
constexpr int kMostLooks = 300;
constexpr std::chrono::microseconds kPause{50};

/// A query that runs for many times what it takes to wake a thread is worth that.
class HelpAfterAWhile {
 public:
  explicit HelpAfterAWhile(WorkerUse& use) : use_(use), start_(std::chrono::steady_clock::now()) {}
  void look() {
    constexpr std::chrono::microseconds kAlone{1000};
    if (use_.is_open() && std::chrono::steady_clock::now() - start_ > kAlone) use_.engage();
  }

 private:
  WorkerUse& use_;
  std::chrono::steady_clock::time_point start_;
};

class DuckResult final : public ResultStream {
 public:
  DuckResult(unique_ptr<duckdb::QueryResult> result, std::shared_ptr<WorkerUse> use)
      : use_(std::move(use)),
        result_(std::move(result)),
        columns_(columns_of(result_->names, result_->types)) {}
  ~DuckResult() override {
    result_.reset();
    use_->end();
  }
  DuckResult(const DuckResult&) = delete;
  DuckResult& operator=(const DuckResult&) = delete;

  const std::vector<ResultColumn>& columns() const override { return columns_; }

  bool next(Batch& out, LongNumbers long_numbers) override {
    if (!result_) return false;
    unique_ptr<duckdb::DataChunk> chunk;
    HelpAfterAWhile help(*use_);
    // Boundary: DuckDB's errors end here.
    try {
      chunk = result_->Fetch();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& exception) {
      throw translate(duckdb::ErrorData(exception));
    }
    if (result_->HasError()) throw translate(result_->GetErrorObject());
    if (!chunk || chunk->size() == 0) {
      result_.reset();
      use_->end();
      return false;
    }
    help.look();
    out = batch_from_chunk(*chunk, long_numbers);
    return true;
  }

 private:
  std::shared_ptr<WorkerUse> use_;
  unique_ptr<duckdb::QueryResult> result_;
  std::vector<ResultColumn> columns_;
};

class DuckPrepared final : public PreparedQuery {
 public:
  DuckPrepared(DuckConnection& connection, std::string text)
      : connection_(connection), text_(std::move(text)) {
    prepare();
  }

  const std::vector<SqlType>& parameter_types() const override { return parameter_types_; }
  const std::vector<ResultColumn>& columns() const override { return columns_; }

  std::unique_ptr<ResultStream> execute(std::span<const Value> parameters) override {
    auto& session = connection_.session();
    session.begin_statement();
    if (!is_current()) prepare();
    // Boundary: DuckDB's errors end here.
    try {
      for (const auto& parameter : notes_.parameters) {
        Value value = session.call(parameter.function, {});
        duckdb::Value duck = value.is_null ? duckdb::Value(parameter.type) : to_duck(value);
        parameter.data->SetValue(duck.type() == parameter.type ? duck : duck.DefaultCastAs(parameter.type));
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
      return stream;
    } catch (const Error&) {
      session.note_into(nullptr);
      throw;
    } catch (const std::exception& exception) {
      session.note_into(nullptr);
      throw translate(duckdb::ErrorData(exception));
    }
  }

 private:
  bool is_current() const {
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

  void prepare() {
    auto& session = connection_.session();
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
  }

  /// The value in the type that the plan expects, so that nothing is bound again; in its own type where that
  /// would change it.
  duckdb::Value parameter_value(std::size_t index, const Value& value) const {
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

  DuckConnection& connection_;
  std::string text_;
  unique_ptr<duckdb::PreparedStatement> statement_;
  PlanNotes notes_;
  const TimeZone* zone_ = nullptr;
  std::vector<duckdb::LogicalType> duck_types_;
  std::vector<SqlType> parameter_types_;
  std::vector<ResultColumn> columns_;
};

}  // namespace

std::unique_ptr<ResultStream> make_stream(unique_ptr<duckdb::QueryResult> result) {
  if (result->HasError()) throw translate(result->GetErrorObject());
  auto nobody = std::make_shared<WorkerUse>(nullptr);
  nobody->end();
  return std::make_unique<DuckResult>(std::move(result), std::move(nobody));
}

DuckConnection::DuckConnection(duckdb::shared_ptr<duckdb::DuckDB> db, std::shared_ptr<Workers> workers,
                               RelationSource& source, HostFunctions& functions)
    : db_(std::move(db)),
      workers_(std::move(workers)),
      connection_(*db_),
      session_(duckdb::make_shared_ptr<SessionState>(source, functions)) {
  connection_.context->registered_state->Insert(SessionState::kKey, session_);
}

DuckConnection::~DuckConnection() = default;

std::unique_ptr<ResultStream> DuckConnection::run(
    const std::function<unique_ptr<duckdb::PendingQueryResult>()>& begin) {
  const auto use = use_workers();
  unique_ptr<duckdb::QueryResult> result;
  try {
    auto pending = begin();
    if (pending->HasError()) throw translate(pending->GetErrorObject());
    HelpAfterAWhile help(*use);
    int looks = 0;  // in vain, one after the other
    while (true) {
      const auto status = pending->ExecuteTask();
      if (duckdb::PendingQueryResult::IsResultReady(status)) break;
      help.look();
      // Without a task a helper has the rest, and mostly is soon done: waiting would miss that.
      const bool is_idle = status == duckdb::PendingExecutionResult::NO_TASKS_AVAILABLE;
      looks = is_idle ? looks + 1 : 0;
      if (looks > kMostLooks) std::this_thread::sleep_for(kPause);
      if (status == duckdb::PendingExecutionResult::BLOCKED) pending->WaitForTask();
    }
    if (pending->HasError()) throw translate(pending->GetErrorObject());
    result = pending->Execute();
    if (result->HasError()) throw translate(result->GetErrorObject());
  } catch (...) {
    use->end();
    throw;
  }
  return std::make_unique<DuckResult>(std::move(result), use);
}

std::unique_ptr<ResultStream> DuckConnection::query(std::string_view duck_text) {
  session_->begin_statement();
  // Boundary: DuckDB's errors end here.
  try {
    return run([&] { return connection_.PendingQuery(std::string(duck_text), true); });
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw translate(duckdb::ErrorData(exception));
  }
}

std::unique_ptr<PreparedQuery> DuckConnection::prepare(std::string_view duck_text) {
  // Boundary: DuckDB's errors end here.
  try {
    return std::make_unique<DuckPrepared>(*this, std::string(duck_text));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw translate(duckdb::ErrorData(exception));
  }
}

void DuckConnection::interrupt() { connection_.Interrupt(); }

void DuckConnection::set_time_zone(const std::string& name) {
  const TimeZone* zone = find_time_zone(name);
  if (zone == nullptr) {
    throw Error(ErrorCode::InvalidParameterValue,
                "invalid value for parameter \"TimeZone\": \"" + name + "\"");
  }
  session_->set_zone(*zone);
  // DuckDB's own functions of time zones follow where they know the zone; ours use the session's.
  auto result = connection_.Query("SET TimeZone = " + duckdb::KeywordHelper::WriteQuoted(zone->name()));
  if (result->HasError()) connection_.Query("SET TimeZone = 'UTC'");
}

std::vector<std::string> DuckConnection::explain(std::string_view duck_text, bool analyze,
                                                 std::span<const Value> parameters) {
  return explain_lines(*this, duck_text, analyze, parameters);
}

}  // namespace tickstone::duck
