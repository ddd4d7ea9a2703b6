/* SPDX-License-Identifier: GPL-2.0-only */
/* The command that writes reports anew. argv[0] is its name. */
#pragma once

#include "util.h"

enum status cmd_report(int argc, char **argv);
