// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "storage/log.hpp"
#include "storage/log_format.hpp"
#include "storage/test/fault_scenario.hpp"

namespace tickstone::fuzzing {

/// Inputs of store_fuzz begin with one of these.
enum class StoreInput : std::uint8_t { LogFile, LogRecords, Manifest, ManifestBody, Count };

/// The files of a store that did everything, as a killed process leaves them.
struct StoreFiles {
  storage::PowerLossFileSystem files;
  std::filesystem::path manifest = storage::testing_store::kFaultPath / "MANIFEST";
  std::filesystem::path log;
  std::uint64_t log_number = 0;
};

inline std::unique_ptr<StoreFiles> make_store_files(std::size_t steps) {
  namespace fixture = storage::testing_store;
  storage::PowerLossFileSystem live;
  const auto store = storage::Store::open(fixture::kFaultPath, fixture::fault_options(live));
  fixture::Contents contents;
  for (const auto& step : fixture::fault_steps()) {
    if (steps-- == 0) break;
    step.run(*store, contents);
  }
  auto made = std::make_unique<StoreFiles>();
  const auto files = live.copy();
  for (const auto& path : files->paths()) {
    made->files.open(path, storage::FileSystem::Mode::Create)->write_at(0, files->bytes_of(path));
    if (path.extension() == ".log" && (made->log.empty() || path < made->log)) made->log = path;
  }
  made->log_number = std::stoull(made->log.stem().string());
  return made;
}

/// A manifest whose checksums are right, whatever its body says.
inline std::vector<std::byte> manifest_of(std::span<const std::byte> body) {
  ByteWriter out;
  out.put_raw("TICKMAN1", 8);
  out.put(std::uint32_t{1});
  out.put(std::uint32_t{0});
  out.put(static_cast<std::uint64_t>(body.size()));
  out.put(checksum64(body, checksum64(out.bytes())));
  out.put_bytes(body);
  return out.take();
}
inline constexpr std::size_t kManifestHeaderBytes = 32;

}  // namespace tickstone::fuzzing
