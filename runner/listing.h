/* SPDX-License-Identifier: GPL-2.0-only */
/* A case's code with its steps between the instructions: assay show, artifacts. */
#pragma once

#include "disasm.h"

#define LISTING_NO_MARK (~0ull)

/*
 * Adds the code from the case's entry to where the next case begins, of each of its
 * vCPUs, one instruction a line, and after each the steps that stand there, with number and
 * source line. memory is the guest's, STAGE_RAM bytes, or NULL for what the image
 * says; the instruction at mark gets an arrow.
 */
void sb_listing(struct strbuf *sb, const struct mg_case *tc, const u8 *memory, u64 mark);

/*
 * The code of one of its vCPUs alone: from its entry to where the next case's begins.
 * False if it begins outside the image. The bytes are memory's or the image's; no
 * anchors.
 */
bool case_code(const struct mg_case *tc, unsigned int cpu, const u8 *memory, struct code *code);
