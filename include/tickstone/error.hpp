// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tickstone {

/// What went wrong, one code for one SQLSTATE; `sqlstate()` names it.
enum class ErrorCode : std::uint8_t {
  SuccessfulCompletion,          // 00000
  Warning,                       // 01000
  ConnectionFailure,             // 08006
  ProtocolViolation,             // 08P01
  FeatureNotSupported,           // 0A000
  CardinalityViolation,          // 21000
  StringDataRightTruncation,     // 22001
  NumericValueOutOfRange,        // 22003
  NullValueNotAllowed,           // 22004
  InvalidDatetimeFormat,         // 22007
  DatetimeFieldOverflow,         // 22008
  InvalidTimeZoneDisplacement,   // 22009
  SubstringError,                // 22011
  DivisionByZero,                // 22012
  InvalidArgumentForNtile,       // 22014
  InvalidArgumentForNthValue,    // 22016
  InvalidRegularExpression,      // 2201B
  InvalidArgumentForLogarithm,   // 2201E
  InvalidArgumentForPower,       // 2201F
  InvalidWidthBucketArgument,    // 2201G
  InvalidRowCountInLimit,        // 2201W
  InvalidRowCountInOffset,       // 2201X
  SequenceLimitExceeded,         // 2200H
  IntervalFieldOverflow,         // 22015
  CharacterNotInRepertoire,      // 22021
  InvalidParameterValue,         // 22023
  InvalidTextRepresentation,     // 22P02
  InvalidBinaryRepresentation,   // 22P03
  BadCopyFileFormat,             // 22P04
  UntranslatableCharacter,       // 22P05
  NotNullViolation,              // 23502
  ForeignKeyViolation,           // 23503
  UniqueViolation,               // 23505
  CheckViolation,                // 23514
  WithCheckOptionViolation,      // 44000
  InvalidCursorState,            // 24000
  InvalidTransactionState,       // 25000
  ActiveSqlTransaction,          // 25001
  ReadOnlySqlTransaction,        // 25006
  NoActiveSqlTransaction,        // 25P01
  InFailedSqlTransaction,        // 25P02
  IdleInTransactionTimeout,      // 25P03
  InvalidSqlStatementName,       // 26000
  InvalidAuthorization,          // 28000
  InvalidPassword,               // 28P01
  DependentObjectsStillExist,    // 2BP01
  InvalidCursorName,             // 34000
  InvalidSavepoint,              // 3B001
  InvalidCatalogName,            // 3D000
  InvalidSchemaName,             // 3F000
  SerializationFailure,          // 40001
  DeadlockDetected,              // 40P01
  SyntaxError,                   // 42601
  InsufficientPrivilege,         // 42501
  CannotCoerce,                  // 42846
  GroupingError,                 // 42803
  WindowingError,                // 42P20
  InvalidForeignKey,             // 42830
  NameTooLong,                   // 42622
  ReservedName,                  // 42939
  DatatypeMismatch,              // 42804
  IndeterminateDatatype,         // 42P18
  WrongObjectType,               // 42809
  UndefinedColumn,               // 42703
  UndefinedFunction,             // 42883
  UndefinedTable,                // 42P01
  UndefinedParameter,            // 42P02
  UndefinedObject,               // 42704
  DuplicateColumn,               // 42701
  DuplicateAlias,                // 42712
  DuplicateCursor,               // 42P03
  DuplicateDatabase,             // 42P04
  DuplicatePreparedStatement,    // 42P05
  DuplicateSchema,               // 42P06
  DuplicateTable,                // 42P07
  DuplicateFunction,             // 42723
  DuplicateObject,               // 42710
  AmbiguousColumn,               // 42702
  AmbiguousFunction,             // 42725
  AmbiguousParameter,            // 42P08
  InvalidColumnReference,        // 42P10
  InvalidColumnDefinition,       // 42611
  GeneratedAlways,               // 428C9
  InvalidObjectDefinition,       // 42P17
  InvalidTableDefinition,        // 42P16
  InvalidFunctionDefinition,     // 42P13
  InsufficientResources,         // 53000
  DiskFull,                      // 53100
  OutOfMemory,                   // 53200
  TooManyConnections,            // 53300
  ConfigurationLimitExceeded,    // 53400
  ProgramLimitExceeded,          // 54000
  StatementTooComplex,           // 54001
  TooManyColumns,                // 54011
  ObjectNotInPrerequisiteState,  // 55000
  ObjectInUse,                   // 55006
  CantChangeRuntimeParam,        // 55P02
  LockNotAvailable,              // 55P03
  QueryCanceled,                 // 57014
  AdminShutdown,                 // 57P01
  CrashShutdown,                 // 57P02
  CannotConnectNow,              // 57P03
  SystemError,                   // 58000
  IoError,                       // 58030
  UndefinedFile,                 // 58P01
  InternalError,                 // XX000
  DataCorrupted,                 // XX001
  HypertableExists,              // TS110
  HypertableNotExist,            // TS001
  DimensionNotExist,             // TS002
  OperationNotSupported,         // TS101
  BadHypertableIndexDefinition,  // TS103
  DuplicateDimension,            // TS160
  UnexpectedState,               // TS501
};

/// The five characters that PostgreSQL's protocol carries for `code`.
std::string_view sqlstate(ErrorCode code);

/// What can no longer be used after an error: the statement alone, or more.
enum class Damage : std::uint8_t { Statement, Transaction, Session, Database };

/// The one exception type of Tickstone.
///
/// Shape: `what()` is the primary message, lower case and without a full stop; `detail` and `hint` follow
/// PostgreSQL's meaning; `position` is a 1-based character index into the statement's text.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, std::string detail = {}, std::string hint = {},
        std::source_location where = std::source_location::current())
      : std::runtime_error(message),
        code_(code),
        detail_(std::move(detail)),
        hint_(std::move(hint)),
        where_(where) {}

  ErrorCode code() const noexcept { return code_; }
  std::string message() const { return what(); }
  const std::string& detail() const noexcept { return detail_; }
  const std::string& hint() const noexcept { return hint_; }
  std::optional<std::uint32_t> position() const noexcept { return position_; }
  Damage damage() const noexcept { return damage_; }
  const std::source_location& where() const noexcept { return where_; }
  const std::string& context() const noexcept { return context_; }
  const std::string& schema_name() const noexcept { return schema_name_; }
  const std::string& table_name() const noexcept { return table_name_; }
  const std::string& column_name() const noexcept { return column_name_; }
  const std::string& constraint_name() const noexcept { return constraint_name_; }

  Error& at(std::uint32_t position_1based) & { return position_ = position_1based, *this; }
  Error&& at(std::uint32_t position_1based) && { return position_ = position_1based, std::move(*this); }
  Error& damaging(Damage damage) & { return damage_ = damage, *this; }
  Error&& damaging(Damage damage) && { return damage_ = damage, std::move(*this); }
  Error& in_context(std::string context) & { return context_ = std::move(context), *this; }
  Error&& in_context(std::string context) && { return context_ = std::move(context), std::move(*this); }
  Error& about(std::string table, std::string column = {}, std::string constraint = {},
               std::string schema = "public") & {
    schema_name_ = std::move(schema);
    table_name_ = std::move(table);
    column_name_ = std::move(column);
    constraint_name_ = std::move(constraint);
    return *this;
  }
  Error&& about(std::string table, std::string column = {}, std::string constraint = {},
                std::string schema = "public") && {
    about(std::move(table), std::move(column), std::move(constraint), std::move(schema));
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string detail_;
  std::string hint_;
  std::string context_;
  std::string schema_name_;
  std::string table_name_;
  std::string column_name_;
  std::string constraint_name_;
  std::optional<std::uint32_t> position_;
  Damage damage_ = Damage::Statement;
  std::source_location where_;
};

}  // namespace tickstone
