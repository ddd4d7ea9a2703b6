// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits answered without the executor: IN and OUT, CPUID, HLT, as hardware tells of them, in
 * their plainest form. Whatever is unusual about one (a prefix, a trap that follows it, a
 * debugger) makes it the executor's, and the result must be the same as there.
 */
#include "peek.h"

#define CPUID_OPCODE 0xa20f
#define CPUID_SIZE 2
#define HLT_OPCODE 0xf4
#define HLT_SIZE 1

/* RIP comes to the next instruction; no carry out of 16 bits, so whatever IP's width is. */
static bool advances(const struct assay_vcpu *vcpu, u64 next_rip)
{
	return next_rip > vcpu->state.rip && !((next_rip ^ vcpu->state.rip) >> 16);
}

/* ---- ports --------------------------------------------------------------------------------- */

/* An eventfd or a coalesced zone has taken the write. */
static noinline bool taken(struct assay_vcpu *vcpu, const struct assay_port *port)
{
	struct x86_io io = {
		.address = port->number, .size = port->size, .port = true, .write = true,
		.count = 1,
	};

	memcpy(io.data, &vcpu->state.gpr[X86_RAX], sizeof(u32));
	return assay_io_write(vcpu, &io);
}

int assay_port(struct assay_vcpu *vcpu, const struct assay_exit *exit)
{
	const struct assay_port *port = &exit->port;
	struct kvm_run *run = vcpu->run;

	if (!assay_plain(vcpu) || !advances(vcpu, port->next_rip))
		return assay_emulate(vcpu);
	if (port->write && assay_io_watched(vcpu->vm) && taken(vcpu, port)) {
		assay_advance(vcpu, port->next_rip);
		return GO_ON;
	}
	vcpu->pending = PENDING_PORT;
	vcpu->port = *port;
	vcpu->port_rip = vcpu->state.rip;
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = port->write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	run->io.size = port->size;
	run->io.port = port->number;
	run->io.count = 1;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	/* As much as any port takes; user space looks at io.size of it. */
	if (port->write)
		memcpy(assay_pio_data(vcpu), &vcpu->state.gpr[X86_RAX], sizeof(u32));
	return LEAVE;
}

int assay_complete_port(struct assay_vcpu *vcpu)
{
	u64 *rax = &vcpu->state.gpr[X86_RAX];
	u32 data = 0;

	vcpu->pending = PENDING_NONE;
	/* User space has sent the vCPU elsewhere meanwhile: there is nothing to complete. */
	if (vcpu->state.rip != vcpu->port_rip)
		return GO_ON;
	assay_advance(vcpu, vcpu->port.next_rip);
	if (vcpu->port.write)
		return GO_ON;
	memcpy(&data, assay_pio_data(vcpu), vcpu->port.size);
	/* Like any 32-bit result EAX clears the upper half (SDM 1 3.4.1.1). */
	if (vcpu->port.size == 4)
		*rax = data;
	else
		*rax = (*rax & ~(u64)(vcpu->port.size == 2 ? 0xffff : 0xff)) | data;
	return GO_ON;
}

/* ---- instructions that are their opcode -------------------------------------------------- */

/*
 * Whether this is at RIP, its first byte lowest, in 64-bit code, where that is the linear address.
 * Hardware has fetched from there, so nothing is marked as accessed.
 */
static bool stands_at_rip(struct assay_vcpu *vcpu, u64 opcode, unsigned int size)
{
	const struct x86_state *s = &vcpu->state;
	struct assay_peek peek;
	u64 bytes;
	bool got;

	if (!x86_code64(s) || (s->rip & ~PAGE_MASK) > PAGE_SIZE - sizeof(bytes))
		return false;
	assay_peek_begin(&peek, &vcpu->vm->memory);
	got = assay_peek_code(vcpu, &peek, &bytes, 1);
	return assay_peek_end(&peek) && got && !((bytes ^ opcode) << (64 - 8 * size));
}

int assay_fast_cpuid(struct assay_vcpu *vcpu)
{
	u64 *gpr = vcpu->state.gpr;
	u32 regs[4];

	assay_state_look_code(vcpu);
	if (!assay_plain(vcpu) || !stands_at_rip(vcpu, CPUID_OPCODE, CPUID_SIZE))
		return assay_emulate(vcpu);
	assay_cpuid(vcpu, gpr[X86_RAX], gpr[X86_RCX], regs);
	gpr[X86_RAX] = regs[0];
	gpr[X86_RBX] = regs[1];
	gpr[X86_RCX] = regs[2];
	gpr[X86_RDX] = regs[3];
	assay_advance(vcpu, vcpu->state.rip + CPUID_SIZE);
	return GO_ON;
}

int assay_fast_hlt(struct assay_vcpu *vcpu)
{
	assay_state_look_code(vcpu);
	if (!assay_plain(vcpu) || x86_cpl(&vcpu->state) ||
	    !stands_at_rip(vcpu, HLT_OPCODE, HLT_SIZE))
		return assay_emulate(vcpu);
	assay_advance(vcpu, vcpu->state.rip + HLT_SIZE);
	vcpu->state.activity = X86_HALTED;
	return GO_ON;
}
