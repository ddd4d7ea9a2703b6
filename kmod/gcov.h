/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What gcc leaves in an object that counts its lines, as of GCC's libgcc/libgcov.h: for gcov.c,
 * which no other build than that for coverage has.
 */
#pragma once

#include <linux/types.h>

/* How many kinds of counters there are, and whether there is a checksum, goes by gcc. */
#if __GNUC__ < 12 || __GNUC__ > 15
#error "the layout of this compiler's counters is not known here: build with gcc 12 to 15"
#elif __GNUC__ < 14
#define GCOV_COUNTERS 8
#elif __GNUC__ < 15
#define GCOV_COUNTERS 9
#else
#define GCOV_COUNTERS 10
#endif

typedef s64 gcov_type;

struct gcov_ctr_info {
	unsigned int num;
	gcov_type *values;
};

struct gcov_fn_info {
	const struct gcov_info *key;		/* whose it is */
	unsigned int ident;
	unsigned int lineno_checksum;
	unsigned int cfg_checksum;
	struct gcov_ctr_info ctrs[];		/* of the kinds that the object has */
};

struct gcov_info {
	unsigned int version;
	struct gcov_info *next;
	unsigned int stamp;
	unsigned int checksum;
	const char *filename;
	void (*merge[GCOV_COUNTERS])(gcov_type *counters, unsigned int count);
	unsigned int n_functions;
	const struct gcov_fn_info *const *functions;
};

/* In gcov_begin.c and gcov_end.c: where the pointers to all objects' begin; NULL is the last. */
extern const struct gcov_info *const gcov_first[];

/* The module's own beginning and end: its objects are compiled with these names (Kbuild). */
int counted_init(void);
void counted_exit(void);

void __gcov_merge_add(gcov_type *counters, unsigned int count);
