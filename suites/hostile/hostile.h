/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this program share: a small VM in real mode, and how a test ends. */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define PAGE 4096ul
#define MEMORY (64 * PAGE)
#define CODE_AT 0x1000u
#define DATA_AT 0x2000u

extern const char *node;	/* of the hypervisor under test */

struct machine {
	int kvm, vm, vcpu[2];
	struct kvm_run *run[2];
	uint8_t *memory;	/* below 4 GiB, so that a 32-bit call can name it */
};

/* Ends the process: the test has failed, or cannot be made here. */
noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
noreturn void skip(const char *why);

#define check(condition, ...) do { if (!(condition)) fail(__VA_ARGS__); } while (0)

/* A VM with 64 pages at 0 and two vCPUs, which have that code before them. */
void machine_make(struct machine *machine, const void *code, const void *end);
/* KVM_RUN of a vCPU: the exit reason, or -errno. */
int machine_run(struct machine *machine, unsigned int vcpu);

/* stress.c: tasks that misuse the node and are killed, for so many seconds. */
void stress(unsigned int seconds);
