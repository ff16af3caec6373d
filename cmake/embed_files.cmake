# SPDX-License-Identifier: Apache-2.0
# cmake -D ROOT=<folder> -D OUTPUT=<file.cpp> -D FILES=<a;b> -P embed_files.cmake: writes a source that holds the text of files, by
# their paths below ROOT.
set(source "// Generated from the files below. \n#include \"market/schema_files.hpp\"\n\nnamespace tickstone::market {\n\n")
string(APPEND source "const std::vector<SchemaFile>& schema_files() {\n  static const std::vector<SchemaFile> files = {\n")
foreach(name IN LISTS FILES)
  file(READ "${ROOT}/${name}" text)
  if(text MATCHES "[)]__file\"")
    message(FATAL_ERROR "${name} holds the delimiter )__file\"")
  endif()
  string(APPEND source "      {\"${name}\", R\"__file(${text})__file\"},\n")
endforeach()
string(APPEND source "  };\n  return files;\n}\n\n}  // namespace tickstone::market\n")
file(WRITE "${OUTPUT}" "${source}")
