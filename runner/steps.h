/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs in single steps, which tell what a case executes: every instruction by its form,
 * and whether the target emulated it. A case runs otherwise than when it is judged: TF is
 * set, interrupts come elsewhere. What comes of it counts for nothing.
 */
#pragma once

#include "forms.h"

struct engine;

struct steps {
	struct form_set executed[FORM_PATHS];
	u64 count;		/* instructions */
	u64 unfinished;		/* linear address of what waits for an MMIO access */
	bool waits;
	bool more;		/* and others, at full speed: it made too many */
};

/*
 * One KVM_RUN of e in steps, up to an exit that is not one; 0 or an errno. What was
 * executed is added to *e->steps.
 */
int steps_run(struct engine *e);
void steps_clear(struct steps *steps);
