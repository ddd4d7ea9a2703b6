// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sequence of calls by a seed. It begins with a VM that works, more often than not; then
 * come operations on what is there, with arguments that mean something, and now and then
 * with any.
 */
#include "calls.h"

struct making {
	struct sequence *sequence;
	struct chance chance;
	bool vm[VMS], vcpu[VCPUS];	/* what should be there by now */
};

static uint64_t below(struct making *m, uint64_t end)
{
	return chance_below(&m->chance, end);
}

static bool of(struct making *m, unsigned int percent)
{
	return chance_of(&m->chance, percent);
}

static void add(struct making *m, enum kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		uint64_t e, uint64_t f)
{
	sequence_add(m->sequence, kind, (uint64_t[ARGS]){ a, b, c, d, e, f });
}

/* ---- objects -------------------------------------------------------------------------------- */

/* One that is there, if one is, but for some. */
static uint64_t pick(struct making *m, const bool *there, unsigned int count)
{
	uint64_t i = below(m, count);

	for (unsigned int tries = 0; tries < count && !there[i] && !of(m, 5); tries++)
		i = (i + 1) % count;
	return i;
}

static uint64_t a_vm(struct making *m)
{
	return pick(m, m->vm, VMS);
}

static uint64_t a_vcpu(struct making *m)
{
	return pick(m, m->vcpu, VCPUS);
}

/* Where a structure stands: in memory, nearly always. */
static uint64_t a_where(struct making *m)
{
	return of(m, 93) ? 0 : below(m, 7);
}

static void make_vm(struct making *m)
{
	uint64_t vm = below(m, VMS);

	add(m, DO_VM, vm, 0, 0, 0, 0, 0);
	m->vm[vm] = true;
	if (of(m, 90))
		add(m, DO_SLOT, vm, 0, of(m, 30), 0, 256, 0);
}

static void make_vcpu(struct making *m)
{
	uint64_t vcpu = below(m, VCPUS), vm = a_vm(m);

	add(m, DO_VCPU, vcpu, vm, of(m, 90) ? vcpu : below(m, 300), 0, 0, 0);
	m->vcpu[vcpu] = true;
	if (of(m, 90))
		add(m, DO_MAP, vcpu, 0, 0, 0, 0, 0);
	if (of(m, 60))
		add(m, DO_CPUID, vcpu, 0, 0, 0, 0, 0);
	if (of(m, 80))
		add(m, DO_MODE, vcpu, below(m, MODES), of(m, 70) ? 0 : below(m, 4),
		    of(m, 20) ? 3 : 0, 0, 0);
}

static void make_file(struct making *m)
{
	switch (below(m, 10)) {
	case 0:
	case 1:
		make_vm(m);
		break;
	case 2:
	case 3:
	case 4:
		make_vcpu(m);
		break;
	case 5:
		add(m, DO_CLOSE, below(m, FILES), 0, 0, 0, 0, 0);
		break;
	case 6:
		add(m, DO_DUP, below(m, FILES), 0, 0, 0, 0, 0);
		break;
	case 7:
		add(m, DO_FILE, below(m, FILES), below(m, 6), 0, 0, 0, 0);
		break;
	case 8:
		add(m, of(m, 50) ? DO_UNMAP : DO_MAP, a_vcpu(m), of(m, 80) ? 0 : below(m, 16),
		    of(m, 80) ? 0 : below(m, 16), 0, 0, 0);
		break;
	default:
		add(m, DO_FORK, below(m, FILES), of(m, 50) ? 0 : below(m, 20000), 0, 0, 0, 0);
	}
}

/* ---- memory ------------------------------------------------------------------------------- */

static void make_slot(struct making *m)
{
	bool odd = of(m, 10);
	uint64_t flags = of(m, 60) ? below(m, 4) : chance_number(&m->chance);
	uint64_t gpa = odd ? chance_number(&m->chance) : below(m, 64) * 0x10000;
	uint64_t pages = of(m, 10) ? chance_number(&m->chance) : below(m, 6) * 64;
	uint64_t from = odd && of(m, 30) ? chance_number(&m->chance) : below(m, 256) * PAGE;

	add(m, DO_SLOT, a_vm(m), of(m, 90) ? below(m, 4) : chance_number(&m->chance), flags, gpa,
	    pages, from);
}

static void make_memory(struct making *m)
{
	uint64_t page = of(m, 50) ? below(m, 32) : below(m, ARENA_PAGES);
	uint64_t pages = of(m, 70) ? below(m, 8) : below(m, ARENA_PAGES);

	switch (below(m, 9)) {
	case 0:
	case 1:
		make_slot(m);
		break;
	case 2:
		add(m, DO_DIRTY, a_vm(m), below(m, 4), a_where(m), 0, 0, 0);
		break;
	case 3:
		add(m, DO_CLEAR, a_vm(m), below(m, 4),
		    of(m, 70) ? below(m, 4) * 64 : chance_number(&m->chance),
		    of(m, 70) ? 64 * below(m, 5) : chance_number(&m->chance), a_where(m), 0);
		break;
	case 4:
		add(m, DO_ADVISE, page, pages, below(m, 8), 0, 0, 0);
		break;
	case 5:
		add(m, DO_PROTECT, page, pages, below(m, 4), 0, 0, 0);
		break;
	case 6:
		add(m, DO_REMAP, page, pages, below(m, 4), 0, 0, 0);
		break;
	case 7:
		add(m, DO_TOUCH, page, chance_number(&m->chance), 0, 0, 0, 0);
		break;
	default:
		add(m, DO_CODE, 16u << below(m, 3), chance_next(&m->chance) >> 32, of(m, 30), 0, 0,
		    0);
	}
}

/* ---- state -------------------------------------------------------------------------------- */

static void make_structure(struct making *m)
{
	enum kind kind = DO_REGS + (enum kind)below(m, DO_TSC_ATTR - DO_REGS + 1);
	bool vm = kind == DO_CLOCK || kind == DO_PIT || kind == DO_IRQCHIP;
	uint64_t how = of(m, 75) ? 0 : below(m, 4);
	bool twice = of(m, 40);

	if (of(m, 35))
		kind = of(m, 60) ? DO_SREGS : of(m, 50) ? DO_EVENTS : DO_REGS;
	/* The first words of a structure are its most interesting ones. */
	add(m, kind, vm && kind > DO_GUEST_DEBUG ? a_vm(m) : a_vcpu(m), how | a_where(m) << 8,
	    of(m, 40) ? below(m, 8) : below(m, 64),
	    of(m, 80) ? 1ull << below(m, 64) : chance_number(&m->chance),
	    twice ? below(m, 64) : 0, twice ? 1ull << below(m, 64) : 0);
}

static const uint32_t msrs[] = {
	0x10, 0x1b, 0x3a, 0x3b, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x1a0, 0x1d9, 0x200, 0x201, 0x250,
	0x258, 0x268, 0x277, 0x2ff, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
	0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0010015, 0xc0010117, 0x4b564d01, 0x48,
	0xda0, 0x830, 0x800,
};

static const uint32_t caps[] = {
	KVM_CAP_EXCEPTION_PAYLOAD, KVM_CAP_X86_TRIPLE_FAULT_EVENT, KVM_CAP_X86_USER_SPACE_MSR,
	KVM_CAP_EXIT_HYPERCALL, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_CAP_SPLIT_IRQCHIP,
	KVM_CAP_X86_DISABLE_EXITS, KVM_CAP_HYPERV_SYNIC, KVM_CAP_X2APIC_API, KVM_CAP_MAX_VCPU_ID,
};

static void make_state(struct making *m)
{
	uint64_t length = of(m, 80) ? 4 : 8, on_port = of(m, 50);

	switch (below(m, 12)) {
	case 0:
		add(m, DO_MSR, a_vcpu(m), of(m, 80), msrs[below(m, COUNT(msrs))],
		    chance_number(&m->chance), 0, 0);
		break;
	case 1:
		add(m, DO_MSRS, a_vcpu(m), of(m, 50), of(m, 80) ? below(m, 256) :
		    chance_number(&m->chance), chance_next(&m->chance) >> 40, a_where(m), 0);
		break;
	case 2:
		add(m, DO_FILTER, a_vm(m), of(m, 80) ? below(m, 2) : chance_number(&m->chance),
		    of(m, 80) ? 8 * below(m, 32) : chance_number(&m->chance),
		    of(m, 50) ? 0xc0000000 : chance_number(&m->chance),
		    chance_next(&m->chance) >> 40, a_where(m));
		break;
	case 3:
		add(m, DO_CPUID, a_vcpu(m), (of(m, 80) ? 0 : below(m, 4)) | a_where(m) << 8,
		    below(m, 256), 1ull << below(m, 64), below(m, 256), 1ull << below(m, 64));
		break;
	case 4:
		add(m, DO_CAP, a_vm(m), of(m, 80) ? caps[below(m, COUNT(caps))] : below(m, 260),
		    of(m, 95) ? 0 : 1, chance_number(&m->chance), 0, 0);
		break;
	case 5:
		add(m, DO_EVENTFD, a_vm(m), of(m, 80) ? (on_port ? 0x3f8 : MMIO_AT) :
		    chance_number(&m->chance), of(m, 80) ? 1u << below(m, 4) : below(m, 10),
		    of(m, 90) ? below(m, 8) & (on_port ? 7 : 5) : chance_number(&m->chance),
		    below(m, EVENTFDS + 1), of(m, 50) ? 0 : chance_number(&m->chance));
		break;
	case 6:
		add(m, DO_ZONE, a_vm(m), on_port ? 0x3f8 : MMIO_AT, of(m, 80) ? length * 64 :
		    chance_number(&m->chance), of(m, 95) ? on_port : 2, of(m, 30), 0);
		break;
	case 7:
		add(m, DO_IRQ, a_vcpu(m), of(m, 90) ? below(m, 256) : chance_number(&m->chance), 0,
		    0, 0, 0);
		break;
	case 8:
		add(m, DO_NMI, a_vcpu(m), 0, 0, 0, 0, 0);
		break;
	case 9:
		add(m, of(m, 50) ? DO_MASK : DO_TSC, a_vcpu(m), of(m, 60) ? 8 : below(m, 3000000),
		    chance_next(&m->chance), 0, 0, 0);
		break;
	case 10:
		add(m, DO_SYNC, a_vcpu(m), of(m, 90) ? below(m, 8) : chance_number(&m->chance),
		    of(m, 90) ? below(m, 8) : chance_number(&m->chance), below(m, 60),
		    1ull << below(m, 64), 0);
		break;
	default:
		add(m, DO_PLACE, a_vm(m), below(m, 3), chance_number(&m->chance), 0, 0, 0);
	}
}

/* ---- running, and what means nothing ---------------------------------------------------- */

static void make_run(struct making *m)
{
	if (of(m, 75))
		add(m, DO_RUN, a_vcpu(m), of(m, 70) ? 0 : below(m, 4), 1 + below(m, 12),
		    chance_next(&m->chance) >> 32, 0, 0);
	else
		add(m, DO_BESIDE, below(m, 6), of(m, 50) ? a_vcpu(m) : a_vm(m), 1 + below(m, 100),
		    chance_next(&m->chance) >> 32, 0, 0);
}

static void make_odd(struct making *m)
{
	uint64_t size = of(m, 50) ? 0 : 8ull << below(m, 8);

	switch (below(m, 5)) {
	case 0:
	case 1:
		add(m, DO_SCRIBBLE, a_vcpu(m), of(m, 60) ? below(m, 256) : below(m, 0x5000),
		    chance_number(&m->chance), 0, 0, 0);
		break;
	case 2:
		add(m, DO_RING, a_vcpu(m), chance_next(&m->chance), 0, 0, 0, 0);
		break;
	case 3:
		add(m, DO_EXTENSION, below(m, FILES), of(m, 80) ? below(m, 260) :
		    chance_number(&m->chance), 0, 0, 0, 0);
		break;
	default:
		add(m, DO_ANY, below(m, FILES), KVMIO << 8 | below(m, 256) | size << 16 |
		    below(m, 4) << 30, chance_next(&m->chance) >> 40, a_where(m), 0, 0);
	}
}

void calls_make(struct sequence *sequence, uint64_t seed)
{
	struct making m = { .sequence = sequence, .chance = { seed } };
	unsigned int count = 8 + (unsigned int)below(&m, 70);

	*sequence = (struct sequence){ .guest = false };
	if (of(&m, 95)) {
		make_vm(&m);
		make_vcpu(&m);
	}
	/* Somewhere in the midst it may be killed. */
	if (of(&m, 8))
		add(&m, DO_KILL, below(&m, 30000), 0, 0, 0, 0, 0);
	while (sequence->count < count) {
		uint64_t what = below(&m, 100);

		if (what < 10)
			make_file(&m);
		else if (what < 30)
			make_memory(&m);
		else if (what < 50)
			make_structure(&m);
		else if (what < 65)
			make_state(&m);
		else if (what < 93)
			make_run(&m);
		else
			make_odd(&m);
	}
}
