# SPDX-License-Identifier: GPL-2.0-only
"""What `ci/check` is made of: targets by name, runs of them, one summary."""
