// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actions: what a case asks of the runner between two runs of the guest. State
 * groups and named calls are in actions_state.c and calls.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "actions.h"

#define IOAPIC_PINS 24
#define PIC_PINS 16

bool action_result(struct engine *e, const struct record *step, const char *what, int error)
{
	int want = (int)record_value(step, F_errno, 0);
	char left[72], right[72];

	if (error == want || (error && want == ERRNO_ANY))
		return true;
	snprintf(left, sizeof(left), "%s",
		 want == ERRNO_ANY ? "an error" : want ? strerror(want) : "success");
	snprintf(right, sizeof(right), "%s", error ? strerror(error) : "success");
	engine_differs(e, what, left, right);
	return engine_fail(e, "%s %s", what, error ? "failed" : "did not fail");
}

bool action_equal(struct engine *e, const char *what, u64 expected, u64 observed)
{
	return engine_equal(e, what, expected, observed) ||
	       engine_fail(e, "%s is not as expected", what);
}

/* An ioctl on the VM or vCPU; its errno, or 0. */
static int do_ioctl(int fd, unsigned long nr, const void *arg)
{
	return ioctl(fd, nr, arg) < 0 ? errno : 0;
}

/* Whether an ioctl that worked takes back what p did. */
static bool takes_back(const struct plumbing *p, unsigned long nr, const void *arg)
{
	const struct kvm_irqfd *irqfd = arg, *old_irqfd = (const void *)p->arg;
	const struct kvm_ioeventfd *io = arg, *old_io = (const void *)p->arg;

	if (p->nr != nr)
		return false;
	if (nr == KVM_IRQFD)
		return irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN && irqfd->fd == old_irqfd->fd &&
		       irqfd->gsi == old_irqfd->gsi;
	return nr == KVM_IOEVENTFD && io->flags & KVM_IOEVENTFD_FLAG_DEASSIGN &&
	       io->fd == old_io->fd && io->addr == old_io->addr && io->len == old_io->len;
}

/* For a VM built anew; false when there is too much of it. */
static bool remember(struct engine *e, bool vcpu, unsigned long nr, const void *arg, u32 bytes)
{
	struct plumbing *p;

	e->vm->spoiled = true;
	for (unsigned int i = 0; i < e->nplumbing; i++) {
		if (!takes_back(&e->plumbing[i], nr, arg))
			continue;
		memmove(&e->plumbing[i], &e->plumbing[i + 1],
			(--e->nplumbing - i) * sizeof(e->plumbing[0]));
		return true;
	}
	if (e->nplumbing == PLUMBING_MAX || bytes > sizeof(p->arg))
		return engine_error(e, "too many actions that change the VM");
	p = &e->plumbing[e->nplumbing++];
	*p = (struct plumbing){ .vcpu = vcpu, .nr = nr, .bytes = bytes };
	memcpy(p->arg, arg, bytes);
	return true;
}

/*
 * An ioctl whose effect the VM keeps: remembered when it worked, so that a VM
 * built anew gets it too. The VM is not used for another case afterwards.
 */
static bool plumb(struct engine *e, const struct record *step, const char *what, bool vcpu,
		  unsigned long nr, const void *arg, u32 bytes)
{
	int error = do_ioctl(vcpu ? e->vm->vcpu : e->vm->fd, nr, arg);

	if (!error && !remember(e, vcpu, nr, arg, bytes))
		return false;
	return action_result(e, step, what, error);
}

static bool act_msr_filter(struct engine *e, const struct record *step);
static int set_route(struct engine *e, const struct record *step);

bool actions_replumb(struct engine *e)
{
	for (unsigned int i = 0; i < e->nplumbing; i++) {
		const struct plumbing *p = &e->plumbing[i];
		int error = p->route ? set_route(e, p->route) :
				       do_ioctl(p->vcpu ? e->vm->vcpu : e->vm->fd, p->nr, p->arg);

		if (error)
			return engine_fail(e, "ioctl %#lx fails on the restored VM: %s", p->nr,
					   strerror(error));
	}
	e->vm->spoiled |= e->nplumbing;
	if (e->filter_call && calls_set_filter(e, e->filter_call) < 0)
		return engine_fail(e, "KVM_X86_SET_MSR_FILTER fails on the restored VM: %s",
				   strerror(errno));
	return !e->msr_filter || act_msr_filter(e, e->msr_filter);
}

static int eventfd_of(struct engine *e, u64 id)
{
	if (e->eventfds[id] < 0)
		e->eventfds[id] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return e->eventfds[id];
}

void actions_undo(struct engine *e)
{
	for (unsigned int i = 0; i < EVENTFDS; i++) {
		if (e->eventfds[i] >= 0)
			close(e->eventfds[i]);
		e->eventfds[i] = -1;
	}
	if (e->vm && e->nplumbing)
		e->vm->spoiled = true;
}

/* ---- memory ------------------------------------------------------------------------ */

static bool act_write(struct engine *e, const struct record *step)
{
	const struct field *bytes = record_field(step, F_bytes);
	u64 addr = record_value(step, F_address, 0);

	if (!stage_write(&e->stage, addr, bytes->blob, bytes->bytes))
		return engine_error(e, "%s", e->stage.error);
	memcpy(e->vm->mem + addr, bytes->blob, bytes->bytes);
	return true;
}

static bool act_entry(struct engine *e, const struct record *step)
{
	unsigned int level = (unsigned int)record_value(step, F_level, 1);
	u64 at;

	if (!stage_edit_entry(&e->stage, step, level, false))
		return engine_error(e, "%s", e->stage.error);
	at = stage_entry(&e->stage, record_value(step, F_va, 0), level, false);
	memcpy(e->vm->mem + at, e->stage.mem + at, e->stage.levels == 2 ? 4 : 8);
	e->vm->tables_unknown = true;
	return vm_flush_tables(e->vm) || engine_error(e, "%s", e->vm->error);
}

static bool act_memslot(struct engine *e, const struct record *step)
{
	u64 gpa = record_value(step, F_gpa, 0), size = record_value(step, F_size, 0);
	u64 hva = record_value(step, F_hva, gpa);
	struct kvm_userspace_memory_region region = {
		.slot = (u32)record_value(step, F_id, 0),
		.flags = (u32)record_value(step, F_slot_flags, 0),
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (u64)(uintptr_t)e->vm->mem + hva,
	};

	if (region.slot >= VM_SLOTS)
		return engine_error(e, "memory slot %u is beyond %u", region.slot, VM_SLOTS - 1);
	if (!record_field(step, F_errno) && (hva > STAGE_RAM || size > STAGE_RAM - hva))
		return engine_error(e, "the memory slot does not lie in the runner's guest memory");
	e->vm->slots_changed = true;
	return action_result(e, step, "KVM_SET_USER_MEMORY_REGION",
			     vm_set_slot(e->vm, &region));
}

/* With manual protection only KVM_CLEAR_DIRTY_LOG makes pages clean. */
static bool clears_by_hand(const struct engine *e)
{
	for (unsigned int i = 0; i < e->vm->ncaps; i++)
		if (e->vm->caps[i].cap == KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)
			return true;
	return false;
}

static bool act_dirty_log(struct engine *e, const struct record *step)
{
	u32 id = (u32)record_value(step, F_id, 0);
	const struct field *pages = record_field(step, F_pages);
	u64 bitmap[STAGE_RAM / PAGE_BYTES / 64 + 1] = { 0 }, want = 0, got;
	u64 mask = record_value(step, F_mask, ~0ull);
	struct kvm_dirty_log log = { .slot = id, .dirty_bitmap = bitmap };
	int error = do_ioctl(e->vm->fd, KVM_GET_DIRTY_LOG, &log);

	if (!action_result(e, step, "KVM_GET_DIRTY_LOG", error) || error || !pages)
		return !e->result->why;
	if (id >= VM_SLOTS || pages->bytes > sizeof(want))
		return engine_error(e, "pages= is larger than a slot of the stage");
	memcpy(&want, pages->blob, pages->bytes);
	got = bitmap[0] | e->dirty[id];
	if (!clears_by_hand(e))
		e->dirty[id] = 0;
	return action_equal(e, "dirty pages", want & mask, got & mask);
}

static bool act_collect_dirty(struct engine *e, const struct record *step)
{
	u32 id = (u32)record_value(step, F_id, 0);
	u64 bitmap[STAGE_RAM / PAGE_BYTES / 64 + 1] = { 0 };
	struct kvm_dirty_log log = { .slot = id, .dirty_bitmap = bitmap };
	int error = do_ioctl(e->vm->fd, KVM_GET_DIRTY_LOG, &log);

	if (id >= VM_SLOTS)
		return engine_error(e, "memory slot %u is beyond %u", id, VM_SLOTS - 1);
	e->dirty[id] |= bitmap[0];
	return action_result(e, step, "KVM_GET_DIRTY_LOG", error);
}

static bool act_clear_dirty(struct engine *e, const struct record *step)
{
	const struct field *pages = record_field(step, F_pages);
	u64 bitmap[2] = { 0 };
	struct kvm_clear_dirty_log clear = {
		.slot = (u32)record_value(step, F_id, 0),
		.num_pages = (u32)record_value(step, F_count, 0),
		.first_page = record_value(step, F_first, 0),
		.dirty_bitmap = bitmap,
	};

	if (pages)
		memcpy(bitmap, pages->blob,
		       pages->bytes < sizeof(bitmap) ? pages->bytes : sizeof(bitmap));
	if (clear.slot < VM_SLOTS && clear.first_page < 64)
		e->dirty[clear.slot] &= ~(bitmap[0] << clear.first_page);
	return action_result(e, step, "KVM_CLEAR_DIRTY_LOG",
			     do_ioctl(e->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear));
}

static bool act_translate(struct engine *e, const struct record *step)
{
	struct kvm_translation t = { .linear_address = record_value(step, F_address, 0) };
	int error = do_ioctl(e->vm->vcpu, KVM_TRANSLATE, &t);
	u64 valid = record_value(step, F_valid, 1);

	if (!action_result(e, step, "KVM_TRANSLATE", error) || error)
		return !e->result->why;
	if (!action_equal(e, "valid", valid, t.valid))
		return false;
	return !valid || action_equal(e, "gpa", record_value(step, F_gpa, 0), t.physical_address);
}

/* ---- interrupts ---------------------------------------------------------------------- */

static bool act_interrupt(struct engine *e, const struct record *step)
{
	struct kvm_interrupt irq = { .irq = (u32)record_value(step, F_vector, 0) };

	/* With a local APIC in the kernel it waits where no state that is loaded reaches. */
	if (e->vm->irqchip != IRQCHIP_USER)
		e->vm->spoiled = true;
	return action_result(e, step, "KVM_INTERRUPT",
			     do_ioctl(e->vm->vcpu, KVM_INTERRUPT, &irq));
}

static bool act_irq_line(struct engine *e, const struct record *step)
{
	struct kvm_irq_level line = { .irq = (u32)record_value(step, F_gsi, 0),
				      .level = (u32)record_value(step, F_level, 1) };

	return action_result(e, step, "KVM_IRQ_LINE", do_ioctl(e->vm->fd, KVM_IRQ_LINE, &line));
}

static bool act_msi(struct engine *e, const struct record *step)
{
	u64 address = record_value(step, F_address, 0xfee00000);
	struct kvm_msi msi = { .address_lo = (u32)address,
			       .address_hi = (u32)(address >> 32),
			       .data = (u32)record_value(step, F_data, 0) };
	int result = ioctl(e->vm->fd, KVM_SIGNAL_MSI, &msi), error = result < 0 ? errno : 0;

	if (!action_result(e, step, "KVM_SIGNAL_MSI", error) || error)
		return !e->result->why;
	return !record_field(step, F_result) ||
	       action_equal(e, "result of KVM_SIGNAL_MSI", record_value(step, F_result, 0),
			    (u64)result);
}

static bool act_nmi(struct engine *e, const struct record *step)
{
	return action_result(e, step, "KVM_NMI", do_ioctl(e->vm->vcpu, KVM_NMI, NULL));
}

static bool act_kick(struct engine *e, const struct record *step)
{
	e->kick = true;
	e->kick_after_ms = record_value(step, F_value, 0);
	return true;
}

static bool act_irqfd(struct engine *e, const struct record *step)
{
	struct kvm_irqfd irqfd = {
		.fd = (u32)eventfd_of(e, record_value(step, F_id, 0)),
		.gsi = (u32)record_value(step, F_gsi, 0),
		.flags = (u32)record_value(step, F_flags, 0),
	};

	return plumb(e, step, "KVM_IRQFD", false, KVM_IRQFD, &irqfd, sizeof(irqfd));
}

static bool act_signal_irqfd(struct engine *e, const struct record *step)
{
	u64 one = 1;

	if (write(eventfd_of(e, record_value(step, F_id, 0)), &one, sizeof(one)) != sizeof(one))
		return engine_error(e, "writing an eventfd: %s", strerror(errno));
	return true;
}

static int set_route(struct engine *e, const struct record *step)
{
	struct {
		struct kvm_irq_routing table;
		struct kvm_irq_routing_entry entries[PIC_PINS + IOAPIC_PINS + 1];
	} r = { 0 };
	struct kvm_irq_routing_entry *entry = r.entries;
	u64 address = record_value(step, F_address, 0xfee00000);

	for (u32 i = 0; e->vm->irqchip == IRQCHIP_KERNEL && i < PIC_PINS + IOAPIC_PINS; i++) {
		bool pic = i < PIC_PINS;

		*entry++ = (struct kvm_irq_routing_entry){
			.gsi = pic ? i : i - PIC_PINS,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { .irqchip = pic ? i / 8 : KVM_IRQCHIP_IOAPIC,
				       .pin = pic ? i % 8 : i - PIC_PINS },
		};
	}
	*entry++ = (struct kvm_irq_routing_entry){
		.gsi = (u32)record_value(step, F_gsi, 0),
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = (u32)address,
			   .address_hi = (u32)(address >> 32),
			   .data = (u32)record_value(step, F_data, 0) },
	};
	r.table.nr = (u32)(entry - r.entries);
	return do_ioctl(e->vm->fd, KVM_SET_GSI_ROUTING, &r.table);
}

static bool act_route(struct engine *e, const struct record *step)
{
	int error = set_route(e, step);

	if (!error) {
		if (e->nplumbing == PLUMBING_MAX)
			return engine_error(e, "too many actions that change the VM");
		e->plumbing[e->nplumbing++] = (struct plumbing){
			.nr = KVM_SET_GSI_ROUTING, .route = step,
		};
	}
	return action_result(e, step, "KVM_SET_GSI_ROUTING", error);
}

/* ---- exits in the kernel --------------------------------------------------------------- */

static bool act_ioeventfd(struct engine *e, const struct record *step)
{
	struct kvm_ioeventfd io = {
		.datamatch = record_value(step, F_data, 0),
		.addr = record_value(step, F_address, 0),
		.len = (u32)record_value(step, F_size, 0),
		.fd = eventfd_of(e, record_value(step, F_id, 0)),
		.flags = (u32)record_value(step, F_flags, 0),
	};

	return plumb(e, step, "KVM_IOEVENTFD", false, KVM_IOEVENTFD, &io, sizeof(io));
}

static bool act_eventfd_is(struct engine *e, const struct record *step)
{
	u64 count = 0;

	if (read(eventfd_of(e, record_value(step, F_id, 0)), &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		return engine_error(e, "reading an eventfd: %s", strerror(errno));
	return action_equal(e, "signals of the eventfd", record_value(step, F_count, 0), count);
}

static bool act_coalesce(struct engine *e, const struct record *step, unsigned long nr)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = record_value(step, F_address, 0),
		.size = (u32)record_value(step, F_size, 0),
		.pio = (u32)record_value(step, F_pio, 0),
	};

	return plumb(e, step,
		     nr == KVM_REGISTER_COALESCED_MMIO ? "KVM_REGISTER_COALESCED_MMIO" :
							 "KVM_UNREGISTER_COALESCED_MMIO",
		     false, nr, &zone, sizeof(zone));
}

static bool act_coalesced_is(struct engine *e, const struct record *step)
{
	struct kvm_coalesced_mmio entry;
	u64 data = 0;

	if (!record_value(step, F_count, 1))
		return action_equal(e, "entries of the coalesced ring", 0, e->ncoalesced);
	if (!e->ncoalesced)
		return engine_fail(e, "the coalesced ring is empty");
	entry = e->coalesced[0];
	memmove(e->coalesced, e->coalesced + 1, --e->ncoalesced * sizeof(entry));
	memcpy(&data, entry.data, entry.len < 8 ? entry.len : 8);
	return action_equal(e, "address", record_value(step, F_address, 0), entry.phys_addr) &&
	       action_equal(e, "size", record_value(step, F_size, 0), entry.len) &&
	       action_equal(e, "data", record_value(step, F_data, 0), data) &&
	       action_equal(e, "pio", record_value(step, F_pio, 0), entry.pio);
}

static bool act_enable_cap(struct engine *e, const struct record *step)
{
	struct kvm_enable_cap cap = { .cap = (u32)record_value(step, F_cap, 0) };

	for (u16 i = 0; i < 4; i++)
		cap.args[i] = record_value(step, (u16)(F_arg0 + i), 0);
	return action_result(e, step, "KVM_ENABLE_CAP", vm_enable_cap(e->vm, &cap));
}

static bool act_msr_filter(struct engine *e, const struct record *step)
{
	u8 deny[8] = { 0 };
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges[0] = {
			.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
			.nmsrs = (u32)record_value(step, F_count, 1),
			.base = (u32)record_value(step, F_index, 0),
			.bitmap = deny,
		},
	};

	if (filter.ranges[0].nmsrs > sizeof(deny) * 8)
		return engine_error(e, "msr_filter covers at most %zu registers", sizeof(deny) * 8);
	e->vm->spoiled = true;
	e->msr_filter = step;
	e->filter_call = NULL;
	return action_result(e, step, "KVM_X86_SET_MSR_FILTER",
			     do_ioctl(e->vm->fd, KVM_X86_SET_MSR_FILTER, &filter));
}

/* An injected #DB or #BP happens once: it is not done again on a restored VM. */
static bool act_guest_debug(struct engine *e, const struct record *step)
{
	struct kvm_guest_debug debug = { .control = (u32)record_value(step, F_control, 0) };

	for (u16 i = 0; i < 4; i++)
		debug.arch.debugreg[i] = record_value(step, (u16)(F_dr0 + i), 0);
	debug.arch.debugreg[7] = record_value(step, F_dr7, 0);
	if (debug.control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		e->vm->spoiled = true;
		return action_result(e, step, "KVM_SET_GUEST_DEBUG",
				     do_ioctl(e->vm->vcpu, KVM_SET_GUEST_DEBUG, &debug));
	}
	return plumb(e, step, "KVM_SET_GUEST_DEBUG", true, KVM_SET_GUEST_DEBUG, &debug,
		     sizeof(debug));
}

/* ---- dispatch ------------------------------------------------------------------------------ */

static bool action_event(struct engine *e, const struct record *step)
{
	switch (step->sub) {
	case ACT_INTERRUPT:
		return act_interrupt(e, step);
	case ACT_IRQ_LINE:
		return act_irq_line(e, step);
	case ACT_MSI:
		return act_msi(e, step);
	case ACT_SNAPSHOT:
		return engine_rebuild(e);
	case ACT_NMI:
		return act_nmi(e, step);
	case ACT_KICK:
		return act_kick(e, step);
	case ACT_REQUEST_WINDOW:
		e->vm->run->request_interrupt_window = !!record_value(step, F_value, 1);
		return true;
	case ACT_IMMEDIATE_EXIT:
		e->immediate_exit = true;
		return true;
	case ACT_IRQFD:
		return act_irqfd(e, step);
	case ACT_SIGNAL_IRQFD:
		return act_signal_irqfd(e, step);
	case ACT_ROUTE:
		return act_route(e, step);
	default:
		return engine_error(e, "action %u is unknown", step->sub);
	}
}

static bool action_kernel(struct engine *e, const struct record *step)
{
	switch (step->sub) {
	case ACT_IOEVENTFD:
		return act_ioeventfd(e, step);
	case ACT_EVENTFD_IS:
		return act_eventfd_is(e, step);
	case ACT_COALESCE:
		return act_coalesce(e, step, KVM_REGISTER_COALESCED_MMIO);
	case ACT_UNCOALESCE:
		return act_coalesce(e, step, KVM_UNREGISTER_COALESCED_MMIO);
	case ACT_COALESCED_IS:
		return act_coalesced_is(e, step);
	case ACT_ENABLE_CAP:
		return act_enable_cap(e, step);
	case ACT_MSR_FILTER:
		return act_msr_filter(e, step);
	case ACT_GUEST_DEBUG:
		return act_guest_debug(e, step);
	case ACT_CALL:
		return call_do(e, step);
	case ACT_POKE:
		return act_poke(e, step);
	case ACT_PEEK:
		return act_peek(e, step);
	default:
		return action_event(e, step);
	}
}

bool action_do(struct engine *e, const struct record *step)
{
	if (step->kind == REC_MSR)
		return act_set_msr(e, step);
	if (step->kind == REC_MEMSLOT)
		return act_memslot(e, step);
	switch (step->sub) {
	case ACT_SET:
		return act_set(e, step);
	case ACT_CHECK:
		return act_check(e, step);
	case ACT_SET_MSR:
		return act_set_msr(e, step);
	case ACT_CHECK_MSR:
		return act_check_msr(e, step);
	case ACT_SET_LAPIC:
		return act_set_lapic(e, step);
	case ACT_CHECK_LAPIC:
		return act_check_lapic(e, step);
	case ACT_SYNC:
		e->check_sync = true;
		return true;
	case ACT_SYNC_SET:
		return act_sync_set(e, step);
	case ACT_WRITE:
		return act_write(e, step);
	case ACT_ENTRY:
		return act_entry(e, step);
	case ACT_MEMSLOT:
		return act_memslot(e, step);
	case ACT_DIRTY_LOG:
		return act_dirty_log(e, step);
	case ACT_COLLECT_DIRTY:
		return act_collect_dirty(e, step);
	case ACT_CLEAR_DIRTY:
		return act_clear_dirty(e, step);
	case ACT_TRANSLATE:
		return act_translate(e, step);
	default:
		return action_kernel(e, step);
	}
}
