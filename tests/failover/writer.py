# SPDX-License-Identifier: Apache-2.0
"""writer.py URL LEDGER: writes rows until it is told to end (SIGTERM), and notes in the ledger each one that was acknowledged.

A lost connection is not its end: it connects again, to whichever of the URL's hosts takes writes, and writes the row whose fate it
does not know once more.
"""
import signal
import sys
import threading
import time

import psycopg2

THREADS = 4
ended = threading.Event()


def write(url, thread, ledger, lock):
    number = 0
    connection = None
    while not ended.is_set():
        row = (thread, number)
        try:
            if connection is None:
                connection = psycopg2.connect(url)
            with connection, connection.cursor() as cursor:
                cursor.execute("INSERT INTO ledger (writer, number) VALUES (%s, %s) ON CONFLICT DO NOTHING", row)
        except psycopg2.Error:
            if connection is not None:
                connection.close()
            connection = None
            time.sleep(0.1)
            continue
        with lock:
            ledger.write(f"{thread} {number}\n")
            ledger.flush()
        number += 1


def main():
    url, path = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    lock = threading.Lock()
    with open(path, "w") as ledger:
        threads = [threading.Thread(target=write, args=(url, i, ledger, lock)) for i in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
