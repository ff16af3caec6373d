// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction_policy.hpp"

#include <algorithm>

#include "storage/numeric_layout.hpp"
#include "storage/row_order.hpp"

namespace tickstone::storage {

namespace {

using Segments = std::vector<std::shared_ptr<SealedSegment>>;

std::uint64_t live_rows(const SealedSegment& sealed) {
  return sealed.segment().row_count() - sealed.ended_count();
}
std::uint64_t live_rows(const Segments& segments) {
  std::uint64_t rows = 0;
  for (const auto& sealed : segments) rows += live_rows(*sealed);
  return rows;
}

std::vector<ColumnView> views_of_range(const SealedSegment& sealed) {
  std::vector<ColumnView> views;
  for (const auto& column : sealed.key_range().columns) views.push_back(column.view());
  return views;
}
/// Whether `a` ends before `b` begins.
bool ends_before(const SealedSegment& a, const SealedSegment& b) {
  return order_rows(views_of_range(a), 1, views_of_range(b), 0).order < 0;
}
bool begins_before(const SealedSegment& a, const SealedSegment& b) {
  return order_rows(views_of_range(a), 0, views_of_range(b), 0).order < 0;
}
bool is_disjoint(const SealedSegment& a, const SealedSegment& b) {
  return ends_before(a, b) || ends_before(b, a);
}

void sort_by_rows(Segments& segments) {
  std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) {
    return std::pair(live_rows(*a), a->number()) < std::pair(live_rows(*b), b->number());
  });
}

/// The smallest segments, as long as the next is not much larger than what was taken.
Segments smallest_tier(Segments segments, std::uint64_t most_rows) {
  sort_by_rows(segments);
  Segments taken;
  std::uint64_t rows = 0;
  for (const auto& sealed : segments) {
    const std::uint64_t next = live_rows(*sealed);
    if (taken.size() >= 2 && (next > 2 * rows || rows + next > most_rows)) break;
    taken.push_back(sealed);
    rows += next;
  }
  return taken;
}

/// Tiers of segments that may hold the same keys; empty where all is well.
Segments choose_tier(const Segments& segments, ChunkActivity activity, const CompactionRules& rules) {
  if (segments.size() <= 1) return {};
  if (activity == ChunkActivity::Active) {
    return segments.size() > rules.max_segments ? smallest_tier(segments, UINT64_MAX) : Segments();
  }
  std::uint64_t largest = 0;
  for (const auto& sealed : segments) largest = std::max(largest, live_rows(*sealed));
  const std::uint64_t others = live_rows(segments) - largest;
  const bool is_little = others * rules.quiet_fraction < largest;
  if (activity == ChunkActivity::Quiet && is_little) {
    return segments.size() > rules.max_segments ? smallest_tier(segments, UINT64_MAX) : Segments();
  }
  return segments;
}

/// Segments that overlap, directly or through others; in the order of their keys.
std::vector<Segments> slices_of(Segments segments) {
  std::sort(segments.begin(), segments.end(),
            [](const auto& a, const auto& b) { return begins_before(*a, *b); });
  std::vector<Segments> slices;
  const SealedSegment* last = nullptr;  // that ends last
  for (auto& sealed : segments) {
    if (last == nullptr || ends_before(*last, *sealed)) slices.emplace_back();
    if (last == nullptr || slices.back().empty() ||
        order_rows(views_of_range(*last), 1, views_of_range(*sealed), 1).order < 0) {
      last = sealed.get();
    }
    slices.back().push_back(std::move(sealed));
  }
  return slices;
}

/// Neighbouring slices that are small enough to be one, none of them most of it.
Segments choose_neighbours(const std::vector<Segments>& slices, ChunkActivity activity,
                           const CompactionRules& rules) {
  const std::size_t least = activity == ChunkActivity::Active ? rules.max_segments : 2;
  for (std::size_t first = 0; first + 1 < slices.size(); ++first) {
    Segments taken;
    std::uint64_t rows = 0;
    std::uint64_t largest = 0;
    Segments chosen;
    for (std::size_t i = first; i < slices.size(); ++i) {
      const std::uint64_t next = live_rows(slices[i]);
      if (rows + next > rules.segment_rows) break;
      rows += next;
      largest = std::max(largest, next);
      taken.insert(taken.end(), slices[i].begin(), slices[i].end());
      const bool is_even = largest * 2 <= rows || activity != ChunkActivity::Active;
      if (i + 1 - first >= least && is_even) chosen = taken;
    }
    if (!chosen.empty()) return chosen;
  }
  return {};
}

CompactionPlan plan_large(const Segments& segments, ChunkActivity activity, const CompactionRules& rules) {
  CompactionPlan plan;
  Segments fresh;
  Segments placed;
  for (const auto& sealed : segments) (sealed->level() == 0 ? fresh : placed).push_back(sealed);
  auto choose = [&](Segments inputs, std::uint8_t level) {
    plan.choice.emplace();
    plan.choice->inputs = std::move(inputs);
    plan.choice->level = level;
  };
  Segments alone;
  for (const auto& sealed : fresh) {
    if (live_rows(*sealed) * 8 >= rules.segment_rows &&
        std::all_of(segments.begin(), segments.end(),
                    [&](const auto& other) { return other == sealed || is_disjoint(*sealed, *other); })) {
      alone.push_back(sealed);
    }
  }
  const auto slices = slices_of(placed);
  for (const auto& slice : slices) plan.depth = std::max(plan.depth, slice.size());
  plan.depth += fresh.size();
  if (!alone.empty()) {
    choose(std::move(alone), 1);
    plan.choice->is_promotion = true;
    plan.depth = 1;
    return plan;
  }
  const std::uint64_t most_rows = 4 * rules.segment_rows;
  if (fresh.size() > rules.max_segments || (activity != ChunkActivity::Active && !fresh.empty())) {
    if (slices.empty()) {
      if (fresh.size() > 1) choose(smallest_tier(fresh, most_rows), 1);
    } else if (activity != ChunkActivity::Active ||
               live_rows(fresh) >= slices.size() * rules.least_piece_rows) {
      Segments inputs;
      std::uint64_t rows = 0;
      sort_by_rows(fresh);
      for (const auto& sealed : fresh) {
        if (!inputs.empty() && rows + live_rows(*sealed) > most_rows) break;
        rows += live_rows(*sealed);
        inputs.push_back(sealed);
      }
      choose(std::move(inputs), 1);
      for (std::size_t i = 1; i < slices.size(); ++i) {
        const auto first = views_of_range(*slices[i].front());
        auto& columns = plan.choice->boundaries.columns;
        for (std::size_t c = 0; c < first.size(); ++c) {
          if (columns.size() <= c) columns.emplace_back(first[c].type, first[c].layout);
          columns[c].append_from(first[c], 0);
        }
      }
    } else {
      choose(smallest_tier(fresh, most_rows), 0);
    }
    if (plan.choice) return plan;
  }
  const Segments* deepest = nullptr;
  Segments tier;
  for (const auto& slice : slices) {
    if (deepest != nullptr && slice.size() <= deepest->size()) continue;
    auto chosen = choose_tier(slice, activity, rules);
    if (chosen.empty()) continue;
    deepest = &slice;
    tier = std::move(chosen);
  }
  if (tier.empty()) tier = choose_neighbours(slices, activity, rules);
  if (!tier.empty()) choose(std::move(tier), 1);
  return plan;
}

}  // namespace

CompactionPlan plan_compaction(const Segments& segments, ChunkActivity activity,
                               const CompactionRules& rules) {
  CompactionPlan plan;
  plan.depth = segments.size();
  for (const auto& sealed : segments) {
    if (sealed->ended_count() * rules.ended_fraction <= sealed->segment().row_count()) continue;
    plan.choice.emplace();
    plan.choice->inputs = {sealed};
    plan.choice->level = sealed->level();
    return plan;
  }
  if (segments.size() <= 1) return plan;
  if (live_rows(segments) > rules.segment_rows) return plan_large(segments, activity, rules);
  auto tier = choose_tier(segments, activity, rules);
  if (tier.empty()) return plan;
  plan.choice.emplace();
  plan.choice->inputs = std::move(tier);
  return plan;
}

}  // namespace tickstone::storage
