// SPDX-License-Identifier: GPL-2.0-only
/* Events as user space sees them: KVM_INTERRUPT, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS. */
#include "internal.h"

#define SET_FLAGS (KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR | \
		   KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_PAYLOAD | \
		   KVM_VCPUEVENT_VALID_TRIPLE_FAULT)

int assay_interrupt(struct assay_vcpu *vcpu, u32 vector)
{
	if (vector > 255)
		return -EINVAL;
	if (vcpu->events.interrupt_pending)
		return -EEXIST;
	vcpu->events.interrupt_pending = true;
	vcpu->events.interrupt = vector;
	return 0;
}

static bool is_interrupt(const struct x86_event *event)
{
	return event->valid && (event->kind == X86_EVENT_INTERRUPT ||
				event->kind == X86_EVENT_SOFTWARE_INTERRUPT);
}

static bool is_exception(const struct x86_event *event)
{
	return event->valid && event->kind != X86_EVENT_NMI && !is_interrupt(event);
}

static void get_exception(struct assay_vcpu *vcpu, struct kvm_vcpu_events *out)
{
	struct x86_events *events = &vcpu->events;
	const struct x86_event *event = &events->exception;

	if (is_exception(&events->delivering))
		event = &events->delivering;
	else if (!event->valid)
		return;
	out->exception.nr = event->vector;
	out->exception.has_error_code = event->has_error;
	out->exception.error_code = event->error;
	if (event == &events->delivering) {
		out->exception.injected = 1;
		return;
	}
	/* Without KVM_CAP_EXCEPTION_PAYLOAD, user space knows nothing of pending ones. */
	if (!vcpu->vm->exception_payload) {
		out->exception.injected = 1;
		return;
	}
	out->exception.pending = 1;
	out->exception_has_payload = events->has_payload;
	out->exception_payload = events->has_payload ? events->payload : 0;
}

void assay_get_events(struct assay_vcpu *vcpu, struct kvm_vcpu_events *out)
{
	struct x86_events *events = &vcpu->events;

	memset(out, 0, sizeof(*out));
	get_exception(vcpu, out);
	if (is_interrupt(&events->delivering)) {
		out->interrupt.injected = 1;
		out->interrupt.nr = events->delivering.vector;
		out->interrupt.soft = events->delivering.kind == X86_EVENT_SOFTWARE_INTERRUPT;
	} else if (events->interrupt_pending) {
		out->interrupt.injected = 1;
		out->interrupt.nr = events->interrupt;
	}
	out->interrupt.shadow = vcpu->state.shadow;
	out->nmi.injected = events->delivering.valid &&
			    events->delivering.kind == X86_EVENT_NMI;
	out->nmi.pending = events->nmis;
	out->nmi.masked = vcpu->state.nmi_blocked;
	out->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	if (vcpu->vm->exception_payload)
		out->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (vcpu->vm->triple_fault_event) {
		out->triple_fault.pending = events->shutdown;
		out->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

static int check_events(struct assay_vcpu *vcpu, const struct kvm_vcpu_events *in)
{
	if (in->flags & ~SET_FLAGS)
		return -EINVAL;
	if (in->flags & KVM_VCPUEVENT_VALID_PAYLOAD) {
		if (!vcpu->vm->exception_payload)
			return -EINVAL;
		if (in->exception.injected && in->exception.pending)
			return -EINVAL;
	}
	if (in->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT && !vcpu->vm->triple_fault_event)
		return -EINVAL;
	/* An NMI is no exception (KVM API 4.32). */
	if ((in->exception.injected || in->exception.pending) &&
	    (in->exception.nr > 31 || in->exception.nr == X86_NMI))
		return -EINVAL;
	return 0;
}

static void set_exception(struct assay_vcpu *vcpu, const struct kvm_vcpu_events *in)
{
	struct x86_event event = {
		.valid = true, .kind = X86_EVENT_EXCEPTION, .vector = in->exception.nr,
		.has_error = in->exception.has_error_code, .error = in->exception.error_code,
	};
	bool payload = in->flags & KVM_VCPUEVENT_VALID_PAYLOAD;

	if (payload && in->exception.pending) {
		vcpu->events.exception = event;
		vcpu->events.has_payload = in->exception_has_payload;
		vcpu->events.payload = in->exception_payload;
	} else if (in->exception.injected) {
		vcpu->events.delivering = event;
	}
}

int assay_set_events(struct assay_vcpu *vcpu, const struct kvm_vcpu_events *in)
{
	struct x86_events *events = &vcpu->events;
	int ret = check_events(vcpu, in);
	u8 nmis = events->nmis;
	bool shutdown = events->shutdown;

	if (ret)
		return ret;
	if (in->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
		shutdown = in->triple_fault.pending;
	*events = (struct x86_events){ .nmis = nmis, .shutdown = shutdown };
	set_exception(vcpu, in);
	if (in->interrupt.injected && !events->delivering.valid) {
		events->delivering = (struct x86_event){
			.valid = true, .vector = in->interrupt.nr,
			.kind = in->interrupt.soft ? X86_EVENT_SOFTWARE_INTERRUPT :
						     X86_EVENT_INTERRUPT,
		};
	} else if (in->interrupt.injected) {
		events->interrupt_pending = true;
		events->interrupt = in->interrupt.nr;
	}
	if (in->nmi.injected && !events->delivering.valid)
		events->delivering = (struct x86_event){
			.valid = true, .kind = X86_EVENT_NMI, .vector = X86_NMI };
	if (in->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		events->nmis = min_t(u8, in->nmi.pending, 2);
	vcpu->state.nmi_blocked = in->nmi.masked;
	if (in->flags & KVM_VCPUEVENT_VALID_SHADOW)
		vcpu->state.shadow = in->interrupt.shadow &
				     (X86_SHADOW_STI | X86_SHADOW_MOVSS);
	return 0;
}
