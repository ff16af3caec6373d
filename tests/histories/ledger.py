# SPDX-License-Identifier: Apache-2.0
"""What sessions know of what they did, and the wrong answers that they saw."""
import threading


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.problems = []
        self.committed = {}  # what: set or list of what was acknowledged
        self.counts = {}

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def add(self, what, value):
        with self.lock:
            self.committed.setdefault(what, []).append(value)

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + by

    def values(self, what):
        with self.lock:
            return list(self.committed.get(what, ()))

    def check(self, is_right, text):
        if not is_right:
            self.problem(text)
