/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must agree in a case with several vCPUs: which there are, that each has
 * code and something to be judged by, and which of them acts on the VM as a whole.
 */
#include <inttypes.h>

#include "image_check.h"

struct cpus {			/* state of the walk over a case's records */
	const struct mg_case *tc;
	unsigned int cpu;	/* whose records these are */
	unsigned int expectations[SMP_MAX];
};

/* What reaches beyond the vCPU itself: one thread alone may do it (runner/smp.c). */
static bool acts_on_vm(unsigned int action)
{
	switch (action) {
	case ACT_WRITE:
	case ACT_ENTRY:
	case ACT_MEMSLOT:
	case ACT_DIRTY_LOG:
	case ACT_COLLECT_DIRTY:
	case ACT_CLEAR_DIRTY:
	case ACT_IRQ_LINE:
	case ACT_MSI:
	case ACT_ROUTE:
	case ACT_IOEVENTFD:
	case ACT_EVENTFD_IS:
	case ACT_IRQFD:
	case ACT_SIGNAL_IRQFD:
	case ACT_COALESCE:
	case ACT_UNCOALESCE:
	case ACT_COALESCED_IS:
	case ACT_ENABLE_CAP:
	case ACT_MSR_FILTER:
	case ACT_CALL:
	case ACT_POKE:
	case ACT_PEEK:
		return true;
	default:
		return false;
	}
}

static char *check_action(const struct cpus *c, const struct record *record)
{
	if (record->sub == ACT_SNAPSHOT)
		return xstrdup("a case with several vCPUs is not saved between its steps: the "
			       "variant restore does so at every `meet`");
	if (c->cpu && acts_on_vm(record->sub))
		return xasprintf("it acts on the whole VM, or may: put it under `vcpu 0`, not "
				 "`vcpu %u`", c->cpu);
	return NULL;
}

static char *check_one(struct cpus *c, const struct record *record)
{
	switch (record->kind) {
	case REC_CPU:
		c->cpu = (unsigned int)record_value(record, F_value, 0);
		return c->cpu < c->tc->cpus ? NULL :
			xasprintf("the case has vCPUs 0 to %u: is `smp %u` missing before it?",
				  c->tc->cpus - 1, c->cpu + 1);
	case REC_OPERAND:
		return xstrdup("the operand page in MMIO space is for cases with one vCPU: "
			       "use `memory`");
	case REC_ACTION:
		return check_action(c, record);
	case REC_EXPECT:
		c->expectations[c->cpu] += record->sub != STEP_MEET;
		return NULL;
	default:
		return NULL;
	}
}

/* A case with one vCPU has nobody to meet. */
static char *check_single(const struct mg_case *tc, const struct record **at)
{
	for (u32 i = 0; i < tc->nrecords; i++) {
		const struct record *record = *at = &tc->records[i];

		if (record->kind == REC_CPU ||
		    (record->kind == REC_EXPECT && record->sub == STEP_MEET))
			return xstrdup("the case has one vCPU: say `smp 2` first");
	}
	return NULL;
}

char *smp_check(const struct mg_case *tc, const struct record **at)
{
	struct cpus c = { .tc = tc };
	char *reason;

	if (tc->cpus == 1)
		return check_single(tc, at);
	for (u32 i = 0; i < tc->nrecords; i++) {
		*at = &tc->records[i];
		reason = check_one(&c, *at);
		if (reason)
			return reason;
	}
	*at = NULL;
	if (tc->rings != RING_0)
		return xstrdup("a case with several vCPUs runs at CPL 0: remove `rings`");
	for (unsigned int i = 0; i < tc->cpus; i++) {
		if (!tc->entries[i])
			return xasprintf("vCPU %u has no code: add `vcpu %u`", i, i);
		if (!c.expectations[i])
			return xasprintf("vCPU %u expects nothing: add an `expect`", i);
	}
	return NULL;
}
