/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands that only look: assay list and assay show. argv[0] is their name. */
#pragma once

#include "util.h"

enum status cmd_list(int argc, char **argv);
enum status cmd_show(int argc, char **argv);
