/* SPDX-License-Identifier: GPL-2.0-only */
/* What the checks of an entry into a guest say: which rule of the manual a state breaks. */
#pragma once

struct x86_rule {
	const char *name;
	const char *section;	/* of APM or SDM */
};
