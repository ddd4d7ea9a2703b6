/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a record may say. Internal to the loader: image.c decodes, these judge.
 * Every function returns NULL if all is well, else the reason (to be freed).
 */
#pragma once

#include "image.h"

/* A record as the source calls it: "expect io_out", "action set_msr", "given". */
const char *record_title(const struct record *record, char *buffer, size_t size);

/* The record alone: kind, sub, which fields it has, their shape and range. */
char *record_check(const struct record *record);

/* How a record's fields agree with each other and with the image's mode. */
char *record_sense(const struct image *image, const struct record *record);

/*
 * A whole case: order of its records, memory it names, registers it judges.
 * *at becomes the record the reason is about, or NULL for the case itself.
 */
char *case_check(const struct mg_case *tc, const struct record **at);

/* The same for what a case with several vCPUs must keep to, and one without must not have. */
char *smp_check(const struct mg_case *tc, const struct record **at);
