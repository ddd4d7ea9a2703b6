/* SPDX-License-Identifier: GPL-2.0-only */
/* What the processor itself has for hypervisors: VMX and SVM, and what is in the way. */
#pragma once

#include "util.h"

struct hardware {
	bool vmx, svm;		/* as CPUID says */
	char *features;		/* "ept vpid unrestricted_guest ..." in the manuals' words, or "" */
	char *trouble;		/* why it cannot be used, and what to do; NULL if nothing shows */
	char *unseen;		/* what could not be looked at, and what to do; or NULL */
};

void hardware_read(struct hardware *hardware);
void hardware_free(struct hardware *hardware);
