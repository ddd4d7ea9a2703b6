# SPDX-License-Identifier: GPL-2.0-only
"""What the coverage report is made of: counters read, compared with what there is to reach,
shown on one page. Each section of the page is a module of its own."""
