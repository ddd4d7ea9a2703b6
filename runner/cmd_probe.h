/* SPDX-License-Identifier: GPL-2.0-only */
/* assay probe: what this machine offers, what is missing, and what to type. */
#pragma once

#include "util.h"

/* argv[0] is "probe". STATUS_CANNOT if the target does not run a guest. */
enum status cmd_probe(int argc, char **argv);
