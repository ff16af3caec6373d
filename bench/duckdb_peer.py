#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""DuckDB as a process of its own, for the benchmarks: a line of SQL in, a line of answer out.

    duckdb_peer.py LIBRARY FILE

An answer is `ok`, seconds, number of rows and the first row's values, or `error` and a message; fields end at tabs. The library is the one
that Tickstone is built with, called through its C interface.
"""
import ctypes
import sys
import time


class Result(ctypes.Structure):
    _fields_ = [("columns", ctypes.c_uint64), ("rows", ctypes.c_uint64), ("changed", ctypes.c_uint64), ("data", ctypes.c_void_p),
                ("error", ctypes.c_char_p), ("internal", ctypes.c_void_p)]


def load(path):
    lib = ctypes.CDLL(path)
    lib.duckdb_open.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    lib.duckdb_connect.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    lib.duckdb_query.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(Result)]
    lib.duckdb_result_error.argtypes = [ctypes.POINTER(Result)]
    lib.duckdb_result_error.restype = ctypes.c_char_p
    for count in (lib.duckdb_column_count, lib.duckdb_row_count):
        count.argtypes = [ctypes.POINTER(Result)]
        count.restype = ctypes.c_uint64
    lib.duckdb_value_varchar.argtypes = [ctypes.POINTER(Result), ctypes.c_uint64, ctypes.c_uint64]
    lib.duckdb_value_varchar.restype = ctypes.c_void_p
    lib.duckdb_free.argtypes = [ctypes.c_void_p]
    lib.duckdb_destroy_result.argtypes = [ctypes.POINTER(Result)]
    return lib


def one_line(text):
    return text.decode(errors="replace").replace("\t", " ").replace("\n", " ")


def value(lib, result, column):
    text = lib.duckdb_value_varchar(ctypes.byref(result), column, 0)
    if not text:
        return ""
    try:
        return one_line(ctypes.string_at(text))
    finally:
        lib.duckdb_free(text)


def answer(lib, connection, sql):
    result = Result()
    began = time.perf_counter()
    state = lib.duckdb_query(connection, sql.encode(), ctypes.byref(result))
    taken = time.perf_counter() - began
    try:
        if state != 0:
            return "error\t" + one_line(lib.duckdb_result_error(ctypes.byref(result)) or b"no message")
        rows = lib.duckdb_row_count(ctypes.byref(result))
        columns = lib.duckdb_column_count(ctypes.byref(result)) if rows else 0
        return "\t".join(["ok", repr(taken), str(rows), *(value(lib, result, c) for c in range(columns))])
    finally:
        lib.duckdb_destroy_result(ctypes.byref(result))


def main():
    lib = load(sys.argv[1])
    database, connection = ctypes.c_void_p(), ctypes.c_void_p()
    if lib.duckdb_open(sys.argv[2].encode(), ctypes.byref(database)) != 0 or lib.duckdb_connect(database, ctypes.byref(connection)) != 0:
        raise SystemExit(f"duckdb_peer: {sys.argv[2]} cannot be opened")
    print("ready", flush=True)
    for line in sys.stdin:
        print(answer(lib, connection, line.rstrip("\n")), flush=True)


if __name__ == "__main__":
    main()
