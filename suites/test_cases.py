# SPDX-License-Identifier: GPL-2.0-only
"""Every instance of every case as a pytest item (see conftest.py)."""


def test_case(instance, batch):
    batch.judge(instance)
