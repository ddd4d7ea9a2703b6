/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands that use a target. argv[0] is their name. */
#pragma once

#include "util.h"

enum status cmd_run(int argc, char **argv);
enum status cmd_probe(int argc, char **argv);
enum status cmd_forms(int argc, char **argv);
enum status cmd_bench(int argc, char **argv);
