// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iterator>

#include <tickstone/error.hpp>

#include "types/sql_type.hpp"

namespace tickstone::fuzzing {

inline const SqlType kTypes[] = {SqlType::of(TypeId::Boolean),       SqlType::of(TypeId::SmallInt),
                                 SqlType::of(TypeId::Integer),       SqlType::of(TypeId::BigInt),
                                 SqlType::of(TypeId::Real),          SqlType::of(TypeId::Double),
                                 SqlType::of(TypeId::Numeric),       SqlType::numeric(10, 3),
                                 SqlType::of(TypeId::Text),          SqlType::of(TypeId::Char),
                                 SqlType::of(TypeId::Bytea),         SqlType::of(TypeId::Date),
                                 SqlType::of(TypeId::Time),          SqlType::of(TypeId::Timestamp),
                                 SqlType::of(TypeId::TimestampTz),   SqlType::of(TypeId::TimestampNs),
                                 SqlType::of(TypeId::Interval),      SqlType::of(TypeId::Uuid),
                                 SqlType::of(TypeId::Json),          SqlType::of(TypeId::Jsonb),
                                 SqlType::of(TypeId::Oid),           SqlType::of(TypeId::InternalChar),
                                 SqlType::array_of(TypeId::Integer), SqlType::array_of(TypeId::Text),
                                 SqlType::array_of(TypeId::Numeric), SqlType::array_of(TypeId::Date),
                                 SqlType::array_of(TypeId::Jsonb)};
inline constexpr std::size_t kTypeCount = std::size(kTypes);

/// Refusing is right; crashing is not.
template <typename Action>
void refuse_or(Action&& action) {
  try {
    action();
  } catch (const Error&) {
  }
}

}  // namespace tickstone::fuzzing
