// SPDX-License-Identifier: GPL-2.0-only
/* Memory slots that are taken away, moved, changed under running vCPUs, and their logs read. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"

#define SLOT_AT (1ull << 20)
#define SLOT_PAGES 32ul

extern const uint8_t filling_code[], filling_end[], insisting_code[], insisting_end[];

/*
 * The first writes a word to each of 32 pages at 1 MiB, and of 32 behind them, over and over. The
 * second writes to the first of them alone and never comes out by itself: it has to be called.
 */
__asm__(
	".pushsection .rodata\n"
	".code16\n"
	"filling_code:\n"
	"	lidt 0x2010\n"
	"1:	mov $0x100000, %edi\n"
	"	mov $64, %cx\n"
	"2:	incl (%edi)\n"
	"	add $4096, %edi\n"
	"	dec %cx\n"
	"	jnz 2b\n"
	"	incl 0x2000\n"
	"	jmp 1b\n"
	"filling_end:\n"
	"insisting_code:\n"
	"	lidt 0x2010\n"
	"	mov $0x100000, %edi\n"
	"1:	incl 4(%edi)\n"
	"	jmp 1b\n"
	"insisting_end:\n"
	".code64\n"
	".popsection\n");

static const struct guest filling = { filling_code, filling_end };
static const struct guest insisting = { insisting_code, insisting_end };

#define INSISTING_AT (CODE_AT + 0x200)

/* Real mode with segments of 4 GiB. */
static void widen(struct machine *machine, unsigned int vcpu)
{
	struct kvm_sregs sregs;

	check(!ioctl(machine->vcpu[vcpu], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS: %m");
	sregs.ds.limit = 0xffffffff;
	sregs.ds.g = 1;
	check(!ioctl(machine->vcpu[vcpu], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS: %m");
}

struct scene {
	struct machine machine;
	struct runner runners[2];
	uint8_t *pages;
	_Atomic bool enough;
};

static int put_slot(struct scene *scene, uint64_t gpa, uint64_t bytes, uint32_t flags)
{
	struct kvm_userspace_memory_region slot = {
		.slot = 1, .flags = flags, .guest_phys_addr = gpa, .memory_size = bytes,
		.userspace_addr = (uintptr_t)scene->pages };

	return ioctl(scene->machine.vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

static void begin(struct scene *scene)
{
	struct kvm_regs regs = { .rip = INSISTING_AT, .rflags = 2 };

	memset(scene, 0, sizeof(*scene));
	scene->pages = mmap(NULL, SLOT_PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(scene->pages != MAP_FAILED, "memory: %m");
	machine_make(&scene->machine, &filling);
	memcpy(scene->machine.memory + INSISTING_AT, insisting.code,
	       (size_t)(insisting.end - insisting.code));
	check(!ioctl(scene->machine.vcpu[1], KVM_SET_REGS, &regs), "KVM_SET_REGS: %m");
	for (unsigned int i = 0; i < 2; i++) {
		widen(&scene->machine, i);
		runner_start(&scene->runners[i], &scene->machine, i);
	}
	/* Nothing but a call takes the second from its processor. */
	if (cpus() > 1)
		check(pin(0, 0) && pin(scene->runners[0].tid, 0) && pin(scene->runners[1].tid, 1),
		      "a processor: %m");
}

static void end(struct scene *scene)
{
	check(runner_stop(&scene->runners[0]) && runner_stop(&scene->runners[1]),
	      "a vCPU stays");
	machine_end(&scene->machine);
	munmap(scene->pages, SLOT_PAGES * PAGE);
}

/* Sum of what the guest has written to the slot's memory. */
static uint64_t written(const struct scene *scene)
{
	uint64_t sum = 0;

	for (unsigned long i = 0; i < SLOT_PAGES; i++) {
		volatile uint32_t *page = (volatile uint32_t *)(scene->pages + i * PAGE);

		sum += page[0] + page[1];
	}
	return sum;
}

static void expect_writes(const struct scene *scene, const char *when)
{
	uint64_t before = written(scene), until = now() + 30000000;

	while (written(scene) == before) {
		check(now() < until, "%s: nothing is written", when);
		usleep(200);
	}
}

/* Once the call is back, none of that memory changes. */
static void expect_none(const struct scene *scene, const char *when)
{
	uint64_t before = written(scene);

	usleep(1000);
	check(written(scene) == before, "%s: the guest still writes there", when);
}

static void taken_away(void)
{
	struct scene scene;

	begin(&scene);
	for (unsigned int i = 0; i < 60; i++) {
		check(!put_slot(&scene, SLOT_AT, SLOT_PAGES * PAGE, 0), "the slot: %m");
		expect_writes(&scene, "the slot is there");
		check(!put_slot(&scene, SLOT_AT, 0, 0), "no slot: %m");
		expect_none(&scene, "the slot has gone");
	}
	end(&scene);
}

/* There and back: it is written to through either place. At a third nobody writes. */
static void moved(void)
{
	static const uint64_t places[] = { SLOT_AT, SLOT_AT + SLOT_PAGES * PAGE,
					   SLOT_AT + 8 * SLOT_PAGES * PAGE };
	struct scene scene;

	begin(&scene);
	for (unsigned int i = 0; i < 60; i++) {
		check(!put_slot(&scene, places[i % 3], SLOT_PAGES * PAGE, 0), "a place: %m");
		if (i % 3 == 2)
			expect_none(&scene, "the slot is elsewhere");
		else
			expect_writes(&scene, "the slot is moved");
	}
	end(&scene);
}

/* Read-only: writes are exits, and none of them gets there. */
static void read_only(void)
{
	struct scene scene;

	begin(&scene);
	for (unsigned int i = 0; i < 40; i++) {
		check(!put_slot(&scene, SLOT_AT, SLOT_PAGES * PAGE, 0), "the slot: %m");
		expect_writes(&scene, "it may be written");
		check(!put_slot(&scene, SLOT_AT, 0, 0), "no slot: %m");
		check(!put_slot(&scene, SLOT_AT, SLOT_PAGES * PAGE, KVM_MEM_READONLY),
		      "read-only: %m");
		expect_none(&scene, "it is read-only");
		check(!put_slot(&scene, SLOT_AT, 0, 0), "no slot: %m");
	}
	end(&scene);
}

/* Reads the log all the time, whether there is one or not. */
static void *read_logs(void *opaque)
{
	struct scene *scene = opaque;
	uint64_t bits[SLOT_PAGES / 64 + 1];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };

	while (!scene->enough) {
		if (ioctl(scene->machine.vm, KVM_GET_DIRTY_LOG, &log) && errno != ENOENT)
			fail(__FILE__, __LINE__, "KVM_GET_DIRTY_LOG: %m");
	}
	return NULL;
}

static void log_read(void)
{
	uint64_t until = now() + seconds * 1000000ull;
	unsigned int rounds = 0;
	struct scene scene;
	pthread_t thread;

	begin(&scene);
	check(!pthread_create(&thread, NULL, read_logs, &scene), "a thread: %m");
	for (; now() < until || rounds < 100; rounds++) {
		uint32_t flags = rounds & 1 ? KVM_MEM_LOG_DIRTY_PAGES : 0;
		uint64_t at = SLOT_AT + (rounds >> 2 & 1) * SLOT_PAGES * PAGE;

		check(!put_slot(&scene, at, SLOT_PAGES * PAGE, flags), "flags: %m");
		if (rounds % 16 == 15)
			check(!put_slot(&scene, at, 0, 0), "no slot: %m");
	}
	scene.enough = true;
	pthread_join(thread, NULL);
	end(&scene);
}

/* A page that differs from its last copy is in one of the logs since: nothing is lost. */
static void log_complete(void)
{
	static uint8_t copy[SLOT_PAGES * PAGE];
	uint64_t bits[1];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };
	struct scene scene;

	begin(&scene);
	check(!put_slot(&scene, SLOT_AT, SLOT_PAGES * PAGE, KVM_MEM_LOG_DIRTY_PAGES),
	      "the slot: %m");
	for (unsigned int i = 0; i < 200; i++) {
		check(!ioctl(scene.machine.vm, KVM_GET_DIRTY_LOG, &log), "log: %m");
		for (unsigned long page = 0; page < SLOT_PAGES; page++) {
			if (bits[0] >> page & 1)
				memcpy(copy + page * PAGE, scene.pages + page * PAGE, PAGE);
		}
		usleep(100);
	}
	check(runner_stop(&scene.runners[0]) && runner_stop(&scene.runners[1]), "a vCPU stays");
	check(!ioctl(scene.machine.vm, KVM_GET_DIRTY_LOG, &log), "log: %m");
	for (unsigned long page = 0; page < SLOT_PAGES; page++)
		check(bits[0] >> page & 1 ||
		      !memcmp(copy + page * PAGE, scene.pages + page * PAGE, PAGE),
		      "page %lu was written, and in no log", page);
	machine_end(&scene.machine);
}

const struct test slot_tests[] = {
	{ "slot/taken_away", taken_away }, { "slot/moved", moved },
	{ "slot/read_only", read_only }, { "slot/log_read", log_read },
	{ "slot/log_complete", log_complete }, { NULL, NULL },
};
