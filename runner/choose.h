/* SPDX-License-Identifier: GPL-2.0-only */
/* Options that choose instances, for the commands that run them. */
#pragma once

#include "host.h"
#include "instance.h"

struct choice {
	const char *mode;	/* only this one, or NULL */
	const char *names;	/* file with a pattern a line, "-" for standard input, or NULL */
	struct axes axes;
	unsigned int shard, shards;	/* one part of that many, from 0; 0 parts: everything */
};

/* Whether an argument names an image file rather than a pattern. */
bool operand_is_file(const char *word);

/*
 * Adds the variants of a list like "mmio,restore" (native mmio fep restore fresh all)
 * or the irqchips of one like "user,split". False, complained of, for a word that
 * is none.
 */
bool choose_variants(struct choice *choice, const char *list);
bool choose_irqchips(struct choice *choice, const char *list);
/* One part of the instances, as "2/3". False, complained of, if it is no such thing. */
bool choose_shard(struct choice *choice, const char *text);
/* The most vCPUs that a case may have, 1 to SMP_MAX. False, complained of, for another. */
bool choose_cpus(struct choice *choice, const char *number);

/*
 * Loads and selects what choice and the arguments (patterns and .elf files) say.
 * False, complained of, if that is nothing or something is malformed.
 */
bool choose_suite(struct suite *suite, const struct choice *choice, char **args,
		  unsigned int nargs, bool *own_files);

/*
 * Opens the target at path and chooses from the arguments alone. Unless STATUS_OK nothing is left
 * open, and it was complained of.
 */
enum status choose_on(struct target *target, struct suite *suite, const char *path, char **args,
		      unsigned int nargs);
