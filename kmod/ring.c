// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of the processor's exits, one page beside kvm_run; ring.h says how it is read.
 * User space may write to the page. So nothing is ever read from it: the number of the
 * next exit is the vCPU's own, and so is everything that decides where is written.
 */
#include "internal.h"
#include "ring.h"

static_assert(sizeof(struct assay_exit_ring) <= PAGE_SIZE);
static_assert(ASSAY_RING_PAGE < ASSAY_RUN_PAGES);

static struct assay_exit_ring *ring_of(struct assay_vcpu *vcpu)
{
	return page_address(vcpu->pages[ASSAY_RING_PAGE]);
}

void assay_ring_init(struct assay_vcpu *vcpu)
{
	struct assay_exit_ring *ring = ring_of(vcpu);

	ring->version = ASSAY_RING_VERSION;
	ring->isa = vendor->isa;
	ring->flags = ASSAY_RING_NESTED;	/* which is required */
	if (!vendor->unrestricted || vendor->unrestricted())
		ring->flags |= ASSAY_RING_UNRESTRICTED;
}

/* Only the thread that runs the vCPU writes: it holds the vCPU's lock. */
void assay_ring_exit(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	struct assay_exit_ring *ring = ring_of(vcpu);
	u64 number = vcpu->exits++;

	ring->entries[number % ASSAY_RING_ENTRIES] = (struct assay_exit_entry){
		.code = exit->code, .info1 = exit->info1, .info2 = exit->info2,
		.rip = vcpu->state.rip, .tsc = rdtsc(),
		.event = exit->hw_event, .event_error = exit->hw_event_error,
		.interrupted = exit->hw_interrupted,
		.interrupted_error = exit->hw_interrupted_error,
	};
	/* The entry before its number; and that before the next entry (the next smp_wmb). */
	smp_wmb();
	WRITE_ONCE(ring->head, number + 1);
	smp_wmb();
}
