// SPDX-License-Identifier: GPL-2.0-only
/* Calls with lists, numbers and bitmaps; registers and the exit ring in shared pages. */
#include <string.h>

#include "calls.h"

/* ---- MSRs --------------------------------------------------------------------------------- */

struct msr_list {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[256];
};

static void one_msr(const struct op *op)
{
	struct msr_list list = { .head.nmsrs = 1 };

	list.entries[0].index = (uint32_t)op->arg[2];
	list.entries[0].data = op->arg[3];
	call("msr", o.vcpu[op->arg[0] % VCPUS], op->arg[1] ? KVM_SET_MSRS : KVM_GET_MSRS,
	     (uintptr_t)&list, E(E2BIG));
}

/* Indices around those that there are; more in the count than there is room for. */
static void many_msrs(const struct op *op)
{
	static const uint32_t bases[] = { 0, 0x170, 0x1d0, 0x200, 0x250, 0x270, 0x2f0, 0xc0000080,
					  0xc0000100, 0xc0010000, 0xc0010110, 0x4b564d00, 0x800 };
	static struct msr_list list;
	struct chance chance = { op->arg[3] };

	list.head.nmsrs = (uint32_t)op->arg[2];
	for (unsigned int i = 0; i < COUNT(list.entries); i++) {
		list.entries[i].index = bases[chance_below(&chance, COUNT(bases))] +
					(uint32_t)chance_below(&chance, 32);
		list.entries[i].data = chance_number(&chance);
	}
	call("msrs", o.vcpu[op->arg[0] % VCPUS], op->arg[1] ? KVM_SET_MSRS : KVM_GET_MSRS,
	     (uintptr_t)placed(&list, sizeof(list), op->arg[4]), E(E2BIG));
}

static void filter(const struct op *op)
{
	struct kvm_msr_filter made = { .flags = (uint32_t)op->arg[1] };
	struct chance chance = { op->arg[4] };

	for (unsigned int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
		if (!chance_of(&chance, 40))
			continue;
		made.ranges[i].flags = (uint32_t)chance_below(&chance, 5);
		made.ranges[i].nmsrs = (uint32_t)op->arg[2];
		made.ranges[i].base = (uint32_t)op->arg[3] + i * 64;
		made.ranges[i].bitmap = (void *)(ARENA + chance_below(&chance, ARENA_PAGES) * PAGE);
	}
	call("filter", o.vm[op->arg[0] % VMS], KVM_X86_SET_MSR_FILTER,
	     (uintptr_t)placed(&made, sizeof(made), op->arg[5]), 0);
}

/* ---- VMs ---------------------------------------------------------------------------------- */

static void dirty_log(const struct op *op)
{
	static uint8_t bits[PAYLOAD];
	struct kvm_dirty_log log = { .slot = (uint32_t)op->arg[1],
		.dirty_bitmap = placed(bits, sizeof(bits), op->arg[2]) };

	call("dirty_log", o.vm[op->arg[0] % VMS], KVM_GET_DIRTY_LOG, (uintptr_t)&log,
	     E(ENOENT) | E(ENXIO));
}

static void clear_log(const struct op *op)
{
	static uint8_t bits[PAYLOAD];
	struct kvm_clear_dirty_log log = { .slot = (uint32_t)op->arg[1],
		.first_page = op->arg[2], .num_pages = (uint32_t)op->arg[3] };

	memset(bits, 0x5b, sizeof(bits));
	log.dirty_bitmap = placed(bits, sizeof(bits), op->arg[4]);
	call("clear_log", o.vm[op->arg[0] % VMS], KVM_CLEAR_DIRTY_LOG, (uintptr_t)&log,
	     E(ENOENT) | E(ENXIO));
}

static void eventfd(const struct op *op)
{
	struct kvm_ioeventfd args = {
		.addr = op->arg[1], .len = (uint32_t)op->arg[2], .flags = (uint32_t)op->arg[3],
		.fd = *file_of(1 + VMS + VCPUS + op->arg[4] % (EVENTFDS + 1)),
		.datamatch = op->arg[5],
	};

	call("eventfd", o.vm[op->arg[0] % VMS], KVM_IOEVENTFD, (uintptr_t)&args,
	     E(EEXIST) | E(ENOENT) | E(ENOSPC));
}

static void zone(const struct op *op)
{
	struct kvm_coalesced_mmio_zone args = {
		.addr = op->arg[1], .size = (uint32_t)op->arg[2], .pio = (uint32_t)op->arg[3] };

	call("zone", o.vm[op->arg[0] % VMS],
	     op->arg[4] ? KVM_UNREGISTER_COALESCED_MMIO : KVM_REGISTER_COALESCED_MMIO,
	     (uintptr_t)&args, E(ENOSPC));
}

static void cap(const struct op *op)
{
	struct kvm_enable_cap args = { .cap = (uint32_t)op->arg[1], .flags = (uint32_t)op->arg[2],
				       .args = { op->arg[3] } };

	call("cap", o.vm[op->arg[0] % VMS], KVM_ENABLE_CAP, (uintptr_t)&args, E(EEXIST) | E(EBUSY));
}

static void place(const struct op *op)
{
	static uint64_t address;
	int vm = o.vm[op->arg[0] % VMS];

	address = op->arg[2];
	if (op->arg[1] % 3 == 0)
		call("place", vm, KVM_SET_TSS_ADDR, address, E(EEXIST));
	else if (op->arg[1] % 3 == 1)
		call("place", vm, KVM_SET_IDENTITY_MAP_ADDR, (uintptr_t)&address, E(EEXIST));
	else
		call("place", vm, KVM_SET_BOOT_CPU_ID, address, E(EBUSY));
}

/* ---- vCPUs -------------------------------------------------------------------------------- */

/* SIGALRM stays: it is what ends a guest that does not. */
static void mask(const struct op *op)
{
	struct {
		uint32_t length;
		uint64_t set;
	} __attribute__((packed)) args = { (uint32_t)op->arg[1], op->arg[2] & ~(1ull << 13) };

	call("mask", o.vcpu[op->arg[0] % VCPUS], KVM_SET_SIGNAL_MASK,
	     op->arg[1] ? (uintptr_t)&args : 0, 0);
}

static void mode(const struct op *op)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = CODE_AT, .rsp = STACK_TOP, .rbx = DATA_AT,
		.rsi = MMIO_AT, .rdi = DATA_AT + 64, .rdx = 0x3f8, .rcx = 3, .rflags = 2 };
	int vcpu = o.vcpu[op->arg[0] % VCPUS];

	image_sregs(&sregs, op->arg[1] % MODES, op->arg[2] & 3, op->arg[3] & 3);
	if (op->arg[1] % MODES == MODE_VM86)
		regs.rflags = 0x23002;
	call("mode", vcpu, KVM_SET_SREGS, (uintptr_t)&sregs, 0);
	call("mode", vcpu, KVM_SET_REGS, (uintptr_t)&regs, 0);
}

/* Registers in kvm_run: what is asked for, what is said to have changed, and a change. */
static void sync(const struct op *op)
{
	struct kvm_run *run = o.run[op->arg[0] % VCPUS];
	uint64_t *words_of_it;

	if (!run)
		return;
	words_of_it = (uint64_t *)(void *)&run->s;
	run->kvm_valid_regs = op->arg[1];
	run->kvm_dirty_regs = op->arg[2];
	words_of_it[op->arg[3] % (sizeof(run->s) / 8)] ^= op->arg[4];
	if (tcg)
		run->s.regs.sregs.tr = (struct kvm_segment){ .type = 9, .present = 1,
							     .limit = 0x67 };
}

static void scribble(const struct op *op)
{
	unsigned int vcpu = op->arg[0] % VCPUS;

	if (!o.run[vcpu])
		return;
	o.scribbled = true;
	((uint64_t *)(void *)o.run[vcpu])[op->arg[1] % o.run_bytes[vcpu] / 8] = op->arg[2];
}

/* The last page of the mapping, be it the ring of exits or anything else. */
static void ring(const struct op *op)
{
	unsigned int vcpu = op->arg[0] % VCPUS;
	volatile uint64_t *page;
	uint64_t sum = 0;

	if (!o.run[vcpu])
		return;
	page = (uint64_t *)(void *)((char *)o.run[vcpu] + o.run_bytes[vcpu] - PAGE);
	for (unsigned int i = 0; i < PAGE / 8; i++)
		sum += page[i];
	page[sum % (PAGE / 8)] = op->arg[1];
}

/* ---- calls that may not exist ----------------------------------------------------------- */

static void any(const struct op *op)
{
	static uint8_t data[PAYLOAD];
	struct chance chance = { op->arg[2] };
	unsigned int number = op->arg[1] & 0xff;

	/* These could wait without end: KVM_RUN, or KVM_SET_SIGNAL_MASK before one. */
	if (number == (KVM_RUN & 0xff) || number == (KVM_SET_SIGNAL_MASK & 0xff))
		return;
	chance_bytes(&chance, data, 1024);
	call("any", *file_of(op->arg[0]), op->arg[1] & 0xffffffff,
	     (uintptr_t)placed(data, sizeof(data), op->arg[3]), ~0ull);
}

bool more_perform(const struct op *op)
{
	struct kvm_interrupt irq = { .irq = (uint32_t)op->arg[1] };
	static void (*const performers[KINDS])(const struct op *op) = {
		[DO_MSR] = one_msr, [DO_MSRS] = many_msrs, [DO_FILTER] = filter,
		[DO_DIRTY] = dirty_log, [DO_CLEAR] = clear_log, [DO_EVENTFD] = eventfd,
		[DO_ZONE] = zone, [DO_CAP] = cap, [DO_PLACE] = place, [DO_MASK] = mask,
		[DO_MODE] = mode, [DO_SYNC] = sync, [DO_SCRIBBLE] = scribble, [DO_RING] = ring,
		[DO_ANY] = any,
	};

	if (op->kind == DO_IRQ)
		call("irq", o.vcpu[op->arg[0] % VCPUS], KVM_INTERRUPT, (uintptr_t)&irq,
		     E(EEXIST) | E(ENXIO));
	else if (op->kind == DO_NMI)
		call("nmi", o.vcpu[op->arg[0] % VCPUS], KVM_NMI, 0, 0);
	else if (op->kind == DO_TSC)
		call("tsc", o.vcpu[op->arg[0] % VCPUS],
		     op->arg[1] ? KVM_SET_TSC_KHZ : KVM_GET_TSC_KHZ, op->arg[1], E(EIO));
	else if (op->kind == DO_EXTENSION)
		call("extension", *file_of(op->arg[0]), KVM_CHECK_EXTENSION, op->arg[1], 0);
	else if (performers[op->kind])
		performers[op->kind](op);
	else
		return false;
	return true;
}
