# SPDX-License-Identifier: Apache-2.0
"""The database layer under the name that the guide's code imports; it lives in the package tickstone."""
from tickstone import *  # noqa: F403
from tickstone import __all__  # noqa: F401
