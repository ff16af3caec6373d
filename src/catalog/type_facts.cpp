// SPDX-License-Identifier: Apache-2.0
#include "catalog/type_facts.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "catalog/name_lookup.hpp"
#include "catalog/object_names.hpp"

namespace tickstone::catalog {
namespace {

// pg_type of PostgreSQL 15: oid, name, length, by value, kind, category, preferred, alignment, storage,
// collation, element, array type; functions for input, output, receive, send, modifier input and output.
constexpr std::string_view kTypes = R"(
16 bool 1 t b B t c p 0 0 1000 boolin boolout boolrecv boolsend - -
17 bytea -1 f b U f i x 0 0 1001 byteain byteaout bytearecv byteasend - -
18 char 1 t b Z f c p 0 0 1002 charin charout charrecv charsend - -
19 name 64 f b S f c p 950 18 1003 namein nameout namerecv namesend - -
20 int8 8 t b N f d p 0 0 1016 int8in int8out int8recv int8send - -
21 int2 2 t b N f s p 0 0 1005 int2in int2out int2recv int2send - -
22 int2vector -1 f b A f i p 0 21 1006 int2vectorin int2vectorout int2vectorrecv int2vectorsend - -
23 int4 4 t b N f i p 0 0 1007 int4in int4out int4recv int4send - -
24 regproc 4 t b N f i p 0 0 1008 regprocin regprocout regprocrecv regprocsend - -
25 text -1 f b S t i x 100 0 1009 textin textout textrecv textsend - -
26 oid 4 t b N t i p 0 0 1028 oidin oidout oidrecv oidsend - -
27 tid 6 f b U f s p 0 0 1010 tidin tidout tidrecv tidsend - -
28 xid 4 t b U f i p 0 0 1011 xidin xidout xidrecv xidsend - -
29 cid 4 t b U f i p 0 0 1012 cidin cidout cidrecv cidsend - -
30 oidvector -1 f b A f i p 0 26 1013 oidvectorin oidvectorout oidvectorrecv oidvectorsend - -
114 json -1 f b U f i x 0 0 199 json_in json_out json_recv json_send - -
700 float4 4 t b N f i p 0 0 1021 float4in float4out float4recv float4send - -
701 float8 8 t b N t d p 0 0 1022 float8in float8out float8recv float8send - -
1033 aclitem 12 f b U f i p 0 0 1034 aclitemin aclitemout - - - -
1042 bpchar -1 f b S f i x 100 0 1014 bpcharin bpcharout bpcharrecv bpcharsend bpchartypmodin bpchartypmodout
1043 varchar -1 f b S f i x 100 0 1015 varcharin varcharout varcharrecv varcharsend varchartypmodin varchartypmodout
1082 date 4 t b D f i p 0 0 1182 date_in date_out date_recv date_send - -
1083 time 8 t b D f d p 0 0 1183 time_in time_out time_recv time_send timetypmodin timetypmodout
1114 timestamp 8 t b D f d p 0 0 1115 timestamp_in timestamp_out timestamp_recv timestamp_send timestamptypmodin timestamptypmodout
1184 timestamptz 8 t b D t d p 0 0 1185 timestamptz_in timestamptz_out timestamptz_recv timestamptz_send timestamptztypmodin timestamptztypmodout
1186 interval 16 f b T t d p 0 0 1187 interval_in interval_out interval_recv interval_send intervaltypmodin intervaltypmodout
1700 numeric -1 f b N f i m 0 0 1231 numeric_in numeric_out numeric_recv numeric_send numerictypmodin numerictypmodout
2205 regclass 4 t b N f i p 0 0 2210 regclassin regclassout regclassrecv regclasssend - -
2206 regtype 4 t b N f i p 0 0 2211 regtypein regtypeout regtyperecv regtypesend - -
2950 uuid 16 f b U f c p 0 0 2951 uuid_in uuid_out uuid_recv uuid_send - -
3802 jsonb -1 f b U f i x 0 0 3807 jsonb_in jsonb_out jsonb_recv jsonb_send - -
4096 regrole 4 t b N f i p 0 0 4097 regrolein regroleout regrolerecv regrolesend - -
4089 regnamespace 4 t b N f i p 0 0 4090 regnamespacein regnamespaceout regnamespacerecv regnamespacesend - -
9120 timestamp_ns 8 t b D f d p 0 0 9121 timestamp_ns_in timestamp_ns_out timestamp_ns_recv timestamp_ns_send - -
9122 candlestick -1 f b U f d x 0 0 9123 candlestick_in candlestick_out candlestick_recv candlestick_send - -
705 unknown -2 f p X f c p 0 0 0 unknownin unknownout unknownrecv unknownsend - -
2249 record -1 f p P f d x 0 0 2287 record_in record_out record_recv record_send - -
2275 cstring -2 f p P f c p 0 0 1263 cstring_in cstring_out cstring_recv cstring_send - -
2276 any 4 t p P f i p 0 0 0 any_in any_out - - - -
2277 anyarray -1 f p P f d x 0 0 0 anyarray_in anyarray_out anyarray_recv anyarray_send - -
2278 void 4 t p P f i p 0 0 0 void_in void_out void_recv void_send - -
2279 trigger 4 t p P f i p 0 0 0 trigger_in trigger_out - - - -
2280 language_handler 4 t p P f i p 0 0 0 language_handler_in language_handler_out - - - -
2281 internal 8 t p P f d p 0 0 0 internal_in internal_out - - - -
2283 anyelement 4 t p P f i p 0 0 0 anyelement_in anyelement_out - - - -
3500 anyenum 4 t p P f i p 0 0 0 anyenum_in anyenum_out - - - -
2776 anynonarray 4 t p P f i p 0 0 0 anynonarray_in anynonarray_out - - - -
3838 event_trigger 4 t p P f i p 0 0 0 event_trigger_in event_trigger_out - - - -
5077 anycompatible 4 t p P f i p 0 0 0 anycompatible_in anycompatible_out - - - -
5078 anycompatiblearray -1 f p P f d x 0 0 0 anycompatiblearray_in anycompatiblearray_out anycompatiblearray_recv anycompatiblearray_send - -
5079 anycompatiblenonarray 4 t p P f i p 0 0 0 anycompatiblenonarray_in anycompatiblenonarray_out - - - -
)";

std::string absent_if_dash(std::string name) { return name == "-" ? std::string() : name; }

TypeFacts array_of(const TypeFacts& element) {
  TypeFacts array;
  array.oid = element.array;
  array.name = "_" + element.name;
  array.length = -1;
  array.category = element.name == "record" ? 'P' : 'A';
  array.align = element.align == 'd' ? 'd' : 'i';
  array.storage = 'x';
  array.collation = element.collation;
  array.element = element.oid;
  array.input = "array_in";
  array.output = "array_out";
  array.receive = "array_recv";
  array.send = "array_send";
  array.modifier_in = element.modifier_in;
  array.modifier_out = element.modifier_out;
  return array;
}

std::vector<TypeFacts> read_types() {
  std::vector<TypeFacts> types;
  std::istringstream lines{std::string(kTypes)};
  for (TypeFacts type; lines >> type.oid;) {
    char by_value = 'f';
    char preferred = 'f';
    lines >> type.name >> type.length >> by_value >> type.kind >> type.category >> preferred >> type.align >>
        type.storage >> type.collation >> type.element >> type.array >> type.input >> type.output >>
        type.receive >> type.send >> type.modifier_in >> type.modifier_out;
    type.by_value = by_value == 't';
    type.is_preferred = preferred == 't';
    for (std::string* name : {&type.receive, &type.send, &type.modifier_in, &type.modifier_out}) {
      *name = absent_if_dash(*name);
    }
    types.push_back(type);
  }
  // Each type's array type follows from it.
  const std::size_t scalar_count = types.size();
  for (std::size_t i = 0; i < scalar_count; ++i) {
    const TypeFacts& element = types[i];
    if (element.array == 0) continue;
    TypeFacts array = array_of(element);
    array.kind = element.kind;
    types.push_back(array);
  }
  return types;
}

}  // namespace

const std::vector<TypeFacts>& all_type_facts() {
  static const std::vector<TypeFacts> all = read_types();
  return all;
}

const TypeFacts* find_type_facts(Oid oid) {
  static const auto by_oid = [] {
    std::map<Oid, const TypeFacts*> map;
    for (const auto& type : all_type_facts()) map[type.oid] = &type;
    return map;
  }();
  const auto found = by_oid.find(oid);
  return found == by_oid.end() ? nullptr : found->second;
}

const TypeFacts* find_type_facts(std::string_view name) {
  for (const auto& type : all_type_facts()) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

TypeFacts facts_of(const TypeObject& type) {
  TypeFacts facts;
  if (type.kind == TypeObject::Kind::Enum) {
    facts.length = 4;
    facts.by_value = true;
    facts.kind = 'e';
    facts.category = 'E';
    facts.array = type.oid + 1;
    facts.input = "enum_in";
    facts.output = "enum_out";
    facts.receive = "enum_recv";
    facts.send = "enum_send";
  } else {
    if (const TypeFacts* base = find_type_facts(oid_of(type.base))) facts = *base;
    facts.kind = 'd';
    facts.array = facts.element = 0;
    facts.is_preferred = false;
    facts.input = "domain_in";
    facts.receive = "domain_recv";
    facts.modifier_in.clear();
    facts.modifier_out.clear();
  }
  facts.oid = type.oid;
  facts.name = type.name;
  return facts;
}

std::optional<TypeFacts> find_any_type(const Catalog& catalog, Oid oid) {
  if (const TypeFacts* facts = find_type_facts(oid)) return *facts;
  const TypeObject* type = catalog.find_type(oid);
  if (type == nullptr) return std::nullopt;
  const TypeFacts facts = facts_of(*type);
  if (type->oid == oid) return facts;
  return facts.array == oid ? std::optional(array_of(facts)) : std::nullopt;
}

TypeFacts array_facts_of(const TypeFacts& element) { return array_of(element); }

std::string type_text(const Catalog& catalog, const RunningFacts& facts, Oid oid, std::int32_t modifier) {
  if (const TypeObject* type = catalog.find_type(oid)) {
    const auto path = effective_search_path(facts);
    const std::string& schema = catalog.find_schema(type->schema)->name;
    const auto visible = std::find_if(path.begin(), path.end(), [&](const std::string& searched) {
      return catalog.find_type(searched, type->name) != nullptr;
    });
    const bool is_visible = visible != path.end() && *visible == schema;
    const std::string name = is_visible ? quote_identifier(type->name) : qualified_name(schema, type->name);
    return name + (oid == type->oid ? "" : "[]");
  }
  const auto type = type_from_oid(oid, modifier);
  return type ? to_sql(*type) : std::to_string(oid);
}

std::string type_text(const Catalog& catalog, const RunningFacts& facts, const ColumnObject& column) {
  if (column.domain != 0) return type_text(catalog, facts, column.domain, -1);
  return column.type.id == TypeId::Enum ? type_text(catalog, facts, oid_of(column.type), -1)
                                        : to_sql(column.type);
}

}  // namespace tickstone::catalog
