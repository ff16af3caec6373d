# SPDX-License-Identifier: Apache-2.0
"""The library of DuckDB that the program is linked to, asked directly: what it reads in a file that we wrote, and files for us to read."""
import ctypes
import re
import subprocess

from cli_case import PROGRAM


class Result(ctypes.Structure):
    _fields_ = [("column_count", ctypes.c_uint64), ("row_count", ctypes.c_uint64), ("rows_changed", ctypes.c_uint64),
                ("columns", ctypes.c_void_p), ("error", ctypes.c_char_p), ("internal", ctypes.c_void_p)]


def load():
    linked = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
    library = ctypes.CDLL(re.search(r"libduckdb\S* => (\S+)", linked)[1])
    for name, result in (("duckdb_column_count", ctypes.c_uint64), ("duckdb_row_count", ctypes.c_uint64), ("duckdb_value_varchar", ctypes.c_void_p),
                         ("duckdb_value_is_null", ctypes.c_bool), ("duckdb_result_error", ctypes.c_char_p), ("duckdb_column_name", ctypes.c_char_p)):
        getattr(library, name).restype = result
    return library


class DuckDb:
    """A database in memory."""

    def __init__(self):
        self.library = load()
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.library.duckdb_open(None, ctypes.byref(self.database)) == 0
        assert self.library.duckdb_connect(self.database, ctypes.byref(self.connection)) == 0

    def query(self, sql):
        """Rows of texts, None for NULL."""
        result = Result()
        status = self.library.duckdb_query(self.connection, sql.encode(), ctypes.byref(result))
        try:
            if status != 0:
                raise AssertionError(self.library.duckdb_result_error(ctypes.byref(result)).decode())
            columns, rows = self.library.duckdb_column_count(ctypes.byref(result)), self.library.duckdb_row_count(ctypes.byref(result))
            return [[self.value(result, column, row) for column in range(columns)] for row in range(rows)]
        finally:
            self.library.duckdb_destroy_result(ctypes.byref(result))

    def value(self, result, column, row):
        place = ctypes.byref(result), ctypes.c_uint64(column), ctypes.c_uint64(row)
        if self.library.duckdb_value_is_null(*place):
            return None
        text = self.library.duckdb_value_varchar(*place)
        try:
            return ctypes.string_at(text).decode()
        finally:
            self.library.duckdb_free(ctypes.c_void_p(text))

    def types(self, path):
        """Names and types of a file's columns."""
        return {row[0]: row[1] for row in self.query(f"DESCRIBE SELECT * FROM '{path}'")}

    def rows(self, path):
        """What a file holds, as texts."""
        return self.query(f"SELECT COLUMNS(*)::VARCHAR FROM '{path}'")

    def close(self):
        self.library.duckdb_disconnect(ctypes.byref(self.connection))
        self.library.duckdb_close(ctypes.byref(self.database))
