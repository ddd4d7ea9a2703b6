# SPDX-License-Identifier: GPL-2.0-only
"""make bench-kmod: what the module and stock KVM cost in instructions, counted in the svm lab."""
