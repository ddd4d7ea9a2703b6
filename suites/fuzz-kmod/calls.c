// SPDX-License-Identifier: GPL-2.0-only
/*
 * Performs a sequence of calls: files, memory and threads of this process, which ends
 * afterwards. Each operation names its objects by number; what is not there is called on no
 * file, which the kernel refuses.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

struct objects o;

/* ---- what all of them use ----------------------------------------------------------------- */

int *file_of(uint64_t number)
{
	static int none;
	unsigned int i = (unsigned int)(number % FILES);

	if (!i--)
		return &o.kvm;
	if (i < VMS)
		return &o.vm[i];
	if ((i -= VMS) < VCPUS)
		return &o.vcpu[i];
	if ((i -= VCPUS) < EVENTFDS)
		return &o.eventfd[i];
	none = -1;
	return &none;
}

int call(const char *name, int file, unsigned long request, uintptr_t argument, uint64_t errors)
{
	int result = ioctl(file, request, argument);

	if (request != KVM_RUN)
		count_end(result >= 0 ? CALL_DONE : CALL_REFUSED);
	if (result >= 0)
		return result;
	if (errno >= 64 || !((errors | ALWAYS) >> errno & 1))
		broken("%s: ioctl %#lx says %s, which is not documented for it", name, request,
		       strerror(errno));
	return -errno;
}

/* Two pages: one that can be used, and after it one that cannot. */
static uint8_t *edge(int protection)
{
	static uint8_t *pages[2];
	uint8_t **own = &pages[protection == PROT_READ];

	if (!*own) {
		*own = mmap(NULL, PAYLOAD + PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (*own == MAP_FAILED)
			trouble("mmap: %s", strerror(errno));
		mprotect(*own + PAYLOAD, PAGE, PROT_NONE);
	}
	return *own;
}

void *placed(const void *data, size_t size, uint64_t where)
{
	static _Thread_local uint8_t copy[PAYLOAD];
	uint8_t *pages;

	switch (where & 7) {
	case 1:
		return NULL;
	case 2:
		return (void *)(uintptr_t)0x6660000;
	case 3:
		pages = edge(PROT_WRITE) + PAYLOAD - size / 2;
		memcpy(pages, data, size / 2);
		return pages;
	case 4:
		pages = edge(PROT_READ);
		mprotect(pages, PAYLOAD, PROT_READ | PROT_WRITE);
		memcpy(pages, data, size);
		mprotect(pages, PAYLOAD, PROT_READ);
		return pages;
	case 5:
		return (void *)0xffff888000001000;
	case 6:
		arena_write((ARENA_PAGES - 16) * PAGE, data, size);
		return (void *)(ARENA + (ARENA_PAGES - 16) * PAGE);
	default:
		memcpy(copy, data, size);
		return copy;
	}
}

/* A page that is not there or not writable is left alone. */
void arena_write(uint64_t offset, const void *data, size_t size)
{
	struct iovec from = { (void *)(uintptr_t)data, size };
	struct iovec to = { (void *)(ARENA + offset), size };

	if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) < 0 && errno == EINVAL)
		trouble("process_vm_writev: %s", strerror(errno));
}

/* ---- files -------------------------------------------------------------------------------- */

static void replace(int *file, int new)
{
	if (*file >= 0)
		close(*file);
	*file = new < 0 ? -1 : new;
}

static void make_vcpu(const struct op *op)
{
	unsigned int vcpu = op->arg[0] % VCPUS;
	int new = call("vcpu", o.vm[op->arg[1] % VMS], KVM_CREATE_VCPU, op->arg[2], E(EEXIST));

	if (new < 0)
		return;
	replace(&o.vcpu[vcpu], new);
	/* A mapping is that of the vCPU that was there before, and says nothing of this one. */
	if (o.run[vcpu])
		o.scribbled = true;
}

static void unmap(unsigned int vcpu)
{
	/* Threads may be using it. */
	beside_wait();
	if (o.run[vcpu])
		munmap(o.run[vcpu], o.run_bytes[vcpu]);
	o.run[vcpu] = NULL;
}

static void map(const struct op *op)
{
	unsigned int vcpu = op->arg[0] % VCPUS;
	int size = o.kvm < 0 ? -1 : ioctl(o.kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	size_t bytes = op->arg[2] ? (op->arg[2] & 15) * PAGE : size < 0 ? 0 : (size_t)size;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, o.vcpu[vcpu],
			    (off_t)((op->arg[1] & 15) * PAGE));

	if (memory == MAP_FAILED)
		return;
	/* Only a whole one is used as kvm_run. */
	if (op->arg[1] || size < 0 || bytes != (size_t)size) {
		munmap(memory, bytes);
		return;
	}
	unmap(vcpu);
	o.run[vcpu] = memory;
	o.run_bytes[vcpu] = bytes;
}

/* A child has the files, and nothing that it could do with a VM. It may outlive its parent. */
static void fork_child(const struct op *op)
{
	int file = *file_of(op->arg[0]);
	pid_t pid = fork();

	if (pid) {
		if (pid > 0 && !op->arg[1])
			waitpid(pid, NULL, 0);
		return;
	}
	for (unsigned long request = 0; request < 256; request += 3)
		ioctl(file, _IO(KVMIO, request), 0);
	if (op->arg[1])
		usleep((useconds_t)(op->arg[1] % 20000));
	_exit(0);
}

static void use_file(const struct op *op)
{
	int file = *file_of(op->arg[0]);
	struct pollfd waiting = { file, POLLIN, 0 };
	char bytes[16] = { 0 };

	switch (op->arg[1] % 6) {
	case 0:
		/* An eventfd without a count would be waited for. */
		fcntl(file, F_SETFL, O_NONBLOCK);
		if (read(file, bytes, sizeof(bytes)) < 0)
			break;
		break;
	case 1:
		fcntl(file, F_SETFL, O_NONBLOCK);
		if (write(file, bytes, sizeof(bytes)) < 0)
			break;
		break;
	case 2:
		lseek(file, 4096, SEEK_SET);
		break;
	case 3:
		poll(&waiting, 1, 0);
		break;
	case 4:
		fsync(file);
		break;
	default:
		fcntl(file, F_SETFL, O_NONBLOCK | O_ASYNC);
	}
}

static void kill_later(uint64_t after)
{
	static volatile pid_t self;

	self = getpid();
	if (fork())
		return;
	usleep((useconds_t)(after % 30000));
	kill(self, SIGKILL);
	_exit(0);
}

static bool file_perform(const struct op *op)
{
	int *file = file_of(op->arg[0]);

	switch (op->kind) {
	case DO_VM:
		replace(&o.vm[op->arg[0] % VMS],
			call("vm", o.kvm, KVM_CREATE_VM, 0, E(EBUSY) | E(EMFILE)));
		return true;
	case DO_VCPU:
		make_vcpu(op);
		return true;
	case DO_MAP:
		map(op);
		return true;
	case DO_UNMAP:
		unmap(op->arg[0] % VCPUS);
		return true;
	case DO_CLOSE:
		replace(file, -1);
		return true;
	case DO_DUP:
		replace(file, dup(*file));
		return true;
	case DO_FORK:
		fork_child(op);
		return true;
	case DO_FILE:
		use_file(op);
		return true;
	case DO_KILL:
		kill_later(op->arg[0]);
		return true;
	default:
		return false;
	}
}

/* ---- memory ------------------------------------------------------------------------------- */

static void set_slot(const struct op *op)
{
	struct kvm_userspace_memory_region slot = {
		.slot = (uint32_t)op->arg[1], .flags = (uint32_t)op->arg[2],
		.guest_phys_addr = op->arg[3], .memory_size = op->arg[4] * PAGE,
		.userspace_addr = ARENA + op->arg[5],
	};

	call("slot", o.vm[op->arg[0] % VMS], KVM_SET_USER_MEMORY_REGION, (uintptr_t)&slot,
	     E(EEXIST) | E(ENOSPC));
}

static void change_memory(const struct op *op)
{
	static const int advices[] = { MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
				       MADV_COLD, MADV_PAGEOUT, MADV_DONTFORK, MADV_MERGEABLE };
	uint64_t page = op->arg[0] % ARENA_PAGES;
	uint64_t pages = 1 + op->arg[1] % (ARENA_PAGES - page);
	void *start = (void *)(ARENA + page * PAGE);

	if (op->kind == DO_ADVISE)
		madvise(start, pages * PAGE, advices[op->arg[2] % COUNT(advices)]);
	else if (op->kind == DO_PROTECT)
		mprotect(start, pages * PAGE, (int)(op->arg[2] & 3));
	else if (op->arg[2] & 1)
		munmap(start, pages * PAGE);
	else if (mmap(start, pages * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_ANONYMOUS |
		      (op->arg[2] & 2 ? MAP_SHARED : MAP_PRIVATE), -1, 0) == MAP_FAILED)
		trouble("mmap: %s", strerror(errno));
}

/* Code where guests begin; it begins again at its end, if it is a loop. */
static void write_code(const struct op *op)
{
	uint8_t code[256];
	struct chance chance = { op->arg[1] };
	unsigned int at = 0;

	while (at < sizeof(code) - 32)
		at += insn_make(&chance, op->arg[0] == 64 ? 64 : op->arg[0] == 32 ? 32 : 16,
				code + at);
	if (op->arg[2]) {
		int16_t back = (int16_t)-(int)(at + 3);

		/* In code of 16 bits; elsewhere two bytes of what follows belong to it. */
		code[at] = 0xe9;
		memcpy(code + at + 1, &back, 2);
		memset(code + at + 3, 0xff, 2);
		at += 5;
	}
	if (tcg)
		insn_spare_qemu(code, at);
	arena_write(CODE_AT, code, at);
}

static bool memory_perform(const struct op *op)
{
	uint64_t value = op->arg[1];

	switch (op->kind) {
	case DO_SLOT:
		set_slot(op);
		return true;
	case DO_ADVISE:
	case DO_PROTECT:
	case DO_REMAP:
		change_memory(op);
		return true;
	case DO_TOUCH:
		arena_write(op->arg[0] % ARENA_PAGES * PAGE, &value, sizeof(value));
		return true;
	case DO_CODE:
		write_code(op);
		return true;
	default:
		return false;
	}
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void begin(void)
{
	o.kvm = open(node, O_RDWR | O_CLOEXEC);
	if (o.kvm < 0)
		trouble("%s: %s", node, strerror(errno));
	for (unsigned int i = 0; i < VMS; i++)
		o.vm[i] = -1;
	for (unsigned int i = 0; i < VCPUS; i++)
		o.vcpu[i] = -1;
	for (unsigned int i = 0; i < EVENTFDS; i++)
		o.eventfd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mmap((void *)ARENA, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		trouble("mmap: %s", strerror(errno));
	arena_write(0, image, IMAGE_BYTES);
}

void calls_perform(const struct sequence *sequence)
{
	begin();
	for (unsigned int i = 0; i < sequence->count; i++) {
		const struct op *op = &sequence->ops[i];

		if (file_perform(op) || memory_perform(op) || more_perform(op))
			continue;
		if (op->kind == DO_BESIDE)
			beside_start(op);
		else if (op->kind == DO_RUN)
			run_perform(op);
		else if (op->kind >= DO_REGS && op->kind <= DO_CPUID)
			structure_perform(op);
	}
	beside_wait();
}
