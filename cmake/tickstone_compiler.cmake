# SPDX-License-Identifier: Apache-2.0
# How every target of ours is compiled. Nothing here leaks to a project that adds this one: the options sit
# on the interface target tickstone_compiler, which our targets link privately.

find_program(TICKSTONE_CCACHE ccache)
if(TICKSTONE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${TICKSTONE_CCACHE}")
endif()

add_library(tickstone_compiler INTERFACE)
target_compile_features(tickstone_compiler INTERFACE cxx_std_20)
target_compile_options(tickstone_compiler INTERFACE -fvisibility=hidden -fvisibility-inlines-hidden)
target_compile_definitions(tickstone_compiler INTERFACE TICKSTONE_VERSION="${PROJECT_VERSION}")

if(TICKSTONE_DEVELOPER_MODE)
  target_compile_options(
    tickstone_compiler
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -Wshadow
              -Wnon-virtual-dtor
              -Woverloaded-virtual
              -Wcast-align
              -Wextra-semi
              -Wformat=2
              -Werror
              # Designated initialisers leave out what has a default: that is what they are for.
              -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(
      tickstone_compiler
      # GCC 12 crashes on DuckDB's headers with it.
      INTERFACE $<$<NOT:$<BOOL:$<TARGET_PROPERTY:TICKSTONE_READS_DUCKDB>>>:-Wduplicated-cond>
                -Wlogical-op
                # GCC 12 reports these of correct library code once it has inlined it (e.g. GCC bug 105651).
                -Wno-restrict
                -Wno-error=array-bounds
                -Wno-error=dangling-pointer
                -Wno-error=maybe-uninitialized
                -Wno-error=stringop-overflow
                -Wno-error=stringop-overread)
  endif()
endif()

if(TICKSTONE_SANITIZE)
  target_compile_options(tickstone_compiler INTERFACE -fsanitize=${TICKSTONE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tickstone_compiler INTERFACE -fsanitize=${TICKSTONE_SANITIZE})
  # With a sanitizer GCC loses track of more flows than it understands.
  target_compile_options(tickstone_compiler INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

# For what sees the public headers and types/: GCC 12 takes an enumerator of a scoped enum (TypeId::Timestamp) for a
# shadow of the public type. Linked after tickstone_compiler.
add_library(tickstone_public_names INTERFACE)
target_compile_options(tickstone_public_names INTERFACE -Wno-shadow)
