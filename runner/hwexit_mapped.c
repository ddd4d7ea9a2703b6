// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of a vCPU's exits that a target maps beside kvm_run: an extension of Assay's
 * own hypervisor, whose layout and rules are in kmod/ring.h. It needs no right but that to
 * the device, no tracefs and no call of the kernel, and is each vCPU's own.
 */
#include "hwexit.h"

#include <stdlib.h>

#include "../kmod/ring.h"

#define MAPPED_KEPT (ASSAY_RING_ENTRIES - 1u)	/* that can be read however the writer goes on */

struct mapped {
	struct hwexit_source source;
	const struct assay_exit_ring *ring;	/* of the vCPU aimed at last, or NULL */
	u32 isa;
	u64 next;				/* number of the exit to be read next */
};

static struct mapped *mapped_of(struct hwexit_source *source)
{
	return (struct mapped *)source;
}

static u64 head_of(const struct assay_exit_ring *ring)
{
	return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
}

bool hwexit_mapped_check(const void *mapping, char **why)
{
	const struct assay_exit_ring *ring = mapping;

	if (ring->version == ASSAY_RING_VERSION)
		return true;
	*why = xasprintf("the target's ring of exits has version %u, and this program knows %u: "
			 "take both from one release", ring->version,
			 (unsigned int)ASSAY_RING_VERSION);
	return false;
}

/* Nothing is left in another vCPU's ring: it was read after that one ran. */
static bool aim(struct hwexit_source *source, const void *mapping, struct hwexit_config *config,
		char **why)
{
	struct mapped *mapped = mapped_of(source);
	const struct assay_exit_ring *ring = mapping;

	if (!hwexit_mapped_check(ring, why))
		return false;
	mapped->ring = ring;
	mapped->isa = ring->isa;
	mapped->next = head_of(ring);
	*config = (struct hwexit_config){
		.known = true,
		.nested = ring->flags & ASSAY_RING_NESTED,
		.unrestricted = ring->flags & ASSAY_RING_UNRESTRICTED,
	};
	return true;
}

/* What VMX tells of an interrupted event stands where the tracepoint has it: in info2. */
static void take(const struct mapped *mapped, const struct assay_exit_entry *entry,
		 struct hwexit *exit)
{
	bool vmx = mapped->isa == HWEXIT_VMX;

	*exit = (struct hwexit){
		.isa = mapped->isa,
		.reason = (u32)entry->code,
		.rip = entry->rip,
		.info1 = entry->info1,
		.info2 = vmx ? entry->interrupted : entry->info2,
		.intr_info = vmx ? entry->event : entry->interrupted,
		.error_code = vmx ? entry->event_error : entry->interrupted_error,
	};
}

/* Leaves `kept` exits to be read at most. */
static void skip_overwritten(struct mapped *mapped, u64 head, u64 kept,
			     struct hwexit_missed *missed)
{
	if (head - mapped->next <= kept)
		return;
	missed->overrun += head - kept - mapped->next;
	mapped->next = head - kept;
}

static bool next(struct hwexit_source *source, struct hwexit *exit, struct hwexit_missed *missed)
{
	struct mapped *mapped = mapped_of(source);
	const struct assay_exit_ring *ring = mapped->ring;
	struct assay_exit_entry entry;
	u64 head;

	if (!ring)
		return false;
	head = head_of(ring);
	if (head < mapped->next) {	/* no hypervisor does that: somebody wrote over it */
		missed->lost++;
		mapped->next = head;
	}
	while (head > mapped->next) {
		skip_overwritten(mapped, head, MAPPED_KEPT, missed);
		entry = ring->entries[mapped->next % ASSAY_RING_ENTRIES];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		head = head_of(ring);
		/* Overwritten meanwhile: the oldest that is left soon will be as well. */
		if (head - mapped->next > MAPPED_KEPT) {
			skip_overwritten(mapped, head, MAPPED_KEPT / 2, missed);
			continue;
		}
		mapped->next++;
		take(mapped, &entry, exit);
		return true;
	}
	return false;
}

/* It records whether anybody looks or not. */
static void start(struct hwexit_source *source)
{
	(void)source;
}

/* The vCPU may have ended since it last ran, and its ring with it: it is not looked at again. */
static void stop(struct hwexit_source *source)
{
	mapped_of(source)->ring = NULL;
}

static void close_mapped(struct hwexit_source *source)
{
	free(mapped_of(source));
}

static const struct hwexit_source_ops ops = {
	.aim = aim, .start = start, .stop = stop, .next = next, .close = close_mapped,
};

struct hwexit_source *hwexit_open_mapped(void)
{
	struct mapped *mapped = xcalloc(1, sizeof(*mapped));

	mapped->source.ops = &ops;
	return &mapped->source;
}
