# SPDX-License-Identifier: Apache-2.0
# The front door. `make` prints what there is; everything else is CMake's (CMakePresets.json).

PRESET ?= release
JOBS ?= $(shell nproc)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)

.PHONY: help setup configure program build headers run test bench soak lint format tidy clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing: Debian packages, DuckDB, sample data
	@tools/setup.sh

configure: setup
	@test -f build/$(PRESET)/build.ninja || cmake --preset $(PRESET)

build: configure ## Build everything; the program is build/tickstone
	@cmake --build --preset $(PRESET)

# The program alone, without the tests.
program: configure
	@cmake --build --preset $(PRESET) --target tickstone

headers: configure
	@cmake --build --preset $(PRESET) --target all_verify_interface_header_sets

run: program ## Load sample data into data/demo and serve it on 127.0.0.1:5433
	@tools/run.sh

test: build headers ## Build, then run every test
	@ctest --preset $(PRESET) -j 2

bench: program ## Measure, against the peers that are found
	@bench/run.sh

soak: program ## Crash rounds, fuzzing, damage, properties, memory, for long (tests/soak/run.sh says how); into docs/soak.md
	@tests/soak/run.sh

lint: ## Check layering, registration, headers, links and format
	@python3 tests/lint/run.py .

format: ## Format the sources
	@git ls-files -co --exclude-standard '*.hpp' '*.cpp' | xargs -r clang-format-16 -i

tidy: configure ## Run clang-tidy over src/ (slow)
	@tools/tidy.sh build/$(PRESET)

clean: ## Remove what was built; .deps and data stay
	@rm -rf build
