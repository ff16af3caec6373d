# SPDX-License-Identifier: Apache-2.0
# tickstone_module() and tickstone_test(): what a src/<module>/CMakeLists.txt is made of. tools/modules.txt says
# which modules there are and what each may depend on.

set(TICKSTONE_MODULES "")
file(STRINGS "${PROJECT_SOURCE_DIR}/tools/modules.txt" lines REGEX "^[a-z]+:")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tools/modules.txt")
foreach(line IN LISTS lines)
  string(REGEX MATCH "^([a-z]+): *(.*)$" matched "${line}")
  set(module "${CMAKE_MATCH_1}")
  separate_arguments(TICKSTONE_MAY_INCLUDE_${module} UNIX_COMMAND "${CMAKE_MATCH_2}")
  list(APPEND TICKSTONE_MODULES ${module})
endforeach()
if(TICKSTONE_WITHOUT_DUCKDB)
  set(TICKSTONE_MODULES base types storage catalog sql pgwire client market)
endif()

# The headers of include/tickstone/ as tickstone::public.
function(tickstone_public_headers)
  file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/tickstone/*.hpp")
  add_library(tickstone_public INTERFACE)
  add_library(tickstone::public ALIAS tickstone_public)
  target_compile_features(tickstone_public INTERFACE cxx_std_20)
  target_sources(tickstone_public INTERFACE FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES
                                            ${headers})
  set_target_properties(tickstone_public PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

# tickstone_module(<module>
#   SOURCES <file>...          .cpp files, one a line
#   HEADERS <file>...          headers that other modules may include (each is compiled alone, without LINK);
#                              left out: every .hpp of the folder that is not in PRIVATE_HEADERS
#   PRIVATE_HEADERS <file>...  headers that only this module includes
#   DEPENDS <module>...        modules whose headers it includes; the module's line in tools/modules.txt allows them
#   LINK <target>...           libraries from outside that no header of HEADERS includes
#   LINK_PUBLIC <target>...)   libraries from outside that its headers include
#
# Makes the static library tickstone_<module>, alias tickstone::<module>. Without SOURCES it is an INTERFACE library.
function(tickstone_module module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;PRIVATE_HEADERS;DEPENDS;LINK;LINK_PUBLIC")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tickstone_module(${module}): do not know ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT module IN_LIST TICKSTONE_MODULES)
    message(FATAL_ERROR "module ${module} is not in tools/modules.txt")
  endif()
  foreach(depend IN LISTS arg_DEPENDS)
    if(NOT depend IN_LIST TICKSTONE_MAY_INCLUDE_${module})
      message(FATAL_ERROR "module ${module} may not depend on ${depend}: see tools/modules.txt")
    endif()
  endforeach()

  if(NOT arg_HEADERS)
    file(
      GLOB_RECURSE arg_HEADERS CONFIGURE_DEPENDS
      RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}"
      "${CMAKE_CURRENT_SOURCE_DIR}/*.hpp")
    list(FILTER arg_HEADERS EXCLUDE REGEX "^test/")
    if(arg_PRIVATE_HEADERS)
      list(REMOVE_ITEM arg_HEADERS ${arg_PRIVATE_HEADERS})
    endif()
  endif()

  set(target tickstone_${module})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES} ${arg_PRIVATE_HEADERS})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE tickstone_compiler ${arg_LINK})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${target} INTERFACE ${arg_LINK})
  endif()
  add_library(tickstone::${module} ALIAS ${target})
  list(TRANSFORM arg_DEPENDS PREPEND tickstone::)
  target_link_libraries(${target} ${scope} tickstone::public ${arg_DEPENDS} ${arg_LINK_PUBLIC})
  target_include_directories(${target} ${scope} "${PROJECT_SOURCE_DIR}/src")
  if(arg_HEADERS)
    target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/src" FILES ${arg_HEADERS})
    set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  endif()
  set_target_properties(${target} PROPERTIES TICKSTONE_LINK "${arg_LINK}")
endfunction()

# tickstone_test(<module> <file>... [LINK <target>...]): makes tickstone_<module>_test of the files under test/, one
# GoogleTest program and one ctest a module. Files named *_property.cpp bring RapidCheck.
function(tickstone_test module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK")
  if(NOT TICKSTONE_DEVELOPER_MODE OR NOT arg_UNPARSED_ARGUMENTS)
    return()
  endif()
  set(target tickstone_${module}_test)
  add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
  get_target_property(link tickstone_${module} TICKSTONE_LINK)
  target_link_libraries(
    ${target} PRIVATE tickstone_compiler tickstone::${module} ${link} ${arg_LINK} GTest::gmock GTest::gtest_main)
  if(arg_UNPARSED_ARGUMENTS MATCHES "_property\\.cpp")
    target_link_libraries(${target} PRIVATE rapidcheck rapidcheck_gtest)
  endif()
  add_test(NAME ${module} COMMAND ${target} --gtest_brief=1)
  # One seed in ctest, so that a run says the same twice; the program started by hand takes a new one each time.
  set_tests_properties(${module} PROPERTIES LABELS "unit;${module}" ENVIRONMENT "RC_PARAMS=seed=20250102")
endfunction()
