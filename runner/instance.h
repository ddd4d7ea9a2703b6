/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An instance: one case, in its mode, at one privilege level, run in one
 * variant. Instances are what is listed, selected, run and reported.
 *
 * Its name is PATH/CASE@MODE[.ring3][+VARIANT...]:
 *	io/out/imm8_al@long64		CPL 0, no irqchip in the kernel, as it is
 *	io/out/imm8_al@long64.ring3	at CPL 3
 *	emulation/mov/load@prot32+mmio	its operand in MMIO space
 *	emulation/mov/load@prot32+fep	with the forced-emulation prefix
 *	interrupts/lapic/timer@long64+kernel+restore
 */
#pragma once

#include "image.h"

enum path {			/* how the processor comes to the instruction under test */
	PATH_NATIVE,
	PATH_MMIO,
	PATH_FEP,
	PATH_COUNT,
};

struct instance {
	const struct mg_case *tc;
	unsigned int ring;	/* 0 or 3; always 3, and not in the name, in MODE_VM86 */
	unsigned int irqchip;	/* one of IRQCHIP_* */
	enum path path;
	bool restore;		/* the whole VM is saved and built anew at every exit */
	bool fresh;		/* a VM of its own, none reused */
	unsigned int cpu;	/* the vCPU it is about, when the engine takes it apart (smp.h) */
	char *name;
};

/* The axes a person chose on the command line; 0 means "what each case allows". */
struct axes {
	unsigned int irqchips;	/* mask of IRQCHIP_* */
	unsigned int paths;	/* mask of 1 << PATH_* */
	unsigned int cpus;	/* vCPUs at most */
	bool restore;		/* run every instance in this variant ... */
	bool both;		/* ... and also without it */
	bool fresh;
};

struct suite {			/* everything there is to choose from */
	struct image **images;
	unsigned int nimages;
	struct instance *instances;
	unsigned int count;
	u32 *index;		/* numbers of instances by name, until some are selected */
	u32 index_size;
};

/*
 * Loads the embedded images and, when files is not empty, only those files
 * instead. Makes every instance the axes allow. Returns 0, or -1 with a
 * message in *error (freed by the caller).
 */
int suite_load(struct suite *suite, char *const *files, unsigned int nfiles,
	       const struct axes *axes, char **error);
void suite_free(struct suite *suite);

/*
 * Keeps the instances that match at least one pattern, in the suite's order;
 * without patterns, all; of one mode only unless mode is NULL. A pattern is the
 * name of an instance (this one alone), else the beginning of a name at a '/',
 * '@', '.' or '+', or a glob over the whole name. It may end in +restore, +fresh
 * or both, which puts what it selects into that variant. A pattern that matches
 * nothing is an error: -1, with a message that names it and the nearest names;
 * so is an unknown mode, and nothing to choose from at all.
 */
int suite_select(struct suite *suite, char *const *patterns, unsigned int npatterns,
		 const char *mode, char **error);

/*
 * Keeps one part of shards: shard counts from 0. Parts are of about the same cost, and
 * every instance is in exactly one. A part of few instances may be empty.
 */
void suite_shard(struct suite *suite, unsigned int shard, unsigned int shards);
