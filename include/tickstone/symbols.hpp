// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/batch_result.hpp>
#include <tickstone/database_manager.hpp>

namespace tickstone {

/// A row of `symbols`.
struct Symbol {
  std::string symbol;
  std::optional<std::string> name;
  std::optional<std::string> type;
  std::optional<std::string> market;
  std::optional<std::string> currency;
  bool active = true;
  std::optional<Json> metadata;
  std::optional<Timestamp> last_updated;  // when it was stored or changed; none in storing: now
};

/// What the system knows about a symbol.
struct SymbolInfo {
  Symbol symbol;
  std::vector<std::string> groups;  // by name
};

/// A row of `data_collection_status`: how the collection of a symbol's data went last.
struct CollectionStatus {
  std::string symbol;
  std::string data_type;
  std::optional<std::string> date_range;
  std::optional<Timestamp> collection_time;  // none in storing: now
  std::string status;
  std::int32_t num_records = 0;
  std::optional<Json> details;
};

struct SymbolGroup {
  std::string name;
  std::size_t symbol_count = 0;
  friend bool operator==(const SymbolGroup&, const SymbolGroup&) = default;
};

/// Stores symbols whole: what is not given is NULL afterwards. A symbol that differs in nothing but
/// `last_updated` is unchanged. Delisted symbols are stored with `active` false, not removed. Rejected: no
/// symbol, metadata that is not a JSON object. Errors: of one row, CheckViolation (23514) with the reason.
BatchResult store_symbols(Executor& executor, std::span<const Symbol> symbols);
BatchResult store_symbols(Executor& executor, const Symbol& symbol);
/// Nothing where it is not known.
std::optional<SymbolInfo> get_symbol_info(Executor& executor, std::string_view symbol);
/// By name; of one type where it is given.
std::vector<std::string> get_active_symbols(Executor& executor,
                                            std::optional<std::string_view> type = std::nullopt);

/// Puts symbols into a group; those in it stay as they are.
BatchResult add_to_symbol_group(Executor& executor, std::string_view group,
                                std::span<const std::string> symbols);
/// Returns how many were in it.
std::size_t remove_from_symbol_group(Executor& executor, std::string_view group,
                                     std::span<const std::string> symbols);
/// By name; none where there is no such group.
std::vector<std::string> get_symbol_group(Executor& executor, std::string_view group);
std::vector<SymbolGroup> get_symbol_groups(Executor& executor);

/// Says how a collection went, in place of what was said before. Rejected: no symbol, data type or status, a
/// negative count. Errors: CheckViolation (23514) with the reason.
BatchResult update_collection_status(Executor& executor, const CollectionStatus& status);
std::optional<CollectionStatus> get_collection_status(Executor& executor, std::string_view symbol,
                                                      std::string_view data_type);
/// All of a symbol, by data type.
std::vector<CollectionStatus> get_collection_status(Executor& executor, std::string_view symbol);

}  // namespace tickstone
