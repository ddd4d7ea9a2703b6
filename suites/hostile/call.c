// SPDX-License-Identifier: GPL-2.0-only
/* Calls of 32-bit tasks, and what is one for all vCPUs. */
#include "machine.h"

extern const uint8_t out_code[], out_end[];

__asm__(
	".pushsection .rodata\n"
	".code16\n"
	"out_code:\n"
	"	mov $0x5a, %al\n"
	"	out %al, $0x44\n"
	"	hlt\n"
	"out_end:\n"
	".code64\n"
	".popsection\n");

/* ioctl(2) as a 32-bit task makes it. */
static int ioctl32(int file, unsigned int request, void *argument)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result)
			 : "a"(54), "b"(file), "c"(request), "d"((uint32_t)(uintptr_t)argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* Of a pointer in a structure a 32-bit task writes half: the other half is whatever it was. */
static void dirty_log_32(void)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = MEMORY, .flags = KVM_MEM_LOG_DIRTY_PAGES };
	struct kvm_dirty_log *log;
	const struct guest guest = { out_code, out_end };
	struct machine machine;
	uint64_t *bits;
	int result;

	machine_make(&machine, &guest);
	slot.userspace_addr = (uintptr_t)machine.memory;
	check(!ioctl(machine.vm, KVM_SET_USER_MEMORY_REGION, &slot), "slot: %m");
	log = (void *)(machine.memory + 8 * PAGE);
	bits = (void *)(machine.memory + 9 * PAGE);
	*bits = ~0ull;
	log->slot = 0;
	log->padding2 = 0xdeadbeef00000000 | (uintptr_t)bits;
	result = ioctl32(machine.vm, KVM_GET_DIRTY_LOG, log);
	if (result == -ENOSYS)
		skip("no 32-bit calls here");
	check(!result, "KVM_GET_DIRTY_LOG: %s", strerror(-result));
	check(!*bits, "the log: expected nothing, got %#llx", (unsigned long long)*bits);
}

struct filter_32 {
	uint32_t flags;
	struct {
		uint32_t flags, count, base, bitmap;
	} ranges[16];
};

/* KVM_X86_SET_MSR_FILTER has a size, and so a number, of its own there. */
static void filter_32(void)
{
	struct filter_32 *filter;
	const struct guest guest = { out_code, out_end };
	struct machine machine;
	unsigned int request = _IOW(KVMIO, 0xc6, struct filter_32);
	int result;

	machine_make(&machine, &guest);
	filter = (void *)(machine.memory + 8 * PAGE);
	filter->ranges[0].flags = KVM_MSR_FILTER_READ;
	filter->ranges[0].count = 8;
	filter->ranges[0].bitmap = (uint32_t)(uintptr_t)(machine.memory + 9 * PAGE);
	result = ioctl32(machine.vm, request, filter);
	if (result == -ENOSYS)
		skip("no 32-bit calls here");
	check(!result, "KVM_X86_SET_MSR_FILTER: %s", strerror(-result));
	filter->ranges[0].bitmap = 0;
	result = ioctl32(machine.vm, request, filter);
	check(result == -EFAULT, "a bitmap at 0: expected EFAULT, got %d", result);
}

/*
 * There is one ring for all vCPUs (KVM API 4.116): whoever writes, each one's pages show it, and
 * programs map those of the first.
 */
static void one_ring(void)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = 0x44, .size = 1, .pio = 1 };
	const struct guest guest = { out_code, out_end };
	struct machine machine;
	size_t at;

	machine_make(&machine, &guest);
	at = (size_t)ioctl(machine.kvm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO) * PAGE;
	check(!ioctl(machine.vm, KVM_REGISTER_COALESCED_MMIO, &zone), "zone: %m");
	for (uint32_t writer = 0; writer < 2; writer++) {
		int reason = machine_run(&machine, writer);

		check(reason == KVM_EXIT_HLT, "expected HLT, got exit %d", reason);
		for (unsigned int reader = 0; reader < 2; reader++) {
			const struct kvm_coalesced_mmio_ring *ring =
				(const void *)((const char *)machine.run[reader] + at);

			check(ring->last == writer + 1 &&
			      ring->coalesced_mmio[writer].data[0] == 0x5a,
			      "vCPU %u has written 0x5a, and vCPU %u's ring has %u entries",
			      writer, reader, ring->last);
		}
	}
}

const struct test call_tests[] = {
	{ "call/dirty_log_32", dirty_log_32 }, { "call/filter_32", filter_32 },
	{ "call/one_ring", one_ring }, { NULL, NULL },
};
