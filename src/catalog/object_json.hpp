// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "catalog/objects.hpp"

namespace tickstone::catalog {

/// An object as the body of its row in the objects table, and back. Fields that have their default are left
/// out, and unknown ones are ignored, so that a store made by another version reads.
/// Errors of decoding: DataCorrupted.
std::string encode_object(const DatabaseObject& database);
std::string encode_object(const SchemaObject& schema);
std::string encode_object(const RelationObject& relation);
std::string encode_object(const RoleObject& role);
std::string encode_object(const ExtensionObject& extension);
std::string encode_object(const JobObject& job);
std::string encode_object(const FunctionObject& function);
std::string encode_object(const TypeObject& type);

DatabaseObject decode_database(std::string_view body);
SchemaObject decode_schema(std::string_view body);
RelationObject decode_relation(std::string_view body);
RoleObject decode_role(std::string_view body);
ExtensionObject decode_extension(std::string_view body);
JobObject decode_job(std::string_view body);
FunctionObject decode_function(std::string_view body);
TypeObject decode_type(std::string_view body);

}  // namespace tickstone::catalog
