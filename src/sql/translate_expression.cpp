// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {

namespace {

int number_rank(TypeId id) {
  switch (id) {
    case TypeId::SmallInt:
      return 1;
    case TypeId::Integer:
      return 2;
    case TypeId::BigInt:
      return 3;
    case TypeId::Oid:
      return 3;
    case TypeId::Numeric:
      return 4;
    case TypeId::Real:
      return 5;
    case TypeId::Double:
      return 6;
    default:
      return 0;
  }
}

int moment_rank(TypeId id) {
  switch (id) {
    case TypeId::Date:
      return 1;
    case TypeId::Timestamp:
      return 2;
    case TypeId::TimestampTz:
      return 3;
    default:
      return 0;
  }
}

}  // namespace

std::optional<SqlType> common_type(const SqlType& a, const SqlType& b) {
  if (a == b) return a;
  if (a.id == TypeId::Enum || b.id == TypeId::Enum) return std::nullopt;
  if (a.is_array || b.is_array)
    return a.is_array == b.is_array && a.id == b.id ? std::optional(SqlType::array_of(a.id)) : std::nullopt;
  // Between text and varchar the first decides.
  const auto is_plain = [](TypeId id) { return id == TypeId::Text || id == TypeId::Varchar; };
  if (is_plain(a.id) && is_plain(b.id)) return SqlType::of(a.id);
  if (is_text_like(a.id) && is_text_like(b.id)) return SqlType::of(TypeId::Text);
  if (const int x = number_rank(a.id), y = number_rank(b.id); x > 0 && y > 0) {
    if (a.id == b.id) return SqlType::of(a.id);
    return SqlType::of(x >= y ? a.id : b.id);
  }
  if (const int x = moment_rank(a.id), y = moment_rank(b.id); x > 0 && y > 0) return x >= y ? a : b;
  if (a.id == b.id) return SqlType::of(a.id);
  return std::nullopt;
}

std::string Translator::operand(const Typed& value) {
  return value.is_atomic ? value.text : "(" + value.text + ")";
}

std::string Translator::condition(const Node* node, const Scope& scope, const char* construct) {
  return filter(node, scope, construct).text;
}

Typed Translator::filter(const Node* node, const Scope& scope, const char* construct) {
  if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR)
    return bool_expression(*node->bool_expr, scope, Place::Filter);
  if (node->node_case == PG_QUERY__NODE__NODE_A_EXPR &&
      node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY && scope.fill == nullptr) {
    return any_all(*node->a_expr, scope, true, Place::Filter);
  }
  return boolean(node, scope, construct);
}

Typed Translator::boolean(const Node* node, const Scope& scope, const char* construct) {
  const SqlType type = SqlType::of(TypeId::Boolean);
  Typed value = coerced(expression(node, scope), type);
  if (value.type && *value.type != type && value.type->id != TypeId::Unknown) {
    throw located(
        Error(ErrorCode::DatatypeMismatch, fmt::format("argument of {} must be type boolean, not type {}",
                                                       construct, to_sql(*value.type))),
        location_of(node));
  }
  return value;
}

Typed Translator::expression(const Node* node, const Scope& scope) {
  if (scope.fill != nullptr) {
    if (std::optional<Typed> value = filled(node, scope)) return std::move(*value);
  }
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
      return constant(*node->a_const);
    case PG_QUERY__NODE__NODE_COLUMN_REF:
      return column(*node->column_ref, scope);
    case PG_QUERY__NODE__NODE_PARAM_REF:
      return parameter(*node->param_ref);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      return type_cast(*node->type_cast, scope);
    case PG_QUERY__NODE__NODE_A_EXPR:
      return operation(*node->a_expr, scope);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
      return bool_expression(*node->bool_expr, scope, Place::Value);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return function(*node->func_call, scope);
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return sub_link(*node->sub_link, scope);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
      return case_expression(*node->case_expr, scope);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
      return value_function(*node->sqlvalue_function);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return array(*node->a_array_expr, scope);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
      return indirection(*node->a_indirection, scope);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return list_of("coalesce", node->coalesce_expr->n_args, node->coalesce_expr->args, scope);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return list_of(node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least",
                     node->min_max_expr->n_args, node->min_max_expr->args, scope);
    case PG_QUERY__NODE__NODE_NULL_TEST: {
      if (node->null_test->arg->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        // All of the row's fields are, or all are not.
        const PgQuery__RowExpr& row = *node->null_test->arg->row_expr;
        const bool wants_null = node->null_test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;
        std::string text;
        for (std::size_t i = 0; i < row.n_args; ++i) {
          text += fmt::format("{}{} IS {}NULL", i > 0 ? " AND " : "", operand(expression(row.args[i], scope)),
                              wants_null ? "" : "NOT ");
        }
        return plain(text.empty() ? "true" : std::move(text), SqlType::of(TypeId::Boolean), false);
      }
      const Typed value = expression(node->null_test->arg, scope);
      const bool is_null = node->null_test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;
      return plain(fmt::format("{} IS {}NULL", operand(value), is_null ? "" : "NOT "),
                   SqlType::of(TypeId::Boolean), false);
    }
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: {
      const char* test = "TRUE";
      switch (node->boolean_test->booltesttype) {
        case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE:
          test = "NOT TRUE";
          break;
        case PG_QUERY__BOOL_TEST_TYPE__IS_FALSE:
          test = "FALSE";
          break;
        case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE:
          test = "NOT FALSE";
          break;
        case PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN:
          test = "NULL";
          break;
        case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN:
          test = "NOT NULL";
          break;
        default:
          break;
      }
      const Typed value = boolean(node->boolean_test->arg, scope, fmt::format("IS {}", test).c_str());
      return plain(fmt::format("{} IS {}", operand(value), test), SqlType::of(TypeId::Boolean), false);
    }
    case PG_QUERY__NODE__NODE_ROW_EXPR: {
      Typed row = plain("row(", SqlType::of(TypeId::Record));
      for (std::size_t i = 0; i < node->row_expr->n_args; ++i)
        row.text += (i > 0 ? ", " : "") + expression(node->row_expr->args[i], scope).text;
      row.text += ')';
      return row;
    }
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: {
      const PgQuery__CollateClause& collate = *node->collate_clause;
      const std::string_view name = string_of(collate.collname[collate.n_collname - 1]);
      const bool is_bytewise = name == "default" || name == "C" || name == "POSIX" || name == "ucs_basic" ||
                               name == "C.UTF-8" || name == "C.utf8";
      if (!is_bytewise) {
        throw located(Error(ErrorCode::UndefinedObject,
                            fmt::format("collation \"{}\" for encoding \"UTF8\" does not exist", name)),
                      collate.location);
      }
      Typed value = expression(collate.arg, scope);
      if (value.form == Typed::Form::Plain && value.type && !value.type->is_array &&
          !is_text_like(value.type->id)) {
        throw located(Error(ErrorCode::DatatypeMismatch,
                            fmt::format("collations are not supported by type {}", to_sql(*value.type))),
                      collate.location);
      }
      return value;
    }
    case PG_QUERY__NODE__NODE_GROUPING_FUNC: {
      Typed grouping = plain("grouping(", SqlType::of(TypeId::Integer));
      for (std::size_t i = 0; i < node->grouping_func->n_args; ++i) {
        grouping.text += (i > 0 ? ", " : "") + expression(node->grouping_func->args[i], scope).text;
      }
      grouping.text += ')';
      return grouping;
    }
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
      throw located(Error(ErrorCode::SyntaxError, "DEFAULT is not allowed in this context"),
                    node->set_to_default->location);
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR: {
      const PgQuery__NamedArgExpr& argument = *node->named_arg_expr;
      refuse(fmt::format("argument {} by name", argument.name), argument.location);
    }
    case PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF: {
      // One column of SET (a, b) = (SELECT ...).
      const PgQuery__MultiAssignRef& multi = *node->multi_assign_ref;
      ColumnList columns;
      const Holding<bool> nested(is_top_level_, false);
      const std::string query = select(*multi.source->sub_link->subselect->select_stmt, &scope, columns);
      if (columns.is_complete && columns.columns.size() != static_cast<std::size_t>(multi.ncolumns)) {
        throw Error(ErrorCode::SyntaxError, "number of columns does not match number of values");
      }
      std::string names;
      for (int i = 0; i < multi.ncolumns; ++i) names += fmt::format("{}c{}", i > 0 ? ", " : "", i + 1);
      Typed value =
          plain(fmt::format("(SELECT c{} FROM ({}) AS source({}))", multi.colno, query, names), std::nullopt);
      if (columns.is_complete) value.type = columns.columns[static_cast<std::size_t>(multi.colno) - 1].type;
      return value;
    }
    case PG_QUERY__NODE__NODE_XML_EXPR:
      refuse("XML", node->xml_expr->location);
    case PG_QUERY__NODE__NODE_CURRENT_OF_EXPR:
      return current_of(*node->current_of_expr, scope);
    default:
      refuse("this expression");
  }
}

Typed Translator::constant(const PgQuery__AConst& constant) {
  Typed value;
  value.location = constant.location;
  if (constant.isnull != 0) {
    value.text = "NULL";
    value.form = Typed::Form::Null;
    return value;
  }
  switch (constant.val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
      value.text = value.literal = std::to_string(constant.ival->ival);
      value.type = SqlType::of(TypeId::Integer);
      value.is_number = true;
      value.is_atomic = constant.ival->ival >= 0;
      break;
    case PG_QUERY__A__CONST__VAL_FVAL: {
      value.literal = constant.fval->fval;
      value.is_number = true;
      value.is_atomic = value.literal[0] != '-';
      const bool is_whole = value.literal.find_first_not_of("-0123456789") == std::string::npos;
      std::int64_t whole = 0;
      const auto [end, error] =
          std::from_chars(value.literal.data(), value.literal.data() + value.literal.size(), whole);
      if (is_whole && error == std::errc() && end == value.literal.data() + value.literal.size()) {
        value.text = value.literal;
        value.type = SqlType::of(whole >= INT32_MIN && whole <= INT32_MAX ? TypeId::Integer : TypeId::BigInt);
      } else {
        try {
          value.text =
              is_wide_ ? fmt::format("pg_wide({})", duck_string(value.literal)) : duck_numeric(value.literal);
          value.is_atomic = value.is_atomic || is_wide_;
        } catch (Error& problem) {
          throw located(std::move(problem), constant.location);
        }
        value.type = SqlType::of(TypeId::Numeric);
      }
      break;
    }
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
      value.text = constant.boolval->boolval != 0 ? "true" : "false";
      value.type = SqlType::of(TypeId::Boolean);
      break;
    case PG_QUERY__A__CONST__VAL_SVAL:
      value.literal = constant.sval->sval;
      value.text = duck_string(value.literal);
      value.form = Typed::Form::UnknownLiteral;
      break;
    default:
      refuse("a bit string", constant.location);
  }
  return value;
}

Typed Translator::parameter(const PgQuery__ParamRef& ref) {
  if (inlined_ != nullptr && ref.number > 0)
    return inlined_parameter(static_cast<std::size_t>(ref.number) - 1);
  if (ref.number < 1 || ref.number > 65535) {
    throw located(Error(ErrorCode::UndefinedParameter, fmt::format("there is no parameter ${}", ref.number)),
                  ref.location);
  }
  return numbered_parameter(ref.number, ref.location);
}

Typed Translator::numbered_parameter(int number, int location) {
  const auto index = static_cast<std::size_t>(number) - 1;
  if (parameter_types.size() <= index) parameter_types.resize(index + 1);
  if (!parameter_types[index]) parameter_types[index] = lookup_.parameter_type(number);
  Typed value;
  value.text = fmt::format("${}", number);
  value.form = Typed::Form::Parameter;
  value.parameter = number;
  value.location = location;
  if (parameter_types[index]) return coerced(std::move(value), *parameter_types[index]);
  return value;
}

Typed Translator::coerced(Typed value, const SqlType& type) {
  switch (value.form) {
    case Typed::Form::Plain:
      return value;
    case Typed::Form::Null:
      value.text = fmt::format("CAST(NULL AS {})", is_wide_ && type.id == TypeId::Numeric && !type.is_array
                                                       ? "NUMERIC_WIDE"
                                                       : type_text(type));
      break;
    case Typed::Form::Parameter: {
      // An array of labels is sent as one of texts.
      if (type.id == TypeId::Enum && type.is_array)
        return cast_to_enum(coerced(std::move(value), SqlType::array_of(TypeId::Text)), type);
      std::optional<SqlType>& known = parameter_types[static_cast<std::size_t>(value.parameter) - 1];
      if (!known) {
        known = type;
        // Lengths are not a parameter's: 'abc' compared with a VARCHAR(2) is not cut.
        if (is_text_like(type.id) && !type.is_array)
          known = SqlType::of(type.id == TypeId::Name      ? TypeId::Name
                              : type.id == TypeId::Varchar ? TypeId::Varchar
                                                           : TypeId::Text);
      }
      value.text = is_wide_ && known->id == TypeId::Numeric && !known->is_array
                       ? fmt::format("pg_wide(CAST(${} AS VARCHAR))", value.parameter)
                   : known->id == TypeId::Enum
                       ? fmt::format("CAST(CAST(${} AS VARCHAR) AS {})", value.parameter, type_text(*known))
                       : fmt::format("CAST(${} AS {})", value.parameter, duck_type(*known));
      value.type = known;
      value.form = Typed::Form::Plain;
      return value;
    }
    case Typed::Form::UnknownLiteral:
      try {
        if (is_wide_ && type.id == TypeId::Numeric && !type.is_array) {
          value.text = fmt::format("pg_wide({})", duck_string(value.literal));
          if (type.precision >= 0)
            value.text = fmt::format("pg_wide_typmod({}, {}, {})", value.text, type.precision, type.scale);
        } else {
          value.text = literal_text(type, value.literal);
        }
        value.is_atomic = value.text[0] != '-';
      } catch (Error& error) {
        throw located(std::move(error), value.location);
      }
      value.is_number = false;
      break;
  }
  value.form = Typed::Form::Plain;
  value.type = type;
  return value;
}

std::optional<SqlType> Translator::unify(std::span<Typed> values) {
  require_one_enum(values);
  std::optional<SqlType> common;
  bool is_mixed = false;
  bool has_untyped = false;
  for (const Typed& value : values) {
    if (value.form != Typed::Form::Plain) {
      has_untyped = has_untyped || value.form != Typed::Form::Null;
      continue;
    }
    if (!value.type) {
      is_mixed = true;
    } else if (!common) {
      common = value.type;
    } else if (const auto both = common_type(*common, *value.type)) {
      common = both;
    } else {
      is_mixed = true;
    }
  }
  if (is_mixed) return std::nullopt;
  if (!common) {
    if (!has_untyped) return std::nullopt;
    common = SqlType::of(TypeId::Text);
  }
  for (Typed& value : values) {
    if (value.form != Typed::Form::Null) value = coerced(std::move(value), *common);
    if (!is_wide_) continue;
    // DuckDB has no common type for numbers of any digits and others.
    if (common->id == TypeId::Numeric && !common->is_array && value.type && is_integer(value.type->id))
      value = widened(std::move(value));
    if ((common->id == TypeId::Double || common->id == TypeId::Real) && !common->is_array)
      value = as_double(std::move(value));
  }
  return common;
}

std::optional<SqlType> Translator::unify_results(std::span<Typed> values) {
  const std::optional<SqlType> type = unify(values);
  if (!type || type->is_array || (type->id != TypeId::Integer && type->id != TypeId::BigInt)) return type;
  // DuckDB takes a literal for the smallest type that it fits into.
  for (Typed& value : values) {
    if (value.form != Typed::Form::Plain || (value.type == type && !value.is_number)) continue;
    value.text = fmt::format("CAST({} AS {})", value.text, duck_type(*type));
    value.type = type;
    value.is_number = false;
    value.is_atomic = true;
  }
  return type;
}

Typed Translator::case_expression(const PgQuery__CaseExpr& expr, const Scope& scope) {
  std::vector<Typed> conditions;
  std::vector<Typed> results;
  if (expr.arg != nullptr) conditions.push_back(expression(expr.arg, scope));
  for (std::size_t i = 0; i < expr.n_args; ++i) {
    const PgQuery__CaseWhen& when = *expr.args[i]->case_when;
    conditions.push_back(expr.arg != nullptr ? expression(when.expr, scope)
                                             : boolean(when.expr, scope, "CASE/WHEN"));
    results.push_back(expression(when.result, scope));
  }
  if (expr.defresult != nullptr) results.push_back(expression(expr.defresult, scope));
  if (expr.arg != nullptr) {
    unify(conditions);
    for (Typed& one : conditions) one = jsonb_key(std::move(one));
  }
  // ELSE comes first where the types are chosen.
  if (expr.defresult != nullptr) std::rotate(results.begin(), results.end() - 1, results.end());
  const std::optional<SqlType> type = unify_results(results);
  if (expr.defresult != nullptr) std::rotate(results.begin(), results.begin() + 1, results.end());
  std::string text = "CASE";
  if (expr.arg != nullptr) text += " " + operand(conditions[0]);
  const std::size_t first = expr.arg != nullptr ? 1 : 0;
  for (std::size_t i = 0; i < expr.n_args; ++i)
    text += fmt::format(" WHEN {} THEN {}", conditions[first + i].text, results[i].text);
  if (expr.defresult != nullptr) text += " ELSE " + results.back().text;
  return plain(text + " END", type);
}

Typed Translator::unpadded(Typed value) {
  if (!value.has_type(TypeId::Char)) return value;
  value.text = fmt::format("rtrim({}, ' ')", value.text);
  value.type = SqlType::of(TypeId::Text);
  value.is_column = false;
  value.is_atomic = true;
  return value;
}

Typed Translator::list_of(const char* name, std::size_t count, Node* const* nodes, const Scope& scope) {
  std::vector<Typed> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(expression(nodes[i], scope));
  const std::optional<SqlType> type = unify_results(values);
  if (type == SqlType::of(TypeId::Jsonb) && std::string_view(name) != "coalesce")
    return jsonb_extreme(std::string_view(name) == "greatest", values);
  std::string text = std::string(name) + "(";
  for (std::size_t i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + values[i].text;
  return plain(text + ")", type);
}

Typed Translator::value_function(const PgQuery__SQLValueFunction& function) {
  switch (function.op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
      return plain(fmt::format("CAST({} AS DATE)", now_text()), SqlType::of(TypeId::Date));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
      return plain(fmt::format("CAST(CAST({} AS TIMESTAMP) AS TIME)", now_text()), SqlType::of(TypeId::Time));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
      return plain(now_text(), SqlType::of(TypeId::TimestampTz));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
      return plain(fmt::format("CAST({} AS TIMESTAMP)", now_text()), SqlType::of(TypeId::Timestamp));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
      return plain("pg_current_user()", SqlType::of(TypeId::Name));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
      return plain("pg_session_user()", SqlType::of(TypeId::Name));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
      return plain("current_database()", SqlType::of(TypeId::Name));
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
      return plain("pg_current_schema()", SqlType::of(TypeId::Name));
    default:
      refuse("this function", function.location);
  }
}

Typed Translator::array(const PgQuery__AArrayExpr& expr, const Scope& scope) {
  std::vector<Typed> elements;
  for (std::size_t i = 0; i < expr.n_elements; ++i) elements.push_back(expression(expr.elements[i], scope));
  std::optional<SqlType> type = unify(elements);
  std::string text = "[";
  for (std::size_t i = 0; i < elements.size(); ++i) text += (i > 0 ? ", " : "") + elements[i].text;
  if (type) type = array_of(*type);
  return plain(text + "]", type);
}

Typed Translator::indirection(const PgQuery__AIndirection& expr, const Scope& scope) {
  Typed value = expression(expr.arg, scope);
  for (std::size_t i = 0; i < expr.n_indirection; ++i) {
    const Node* step = expr.indirection[i];
    if (step->node_case == PG_QUERY__NODE__NODE_STRING) {
      value = plain(fmt::format("struct_extract({}, {})", value.text, duck_string(string_of(step))),
                    std::nullopt);
      continue;
    }
    if (step->node_case != PG_QUERY__NODE__NODE_A_INDICES) refuse("(row).*");
    const PgQuery__AIndices& indices = *step->a_indices;
    const bool is_vector = value.has_type(TypeId::Int2Vector) || value.has_type(TypeId::OidVector);
    const auto bound = [&](const Node* node) {
      Typed at = coerced(expression(node, scope), SqlType::of(TypeId::Integer));
      // int2vector counts from 0.
      return is_vector ? operand(at) + " + 1" : at.text;
    };
    if (is_vector)
      value = plain(fmt::format("pg_vector_list({})", value.text), SqlType::array_of(TypeId::SmallInt));
    if (value.has_type(TypeId::Jsonb) || value.has_type(TypeId::Json)) {
      // Unlike with -> a number is a key of an object, too, and a scalar has no parts.
      const Typed at = coerced(expression(indices.uidx, scope), SqlType::of(TypeId::Text));
      value = plain(fmt::format("jsonb_extract_path({}, {})", value.text, as_text(at)), value.type);
      continue;
    }
    std::optional<SqlType> type = value.type;
    if (indices.is_slice != 0) {
      value.text =
          fmt::format("{}[{}:{}]", operand(value), indices.lidx != nullptr ? bound(indices.lidx) : "1",
                      indices.uidx != nullptr ? bound(indices.uidx) : "-1");
    } else {
      const std::string at = bound(indices.uidx);
      value.text = fmt::format("{}[{}]", operand(value), at);
      // DuckDB counts what is below 1 from the end; PostgreSQL finds nothing there.
      if (at.empty() || at.find_first_not_of("0123456789 +") != std::string::npos)
        value.text = fmt::format("CASE WHEN ({}) > 0 THEN {} END", at, value.text);
      if (type) type->is_array = false;
      // At NULL as written DuckDB would forget of which type it is.
      const bool is_of_none = !reads_columns(expr.arg) && type && type->id != TypeId::Numeric;
      if (type && (is_of_none || (!reads_columns(indices.uidx) && value.text.starts_with("CASE"))))
        value.text = fmt::format("CAST({} AS {})", value.text, duck_type(*type));
    }
    value = plain(std::move(value.text), type);
  }
  return value;
}

Typed Translator::sub_link(const PgQuery__SubLink& link, const Scope& scope) {
  const Holding<bool> nested(is_top_level_, false);
  if (link.subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
    refuse("this form of subquery", link.location);
  ColumnList columns;
  if (link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) how_many_ = HowMany::One;
  const std::string query = select(*link.subselect->select_stmt, &scope, columns);
  const auto first_type = [&columns] {
    return columns.columns.empty() ? std::nullopt : columns.columns[0].type;
  };
  const auto check_single = [&] {
    if (columns.is_complete && columns.columns.size() != 1) {
      throw located(Error(ErrorCode::SyntaxError, "subquery must return only one column"), link.location);
    }
  };
  const SqlType boolean = SqlType::of(TypeId::Boolean);
  switch (link.sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
      return plain(fmt::format("EXISTS ({})", query), boolean, false);
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
      check_single();
      return plain(fmt::format("({})", query), first_type());
    case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK: {
      check_single();
      std::optional<SqlType> type = first_type();
      if (type) type = array_of(*type);
      return plain(fmt::format("ARRAY({})", query), type);
    }
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK: {
      const bool is_any = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK;
      const std::string op = link.n_oper_name > 0 ? string_of(link.oper_name[link.n_oper_name - 1]) : "=";
      std::string test;
      bool is_jsonb = false;
      if (link.testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        const PgQuery__RowExpr& row = *link.testexpr->row_expr;
        if (columns.is_complete && columns.columns.size() != row.n_args) {
          throw located(Error(ErrorCode::SyntaxError, columns.columns.size() < row.n_args
                                                          ? "subquery has too few columns"
                                                          : "subquery has too many columns"),
                        link.location);
        }
        for (std::size_t i = 0; i < row.n_args; ++i) {
          Typed part = expression(row.args[i], scope);
          if (columns.is_complete && columns.columns[i].type)
            part = coerced(std::move(part), *columns.columns[i].type);
          test += (i > 0 ? ", " : "(") + part.text;
        }
        test += ')';
      } else {
        if (columns.is_complete && columns.columns.size() != 1) {
          throw located(Error(ErrorCode::SyntaxError, "subquery has too many columns"), link.location);
        }
        Typed value = expression(link.testexpr, scope);
        if (first_type()) value = coerced(std::move(value), *first_type());
        is_jsonb = value.has_type(TypeId::Jsonb) && first_type() == SqlType::of(TypeId::Jsonb);
        test = operand(is_jsonb ? jsonb_key(std::move(value)) : value);
      }
      const std::string rows = is_jsonb ? jsonb_rows(query) : query;
      if (is_any && op == "=") return plain(fmt::format("{} IN ({})", test, rows), boolean, false);
      return plain(fmt::format("{} {} {} ({})", test, op, is_any ? "ANY" : "ALL", rows), boolean, false);
    }
    default:
      refuse("this form of subquery", link.location);
  }
}

}  // namespace tickstone::sql
