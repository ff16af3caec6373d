// SPDX-License-Identifier: Apache-2.0
#include "duck/scan.hpp"

#include <algorithm>

#include "duck/error_translation.hpp"
#include "duck/known_rows.hpp"
#include "duck/logical_types.hpp"
#include "duck/scan_state.hpp"
#include "duck/session_state.hpp"

namespace tickstone::duck {

namespace {

using duckdb::ClientContext;
using duckdb::idx_t;
using duckdb::make_uniq;
using duckdb::unique_ptr;

constexpr std::size_t kNoColumn = SIZE_MAX;

unique_ptr<duckdb::FunctionData> bind_scan(ClientContext& context, duckdb::TableFunctionBindInput& input,
                                           duckdb::vector<duckdb::LogicalType>& types,
                                           duckdb::vector<duckdb::string>& names) {
  return through_duckdb([&] {
    auto& session = SessionState::of(context);
    auto data = make_uniq<ScanBindData>();
    data->context = &context;
    data->name = duckdb::StringValue::Get(input.inputs[0]);
    if (const auto* found = session.found_relation(data->name)) {
      data->relation = *found;
    } else {
      auto relation = session.find_relation(data->name);
      if (!relation) {
        throw Error(ErrorCode::UndefinedTable, "relation \"" + data->name + "\" does not exist");
      }
      data->relation = std::move(*relation);
    }
    auto& relation = data->relation;
    if (relation.kind == SourceRelation::Kind::Stored) {
      const auto& view = session.view();
      const auto* schema = view ? view->schema(relation.table) : nullptr;
      if (schema == nullptr) {
        throw Error(ErrorCode::UndefinedTable, "relation \"" + data->name + "\" does not exist");
      }
      // The view has the last word on layouts: it is what will be read.
      const auto layouts = view->layouts(relation.table);
      for (auto& column : relation.columns) {
        if (schema->find(column.id) == nullptr) {
          throw Error(ErrorCode::UndefinedColumn, "column \"" + column.name + "\" does not exist");
        }
        column.layout = layouts[schema->index_of(column.id)];
      }
      if (auto* notes = session.notes()) {
        notes->tables.push_back({relation.table, view->schema_version(relation.table)});
      }
      for (std::size_t i = 0; i < relation.columns.size(); ++i) {
        const auto& column = relation.columns[i];
        if (schema->time_column == column.id && schema->find(column.id)->not_null) data->time_column = i;
        if (std::find(schema->series_key.begin(), schema->series_key.end(), column.id) !=
            schema->series_key.end())
          data->series_columns.push_back(i);
      }
      std::uint64_t rows = 0;
      for (const auto& chunk : view->chunks(relation.table)) rows += chunk.rows_sealed + chunk.rows_open;
      data->estimated_rows = std::max<std::uint64_t>(1, rows);
    }
    for (const auto& column : relation.columns) {
      types.push_back(logical_type_of(column));
      names.push_back(column.name);
    }
    return unique_ptr<duckdb::FunctionData>(std::move(data));
  });
}

void plan_rows(ScanGlobalState& global, const duckdb::TableFunctionInitInput& input, SessionState& session) {
  const auto& bind = *global.bind;
  global.rows = session.rows(bind.name);
  if (!global.rows) {
    throw Error(ErrorCode::UndefinedTable, "relation \"" + bind.name + "\" does not exist");
  }
  for (const auto id : input.column_ids) {
    const bool is_column = id < bind.relation.columns.size();
    global.sources.push_back(is_column ? id : kNoColumn);
    if (is_column) {
      const auto& column = bind.relation.columns[id];
      global.types.push_back(logical_type_of(column));
      global.layouts.push_back(column.layout);
      global.labels.push_back(column.labels);
      global.row_views.push_back(global.rows->columns.at(id).view());
    } else {
      global.types.push_back(duckdb::LogicalType::BIGINT);
      global.layouts.emplace_back();
      global.labels.emplace_back();
      global.row_views.emplace_back();
    }
  }
}

/// What a Top-N's first rows come in: enough for most, few enough to learn its bound early.
constexpr std::uint32_t kTopNBatchRows = 256;

/// About what one thread reads in the time that it takes to wake another.
constexpr std::uint64_t kRowsWorthHelp = 30'000;

/// Whether storage was told all that is said of time, just as it was said.
bool has_all_times(const ScanBindData& bind, const storage::ScanRequest& request) {
  const auto& time = bind.relation.columns[*bind.time_column];
  std::size_t told = 0;
  for (const auto& predicate : request.predicates) {
    if (predicate.column != time.id) continue;
    const auto is_same = [&](const std::optional<storage::ColumnPredicate::Bound>& bound) {
      return !bound || (!bound->value.is_null && bound->value.type.id == time.type.id);
    };
    const bool is_range = (predicate.lower || predicate.upper) && predicate.in.empty() &&
                          predicate.null_test == storage::ColumnPredicate::NullTest::None;
    if (!is_range || !is_same(predicate.lower) || !is_same(predicate.upper)) return false;
    ++told;
  }
  return told == bind.time_comparisons;
}

bool is_one(ClientContext& context, const duckdb::Expression& expression) {
  duckdb::Value value;
  return duckdb::ExpressionExecutor::TryEvaluateScalar(context, expression, value) && !value.IsNull() &&
         value.DefaultTryCastAs(duckdb::LogicalType::BIGINT) && value.GetValue<std::int64_t>() == 1;
}

/// Which rows of each series have to be read, where `wanted` are all that count.
storage::SeriesEnd series_end_of(ClientContext& context, const ScanBindData& bind, storage::SeriesEnd wanted,
                                 const storage::ScanRequest& request) {
  if (wanted == storage::SeriesEnd::All || !has_all_times(bind, request)) return storage::SeriesEnd::All;
  if (bind.series_end_if_one && !is_one(context, *bind.series_end_if_one)) return storage::SeriesEnd::All;
  return wanted;
}

/// `is_whole`: whether storage was told all that was pushed.
storage::ScanRequest request_of(const ScanBindData& bind, storage::SeriesEnd wanted, ClientContext& context,
                                const storage::ReadView& view, bool& is_whole) {
  storage::ScanRequest request;
  request.table = bind.relation.table;
  const auto* schema = view.schema(request.table);
  if (schema != nullptr && bind.dynamic_filter &&
      schema->time_column == bind.relation.columns[bind.dynamic_column].id) {
    request.order = bind.order;
    request.first_batch_rows = kTopNBatchRows;
  }
  request.predicates = evaluate_comparisons(context, bind);
  is_whole = request.predicates.size() == bind.comparisons.size();
  request.series_end = series_end_of(context, bind, wanted, request);
  request.predicates.insert(request.predicates.end(), bind.narrowed.begin(), bind.narrowed.end());
  return request;
}

unique_ptr<duckdb::GlobalTableFunctionState> init_global(ClientContext& context,
                                                         duckdb::TableFunctionInitInput& input) {
  return begin_scan(context, input, input.bind_data->Cast<ScanBindData>().series_end);
}

unique_ptr<duckdb::LocalTableFunctionState> init_local(duckdb::ExecutionContext&,
                                                       duckdb::TableFunctionInitInput&,
                                                       duckdb::GlobalTableFunctionState* global_state) {
  return through_duckdb([&] {
    auto local = make_uniq<ScanLocalState>(global_state->Cast<ScanGlobalState>());
    return unique_ptr<duckdb::LocalTableFunctionState>(std::move(local));
  });
}

void fill_absent(duckdb::Vector& out) {
  out.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  duckdb::ConstantVector::SetNull(out, true);
}

/// Tells storage the bound that a Top-N above has reached, once each time that it moves.
void follow_dynamic_filter(ScanGlobalState& global) {
  const auto& bind = *global.bind;
  duckdb::Value value;
  duckdb::ExpressionType comparison;
  {
    const std::scoped_lock lock(bind.dynamic_filter->lock);
    if (!bind.dynamic_filter->initialized || !bind.dynamic_filter->filter) return;
    value = bind.dynamic_filter->filter->constant;
    comparison = bind.dynamic_filter->filter->comparison_type;
  }
  {
    const std::scoped_lock lock(global.dynamic_mutex);
    if (!global.dynamic_value.IsNull() && global.dynamic_value == value) return;
    global.dynamic_value = value;
  }
  const auto predicate = predicate_of(bind.relation.columns[bind.dynamic_column], comparison, {value});
  if (predicate) global.scan->tighten(*predicate);
}

void scan(ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  through_duckdb([&] {
    auto& global = input.global_state->Cast<ScanGlobalState>();
    auto& local = input.local_state->Cast<ScanLocalState>();
    if (global.scan) {
      if (global.bind->dynamic_filter) follow_dynamic_filter(global);
      if (!global.scan->read(*local.state, local.batch)) return;
      // Of each chunk, so that what was said of another one is never taken for this one's.
      say_rows_are_known(*global.bind, global.may_know_rows && local.batch.meets_predicates);
      local.unit = local.state->unit_index();
      for (std::size_t i = 0; i < global.sources.size(); ++i) {
        if (global.sources[i] == kNoColumn) {
          fill_absent(output.data[i]);
        } else {
          local.fillers[i].fill(local.batch.columns[global.sources[i]], output.data[i]);
        }
      }
      output.SetCardinality(local.batch.row_count);
      return;
    }
    const std::size_t total = global.rows->row_count();
    const std::size_t start = global.next_row.fetch_add(storage::kScanRows);
    if (start >= total) return;
    const std::size_t count = std::min(storage::kScanRows, total - start);
    local.unit = start / storage::kScanRows;
    for (std::size_t i = 0; i < global.sources.size(); ++i) {
      if (global.sources[i] == kNoColumn) {
        // The position of the row: what joins relations by position.
        output.data[i].SetVectorType(duckdb::VectorType::FLAT_VECTOR);
        if (output.data[i].GetType().id() != duckdb::LogicalTypeId::BIGINT) {
          fill_absent(output.data[i]);
          continue;
        }
        auto* positions = duckdb::FlatVector::GetData<std::int64_t>(output.data[i]);
        for (std::size_t row = 0; row < count; ++row) positions[row] = static_cast<std::int64_t>(start + row);
      } else {
        local.fillers[i].fill(slice_of(global.row_views[i], start, count), output.data[i]);
      }
    }
    output.SetCardinality(count);
  });
}

duckdb::OperatorPartitionData partition_data(ClientContext&, duckdb::TableFunctionGetPartitionInput& input) {
  if (input.partition_info.RequiresPartitionColumns()) {
    throw duckdb::InvalidInputException("scans are not partitioned by columns");
  }
  return duckdb::OperatorPartitionData(input.local_state->Cast<ScanLocalState>().unit);
}

duckdb::virtual_column_map_t virtual_columns(ClientContext&,
                                             duckdb::optional_ptr<duckdb::FunctionData> data) {
  const auto& bind = data->Cast<ScanBindData>();
  duckdb::virtual_column_map_t columns;
  if (bind.relation.has_row_id || bind.relation.kind == SourceRelation::Kind::Rows) {
    columns.insert(
        {duckdb::COLUMN_IDENTIFIER_ROW_ID, duckdb::TableColumn("rowid", duckdb::LogicalType::BIGINT)});
  }
  // What count(*) reads: nothing.
  columns.insert({duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN)});
  return columns;
}

unique_ptr<duckdb::NodeStatistics> cardinality(ClientContext&, const duckdb::FunctionData* data) {
  const auto& bind = data->Cast<ScanBindData>();
  return make_uniq<duckdb::NodeStatistics>(bind.estimated_rows);
}

std::string comparisons_text(const ScanBindData& bind) {
  std::string text;
  for (const auto& comparison : bind.comparisons) {
    if (!text.empty()) text += ", ";
    text += comparison.text;
  }
  return text;
}

/// `suffix`: " Read" of what a run has read.
void describe_statistics(const ScanBindData& bind, const storage::ReadView& view,
                         const storage::ScanStatistics& statistics, const std::string& suffix,
                         duckdb::InsertionOrderPreservingMap<duckdb::string>& out) {
  const auto* schema = view.schema(bind.relation.table);
  if (schema != nullptr && schema->time_column) {
    out["Chunks" + suffix] =
        std::to_string(statistics.chunks_read) + " of " + std::to_string(statistics.chunks_total);
    std::string names;
    for (const auto number : statistics.chunk_numbers) {
      if (!names.empty()) names += ", ";
      names += SessionState::of(*bind.context).chunk_name(bind.name, number);
    }
    if (!names.empty()) out["Chunk Names"] = names;
  }
  out["Row Groups" + suffix] =
      std::to_string(statistics.row_groups_read) + " of " + std::to_string(statistics.row_groups_total);
  if (statistics.row_groups_out_of_range != 0) {
    out["Skipped by Range"] = std::to_string(statistics.row_groups_out_of_range);
  }
  if (statistics.row_groups_without_value != 0) {
    out["Skipped by Filter"] = std::to_string(statistics.row_groups_without_value);
  }
  out["Open Rows" + suffix] = std::to_string(statistics.open_rows_read);
  if (!suffix.empty()) {
    out["Blocks Read"] = std::to_string(statistics.blocks_read) + " (" +
                         std::to_string(statistics.block_bytes_read) + " bytes)";
  }
}

duckdb::InsertionOrderPreservingMap<duckdb::string> describe(duckdb::TableFunctionToStringInput& input) {
  const auto& bind = input.bind_data->Cast<ScanBindData>();
  duckdb::InsertionOrderPreservingMap<duckdb::string> result;
  result["Relation"] = bind.name;
  if (!bind.comparisons.empty()) result["Pushed"] = comparisons_text(bind);
  if (bind.dynamic_filter) {
    result["Top-N Bound"] = bind.relation.columns[bind.dynamic_column].name;
  }
  if (bind.series_end != storage::SeriesEnd::All)
    result["Of Each Series"] = bind.series_end == storage::SeriesEnd::Newest ? "newest rows" : "oldest rows";
  if (bind.relation.kind != SourceRelation::Kind::Stored || bind.context == nullptr) return result;
  const auto& session = SessionState::of(*bind.context);
  if (!session.is_explaining() || session.view() == nullptr) return result;
  // What would be read with the values of now; without an order, so that all of it is planned.
  storage::ScanRequest request;
  request.table = bind.relation.table;
  request.predicates = evaluate_comparisons(*bind.context, bind);
  request.series_end = series_end_of(*bind.context, bind, bind.series_end, request);
  describe_statistics(bind, *session.view(), session.view()->scan(request)->statistics(), "", result);
  return result;
}

duckdb::InsertionOrderPreservingMap<duckdb::string> describe_run(
    duckdb::TableFunctionDynamicToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<duckdb::string> result;
  if (!input.global_state) return result;
  const auto& global = input.global_state->Cast<ScanGlobalState>();
  if (global.scan)
    describe_statistics(*global.bind, *global.view, global.scan->statistics(), " Read", result);
  return result;
}

unique_ptr<duckdb::TableRef> replace(ClientContext& context, duckdb::ReplacementScanInput& input,
                                     duckdb::optional_ptr<duckdb::ReplacementScanData>) {
  return through_duckdb([&]() -> unique_ptr<duckdb::TableRef> {
    auto& session = SessionState::of(context);
    std::string name =
        input.schema_name.empty() ? input.table_name : input.schema_name + "." + input.table_name;
    const auto relation = session.find_relation(name);
    if (!relation) return nullptr;
    if (relation->kind == SourceRelation::Kind::Query) {
      duckdb::Parser parser(context.GetParserOptions());
      parser.ParseQuery(relation->query);
      if (parser.statements.size() != 1 ||
          parser.statements[0]->type != duckdb::StatementType::SELECT_STATEMENT) {
        throw Error(ErrorCode::InvalidTableDefinition, "view \"" + name + "\" is not a query");
      }
      auto select = duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(
          std::move(parser.statements[0]));
      auto subquery = make_uniq<duckdb::SubqueryRef>(std::move(select), input.table_name);
      for (const auto& column : relation->columns) subquery->column_name_alias.push_back(column.name);
      return subquery;
    }
    auto table = make_uniq<duckdb::TableFunctionRef>();
    duckdb::vector<unique_ptr<duckdb::ParsedExpression>> arguments;
    arguments.push_back(make_uniq<duckdb::ConstantExpression>(duckdb::Value(name)));
    table->function = make_uniq<duckdb::FunctionExpression>(kScanFunction, std::move(arguments));
    table->alias = input.table_name;
    return table;
  });
}

}  // namespace

unique_ptr<ScanGlobalState> begin_scan(ClientContext& context, duckdb::TableFunctionInitInput& input,
                                       storage::SeriesEnd wanted) {
  return through_duckdb([&] {
    auto& session = SessionState::of(context);
    auto global = make_uniq<ScanGlobalState>();
    global->bind = &input.bind_data->Cast<ScanBindData>();
    const auto& relation = global->bind->relation;
    if (relation.kind == SourceRelation::Kind::Rows) {
      plan_rows(*global, input, session);
      return global;
    }
    global->view = global->bind->view ? global->bind->view : session.view();
    bool is_whole = false;
    storage::ScanRequest request = request_of(*global->bind, wanted, context, *global->view, is_whole);
    global->may_know_rows = is_whole && global->bind->is_filter_exact;
    global->series_end = request.series_end;
    for (const auto id : input.column_ids) {
      if (id < relation.columns.size()) {
        const auto& column = relation.columns[id];
        global->sources.push_back(request.columns.size());
        global->types.push_back(logical_type_of(column));
        global->layouts.push_back(column.layout);
        global->labels.push_back(column.labels);
        request.columns.push_back(column.id);
      } else if (id == duckdb::COLUMN_IDENTIFIER_ROW_ID && relation.has_row_id) {
        global->sources.push_back(request.columns.size());
        global->types.push_back(duckdb::LogicalType::BIGINT);
        global->layouts.push_back({Physical::Int64, 0});
        global->labels.emplace_back();
        request.columns.push_back(storage::kRowIdColumn);
      } else {
        global->sources.push_back(kNoColumn);
        global->types.push_back(duckdb::LogicalType::BOOLEAN);
        global->layouts.emplace_back();
        global->labels.emplace_back();
      }
    }
    global->scan = global->view->scan(request);
    if (!global->bind->view && global->scan->max_threads() > 1 &&
        global->scan->estimated_rows() > kRowsWorthHelp)
      session.ask_for_help();
    return global;
  });
}

unique_ptr<duckdb::FunctionData> ScanBindData::Copy() const {
  auto copy = make_uniq<ScanBindData>();
  copy->context = context;
  copy->name = name;
  copy->relation = relation;
  copy->estimated_rows = estimated_rows;
  copy->order = order;
  copy->dynamic_filter = dynamic_filter;
  copy->dynamic_column = dynamic_column;
  copy->time_column = time_column;
  copy->series_columns = series_columns;
  copy->series_end = series_end;
  copy->time_comparisons = time_comparisons;
  copy->is_filter_exact = is_filter_exact;
  copy->are_both_ends = are_both_ends;
  if (series_end_if_one) copy->series_end_if_one = series_end_if_one->Copy();
  for (const auto& comparison : comparisons) {
    PushedComparison one{comparison.column, comparison.comparison, {}, comparison.text, comparison.is_list};
    for (const auto& operand : comparison.operands) one.operands.push_back(operand->Copy());
    copy->comparisons.push_back(std::move(one));
  }
  return copy;
}

bool ScanBindData::Equals(const duckdb::FunctionData& other_data) const {
  const auto& other = other_data.Cast<ScanBindData>();
  if (name != other.name || order != other.order || series_end != other.series_end ||
      are_both_ends != other.are_both_ends ||
      !duckdb::Expression::Equals(series_end_if_one, other.series_end_if_one) ||
      dynamic_filter != other.dynamic_filter || comparisons.size() != other.comparisons.size()) {
    return false;
  }
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    const auto& a = comparisons[i];
    const auto& b = other.comparisons[i];
    if (a.column != b.column || a.comparison != b.comparison || a.is_list != b.is_list ||
        a.operands.size() != b.operands.size()) {
      return false;
    }
    for (std::size_t k = 0; k < a.operands.size(); ++k) {
      if (!a.operands[k]->Equals(*b.operands[k])) return false;
    }
  }
  return true;
}

duckdb::TableFunction scan_function() {
  duckdb::TableFunction function(kScanFunction, {duckdb::LogicalType::VARCHAR}, scan, bind_scan, init_global,
                                 init_local);
  function.projection_pushdown = true;
  // Off on purpose: with either kind of push-down DuckDB binds a parameterised plan anew at every execution.
  function.filter_pushdown = false;
  function.filter_prune = false;
  function.verify_serialization = false;
  function.get_partition_data = partition_data;
  function.get_virtual_columns = virtual_columns;
  function.cardinality = cardinality;
  function.to_string = describe;
  function.dynamic_to_string = describe_run;
  return function;
}

duckdb::ReplacementScan replacement_scan() { return duckdb::ReplacementScan(replace); }

}  // namespace tickstone::duck
