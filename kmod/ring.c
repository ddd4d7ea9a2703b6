// SPDX-License-Identifier: GPL-2.0-only
/* The ring of the processor's exits, one page beside kvm_run: see ring.h. */
#include "internal.h"
#include "ring.h"

void assay_ring_exit(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	struct assay_exit_ring *ring = page_address(vcpu->pages[ASSAY_RING_PAGE]);
	u64 number = vcpu->exits++;
	struct assay_exit_entry *entry = &ring->entries[number % ASSAY_RING_ENTRIES];

	*entry = (struct assay_exit_entry){
		.code = exit->code, .info1 = exit->info1, .info2 = exit->info2,
		.rip = vcpu->state.rip, .tsc = rdtsc(),
	};
	smp_wmb();	/* the entry, before it is counted */
	WRITE_ONCE(ring->isa, vendor->isa);
	WRITE_ONCE(ring->count, number + 1);
}
