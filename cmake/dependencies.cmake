# SPDX-License-Identifier: Apache-2.0
# Everything from outside, as imported targets:
#   duckdb::duckdb  pg_query::pg_query  Boost::headers  OpenSSL::SSL  OpenSSL::Crypto  gsasl::gsasl  prometheus::core
#   zstd::zstd  ZLIB::ZLIB  xxhash::xxhash  FastFloat::fast_float  fmt::fmt  spdlog::spdlog  CLI11::CLI11
#   libzip::libzip  nlohmann_json::nlohmann_json  edit::edit  PostgreSQL::PostgreSQL  Threads::Threads
#   GTest::gtest_main  GTest::gmock  benchmark::benchmark  rapidcheck

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(FastFloat REQUIRED)
find_package(zstd REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED)
if(NOT TARGET zstd::zstd)
  add_library(zstd::zstd INTERFACE IMPORTED)
  target_link_libraries(zstd::zstd INTERFACE zstd::libzstd_shared)
endif()

# tickstone_find_library(<target> HEADER <header> LIBRARY <name>): a library that brings no CMake package.
function(tickstone_find_library target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;LIBRARY" "LINK")
  string(MAKE_C_IDENTIFIER "TICKSTONE_${target}" prefix)
  find_path(${prefix}_INCLUDE "${arg_HEADER}" REQUIRED)
  find_library(${prefix}_LIBRARY "${arg_LIBRARY}" REQUIRED)
  mark_as_advanced(${prefix}_INCLUDE ${prefix}_LIBRARY)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(
    ${target} PROPERTIES IMPORTED_LOCATION "${${prefix}_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${${prefix}_INCLUDE}"
                         INTERFACE_LINK_LIBRARIES "${arg_LINK}")
endfunction()

tickstone_find_library(xxhash::xxhash HEADER xxhash.h LIBRARY xxhash)
tickstone_find_library(protobuf_c::protobuf_c HEADER protobuf-c/protobuf-c.h LIBRARY protobuf-c)
tickstone_find_library(pg_query::pg_query HEADER pg_query/pg_query.pb-c.h LIBRARY pg_query LINK protobuf_c::protobuf_c)

find_package(PostgreSQL REQUIRED)

if(NOT TICKSTONE_WITHOUT_DUCKDB)
  find_package(OpenSSL REQUIRED)
  find_package(Boost 1.74 REQUIRED)
  find_package(CLI11 REQUIRED)
  # Its CMake package asks for what only its exposer and pusher need.
  tickstone_find_library(prometheus::core HEADER prometheus/text_serializer.h LIBRARY prometheus-cpp-core)
  tickstone_find_library(gsasl::gsasl HEADER gsasl.h LIBRARY gsasl)
  tickstone_find_library(libzip::libzip HEADER zip.h LIBRARY zip)
  tickstone_find_library(edit::edit HEADER editline/readline.h LIBRARY edit)

  # DuckDB: the one named, else the one that tools/setup.sh put into $TICKSTONE_DEPS or .deps.
  set(duckdb_dir "${TICKSTONE_DUCKDB_DIR}")
  if(NOT duckdb_dir AND DEFINED ENV{TICKSTONE_DEPS})
    set(duckdb_dir "$ENV{TICKSTONE_DEPS}/duckdb")
  elseif(NOT duckdb_dir)
    set(duckdb_dir "${PROJECT_SOURCE_DIR}/.deps/duckdb")
  endif()
  find_library(TICKSTONE_DUCKDB_LIBRARY duckdb PATHS "${duckdb_dir}" PATH_SUFFIXES lib NO_DEFAULT_PATH)
  find_path(TICKSTONE_DUCKDB_INCLUDE duckdb/main/client_context.hpp PATHS "${duckdb_dir}" PATH_SUFFIXES include
            NO_DEFAULT_PATH)
  mark_as_advanced(TICKSTONE_DUCKDB_LIBRARY TICKSTONE_DUCKDB_INCLUDE)
  if(NOT TICKSTONE_DUCKDB_LIBRARY OR NOT TICKSTONE_DUCKDB_INCLUDE)
    message(FATAL_ERROR "no DuckDB in ${duckdb_dir}: run tools/setup.sh, or name one with -DTICKSTONE_DUCKDB_DIR")
  endif()
  add_library(duckdb::duckdb SHARED IMPORTED GLOBAL)
  set_target_properties(
    duckdb::duckdb PROPERTIES IMPORTED_LOCATION "${TICKSTONE_DUCKDB_LIBRARY}" IMPORTED_SONAME libduckdb.so
                              INTERFACE_INCLUDE_DIRECTORIES "${TICKSTONE_DUCKDB_INCLUDE}")
endif()

if(TICKSTONE_DEVELOPER_MODE)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
  find_package(rapidcheck REQUIRED)
endif()
