/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of a microguest as text, in the words of microguest.inc. */
#pragma once

#include "image.h"

/* Adds "expect io_out, port=0x10, size=1, data=0x41". */
void sb_record(struct strbuf *sb, const struct record *record);

/* The case's step of that index (REC_EXPECT and REC_ACTION count), or NULL. */
const struct record *case_step(const struct mg_case *tc, int step);

/* True for records that are a step or belong to one; the others set the stage. */
bool record_is_step(const struct record *record);

/* A string field, or an empty string; to be freed. */
char *record_string(const struct record *record, u16 id);

/*
 * Adds the case's records of one kind, each one's F_text, between commas (REC_REF,
 * REC_NEED, REC_HW); returns how many there are.
 */
unsigned int sb_texts(struct strbuf *sb, const struct mg_case *tc, u16 kind);

/* "user", "split", "kernel"; "native", "mmio", "fep". */
const char *irqchip_name(unsigned int irqchip);
const char *path_name(unsigned int path);
