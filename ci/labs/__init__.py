# SPDX-License-Identifier: GPL-2.0-only
"""Labs: emulated hardware with virtualisation extensions, on which a distribution's
kernel runs a command. docs/labs.md says how to use them and how they work."""
