// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/settings.hpp"

namespace tickstone::engine {

/// The values of a SET, or the one of a configuration file, as SHOW prints them: `64MB`, `5min`, `on`.
/// Errors: InvalidParameterValue; FeatureNotSupported for what PostgreSQL has and we do not.
std::string checked_value(const SettingDefinition& definition, const std::vector<std::string>& values);

/// What pg_settings has of a shown value: a number in the setting's unit, without the unit.
std::string plain_value(const SettingDefinition& definition, const std::string& shown);

/// An integer setting's shown value as a number in the setting's unit.
std::int64_t number_of(const SettingDefinition& definition, const std::string& shown);

/// A shown value of a memory setting in bytes.
std::int64_t bytes_of(const SettingDefinition& definition, const std::string& shown);
/// The other way round, whatever the bounds are.
std::string shown_bytes(const SettingDefinition& definition, std::int64_t bytes);

}  // namespace tickstone::engine
