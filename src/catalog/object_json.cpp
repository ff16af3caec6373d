// SPDX-License-Identifier: Apache-2.0
#include "catalog/object_json.hpp"

#include <type_traits>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

namespace tickstone::catalog {
namespace {

using nlohmann::json;

/// Visits the fields of an object by name: one list of fields serves writing and reading.
class Writer {
 public:
  template <typename T>
  void field(const char* name, const T& value) {
    if (!is_zero(value)) body_[name] = to_json(value);
  }
  /// A field whose default is not its type's zero is always written.
  template <typename T>
  void always(const char* name, const T& value) {
    body_[name] = to_json(value);
  }
  json take() { return std::move(body_); }

  template <typename T>
  static json to_json(const T& value);

  template <typename T>
  static bool is_zero(const T& value);

 private:
  json body_ = json::object();
};

class Reader {
 public:
  explicit Reader(const json& body) : body_(body) {}
  template <typename T>
  void field(const char* name, T& value) {
    const auto found = body_.find(name);
    if (found != body_.end()) from_json(*found, value);
  }
  template <typename T>
  void always(const char* name, T& value) {
    field(name, value);
  }

  template <typename T>
  static void from_json(const json& from, T& value);

 private:
  const json& body_;
};

template <typename Visitor, typename T>
void visit(Visitor& visitor, T& object);

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsPair : std::false_type {};
template <typename A, typename B>
struct IsPair<std::pair<A, B>> : std::true_type {};

template <typename T>
bool Writer::is_zero(const T& value) {
  if constexpr (IsVector<T>::value || std::is_same_v<T, std::string>) {
    return value.empty();
  } else if constexpr (IsOptional<T>::value) {
    return !value.has_value();
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return value == T{};
  } else {
    return false;
  }
}

template <typename T>
json Writer::to_json(const T& value) {
  if constexpr (IsVector<T>::value) {
    json array = json::array();
    for (const auto& element : value) array.push_back(to_json(element));
    return array;
  } else if constexpr (IsOptional<T>::value) {
    return value ? to_json(*value) : json(nullptr);
  } else if constexpr (IsPair<T>::value) {
    return json::array({to_json(value.first), to_json(value.second)});
  } else if constexpr (std::is_same_v<T, char>) {
    return json(static_cast<int>(value));
  } else if constexpr (std::is_enum_v<T>) {
    return json(static_cast<int>(value));
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return json(value);
  } else {
    Writer writer;
    visit(writer, value);
    return writer.take();
  }
}

template <typename T>
void Reader::from_json(const json& from, T& value) {
  if constexpr (IsVector<T>::value) {
    value.clear();
    for (const auto& element : from) from_json(element, value.emplace_back());
  } else if constexpr (IsOptional<T>::value) {
    if (from.is_null()) {
      value.reset();
    } else {
      from_json(from, value.emplace());
    }
  } else if constexpr (IsPair<T>::value) {
    from_json(from.at(0), value.first);
    from_json(from.at(1), value.second);
  } else if constexpr (std::is_same_v<T, char>) {
    value = static_cast<char>(from.get<int>());
  } else if constexpr (std::is_enum_v<T>) {
    value = static_cast<T>(from.get<int>());
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    value = from.get<T>();
  } else {
    if (!from.is_object()) throw Error(ErrorCode::DataCorrupted, "catalog row is not an object");
    Reader reader(from);
    visit(reader, value);
  }
}

// The fields of each type. Names are part of the stored format: append only.

template <typename Visitor, typename T>
void visit(Visitor& v, T& o) {
  using Type = std::remove_const_t<T>;
  if constexpr (std::is_same_v<Type, SqlType>) {
    v.field("id", o.id);
    v.field("array", o.is_array);
    v.always("precision", o.precision);
    v.field("scale", o.scale);
  } else if constexpr (std::is_same_v<Type, GrantObject>) {
    v.field("grantee", o.grantee);
    v.field("grantor", o.grantor);
    v.field("privileges", o.privileges);
    v.field("grantable", o.grantable);
  } else if constexpr (std::is_same_v<Type, SchemaObject>) {
    v.field("oid", o.oid);
    v.field("name", o.name);
    v.field("owner", o.owner);
    v.field("comment", o.comment);
    v.field("has_grants", o.has_grants);
    v.field("grants", o.grants);
  } else if constexpr (std::is_same_v<Type, DefaultRights>) {
    v.field("role", o.role);
    v.field("schema", o.schema);
    v.field("objects", o.objects);
    v.field("grants", o.grants);
  } else if constexpr (std::is_same_v<Type, DatabaseObject>) {
    v.field("comment", o.comment);
    v.field("has_grants", o.has_grants);
    v.field("grants", o.grants);
    v.field("default_rights", o.default_rights);
  } else if constexpr (std::is_same_v<Type, ColumnObject>) {
    v.field("id", o.id);
    v.field("name", o.name);
    v.field("type", o.type);
    v.field("not_null", o.not_null);
    v.field("default", o.default_text);
    v.field("generated", o.generated_text);
    v.field("identity", o.identity);
    v.field("sequence", o.sequence);
    v.field("domain", o.domain);
    v.field("comment", o.comment);
    v.field("grants", o.grants);
  } else if constexpr (std::is_same_v<Type, ConstraintObject>) {
    v.field("oid", o.oid);
    v.field("kind", o.kind);
    v.field("name", o.name);
    v.field("columns", o.columns);
    v.field("check", o.check_text);
    v.field("referenced_table", o.referenced_table);
    v.field("referenced_columns", o.referenced_columns);
    v.always("on_delete", o.on_delete);
    v.always("on_update", o.on_update);
    v.field("index", o.index);
    v.field("matches_full", o.matches_full);
    v.field("deferrable", o.is_deferrable);
    v.field("deferred", o.is_deferred);
    v.field("not_valid", o.is_not_valid);
    v.field("comment", o.comment);
  } else if constexpr (std::is_same_v<Type, IndexObject::Key>) {
    v.field("column", o.column);
    v.field("expression", o.expression_text);
    v.field("descending", o.descending);
    v.field("nulls_first", o.nulls_first);
    v.field("type", o.type);
  } else if constexpr (std::is_same_v<Type, IndexObject>) {
    v.field("oid", o.oid);
    v.field("name", o.name);
    v.field("unique", o.is_unique);
    v.field("primary", o.is_primary);
    v.field("nulls_not_distinct", o.nulls_not_distinct);
    v.always("method", o.method);
    v.field("keys", o.keys);
    v.field("include", o.include);
    v.field("where", o.where_text);
    v.field("key_table", o.key_table);
    v.field("comment", o.comment);
  } else if constexpr (std::is_same_v<Type, HypertableInfo::Dimension>) {
    v.field("id", o.id);
    v.field("column", o.column);
    v.always("is_time", o.is_time);
    v.field("interval", o.interval);
    v.field("partitions", o.partitions);
    v.field("integer_now", o.integer_now_function);
  } else if constexpr (std::is_same_v<Type, HypertableInfo::OrderBy>) {
    v.field("column", o.column);
    v.field("descending", o.descending);
    v.field("nulls_first", o.nulls_first);
  } else if constexpr (std::is_same_v<Type, HypertableInfo::ChunkNote>) {
    v.field("number", o.number);
    v.field("columnstore", o.is_columnstore);
    v.field("segmentby", o.segmentby);
    v.field("orderby", o.orderby);
  } else if constexpr (std::is_same_v<Type, HypertableInfo>) {
    v.field("id", o.id);
    v.field("dimensions", o.dimensions);
    v.field("compression", o.compression_enabled);
    v.field("segmentby", o.compress_segmentby);
    v.field("orderby", o.compress_orderby);
    v.field("compress_interval", o.compress_chunk_interval);
    v.field("skipping", o.skipping_columns);
    v.field("chunk_schema", o.chunk_schema);
    v.field("chunk_prefix", o.chunk_prefix);
    v.field("chunk_notes", o.chunk_notes);
  } else if constexpr (std::is_same_v<Type, AggregateInfo>) {
    v.field("source", o.source_table);
    v.field("definition", o.definition_text);
    v.always("materialized_only", o.materialized_only);
    v.field("bucket_column", o.bucket_column);
    v.field("bucket_width", o.bucket_width);
    v.field("bucket_months", o.bucket_width_months);
    v.field("bucket_function", o.bucket_function_text);
    v.field("watermark", o.watermark);
  } else if constexpr (std::is_same_v<Type, SequenceInfo>) {
    v.always("type", o.type);
    v.always("start", o.start);
    v.always("increment", o.increment);
    v.always("minimum", o.minimum);
    v.always("maximum", o.maximum);
    v.always("cache", o.cache);
    v.field("cycle", o.cycle);
    v.field("owner_table", o.owner_table);
    v.field("owner_column", o.owner_column);
  } else if constexpr (std::is_same_v<Type, RelationObject>) {
    v.field("oid", o.oid);
    v.field("kind", o.kind);
    v.field("schema", o.schema);
    v.field("name", o.name);
    v.field("owner", o.owner);
    v.field("temporary", o.temporary);
    v.field("on_commit", o.on_commit);
    v.field("rewritten_table", o.rewritten_table);
    v.field("columns", o.columns);
    v.always("next_column", o.next_column_id);
    v.field("constraints", o.constraints);
    v.field("indexes", o.indexes);
    v.field("view", o.view_text);
    v.field("depends_on", o.depends_on);
    v.field("hypertable", o.hypertable);
    v.field("aggregate", o.aggregate);
    v.field("sequence", o.sequence);
    v.field("options", o.options);
    v.field("comment", o.comment);
    v.field("grants", o.grants);
  } else if constexpr (std::is_same_v<Type, RoleObject>) {
    v.field("oid", o.oid);
    v.field("name", o.name);
    v.field("verifier", o.verifier);
    v.always("login", o.login);
    v.field("superuser", o.superuser);
    v.field("create_db", o.create_db);
    v.field("create_role", o.create_role);
    v.always("connections", o.connection_limit);
    v.field("valid_until", o.valid_until_us);
    v.field("member_of", o.member_of);
    v.field("comment", o.comment);
  } else if constexpr (std::is_same_v<Type, ExtensionObject>) {
    v.field("oid", o.oid);
    v.field("name", o.name);
    v.field("version", o.version);
    v.field("schema", o.schema);
    v.field("comment", o.comment);
  } else if constexpr (std::is_same_v<Type, FunctionObject::Argument>) {
    v.field("name", o.name);
    v.field("type", o.type);
    v.field("default", o.default_text);
  } else if constexpr (std::is_same_v<Type, FunctionObject>) {
    v.field("oid", o.oid);
    v.field("schema", o.schema);
    v.field("name", o.name);
    v.field("owner", o.owner);
    v.field("procedure", o.is_procedure);
    v.field("arguments", o.arguments);
    v.always("result", o.result);
    v.field("set", o.returns_set);
    v.field("columns", o.columns);
    v.field("body", o.body);
    v.always("volatility", o.volatility);
    v.field("strict", o.is_strict);
    v.field("comment", o.comment);
    v.field("has_grants", o.has_grants);
    v.field("grants", o.grants);
  } else if constexpr (std::is_same_v<Type, TypeObject::Label>) {
    v.field("oid", o.oid);
    v.field("number", o.number);
    v.field("text", o.text);
  } else if constexpr (std::is_same_v<Type, TypeObject::Check>) {
    v.field("oid", o.oid);
    v.field("name", o.name);
    v.field("text", o.text);
    v.field("not_valid", o.is_not_valid);
  } else if constexpr (std::is_same_v<Type, TypeObject>) {
    v.field("oid", o.oid);
    v.field("schema", o.schema);
    v.field("name", o.name);
    v.field("owner", o.owner);
    v.always("kind", o.kind);
    v.field("labels", o.labels);
    v.always("base", o.base);
    v.field("not_null", o.not_null);
    v.field("default", o.default_text);
    v.field("checks", o.checks);
    v.field("comment", o.comment);
  } else {
    static_assert(std::is_same_v<Type, JobObject>);
    v.field("id", o.id);
    v.field("application", o.application_name);
    v.field("proc_schema", o.proc_schema);
    v.field("proc_name", o.proc_name);
    v.field("owner", o.owner);
    v.field("schedule", o.schedule_interval);
    v.always("max_runtime", o.max_runtime);
    v.always("max_retries", o.max_retries);
    v.always("retry_period", o.retry_period);
    v.always("scheduled", o.scheduled);
    v.always("fixed", o.fixed_schedule);
    v.field("initial_start", o.initial_start_us);
    v.field("timezone", o.timezone);
    v.field("relation", o.relation);
    v.field("config", o.config_json);
    v.field("check_schema", o.check_schema);
    v.field("check_name", o.check_name);
  }
}

template <typename T>
std::string encode(const T& object) {
  return Writer::to_json(object).dump(-1, ' ', false, json::error_handler_t::replace);
}

template <typename T>
T decode(std::string_view body, const char* what) {
  try {
    T object;
    Reader::from_json(json::parse(body), object);
    return object;
  } catch (const json::exception& error) {
    throw Error(ErrorCode::DataCorrupted, std::string("catalog row of a ") + what + " cannot be read",
                error.what());
  }
}

}  // namespace

std::string encode_object(const DatabaseObject& database) { return encode(database); }
std::string encode_object(const SchemaObject& schema) { return encode(schema); }
std::string encode_object(const RelationObject& relation) { return encode(relation); }
std::string encode_object(const RoleObject& role) { return encode(role); }
std::string encode_object(const ExtensionObject& extension) { return encode(extension); }
std::string encode_object(const JobObject& job) { return encode(job); }
std::string encode_object(const FunctionObject& function) { return encode(function); }
std::string encode_object(const TypeObject& type) { return encode(type); }

DatabaseObject decode_database(std::string_view body) { return decode<DatabaseObject>(body, "database"); }
SchemaObject decode_schema(std::string_view body) { return decode<SchemaObject>(body, "schema"); }
RelationObject decode_relation(std::string_view body) { return decode<RelationObject>(body, "relation"); }
RoleObject decode_role(std::string_view body) { return decode<RoleObject>(body, "role"); }
ExtensionObject decode_extension(std::string_view body) { return decode<ExtensionObject>(body, "extension"); }
JobObject decode_job(std::string_view body) { return decode<JobObject>(body, "job"); }
FunctionObject decode_function(std::string_view body) { return decode<FunctionObject>(body, "function"); }
TypeObject decode_type(std::string_view body) { return decode<TypeObject>(body, "type"); }

}  // namespace tickstone::catalog
