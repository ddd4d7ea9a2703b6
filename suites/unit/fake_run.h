/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A run that never happened: two images, six instances and every kind of
 * outcome, for tests of what is made of results.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define FAKE_COUNT 6

/* 8000: mov al, 0x41; out 0x10, al; hlt, and the case after it */
static const u8 fake_code[] = { 0xb0, 0x41, 0xe6, 0x10, 0xf4, 0x0f, 0x0b, 0x90, 0xf4 };
static const u8 fake_bytes[] = "not really an ELF file";

#define FAKE_TEXT(s) { .id = F_text, .bytes = sizeof(s) - 1, .blob = (const u8 *)(s) }

static const struct field fake_ref[] = { FAKE_TEXT("SDM 2 OUT") };
static const struct field fake_ref2[] = { FAKE_TEXT("APM 3 OUT") };
static const struct field fake_need[] = { FAKE_TEXT("movbe") };
static const struct field fake_given[] = { { .id = F_rax, .value = 0x1122334455667788 } };
static const struct field fake_out[] = {
	{ .id = F_port, .value = 0x10 }, { .id = F_size, .value = 1 },
	{ .id = F_data, .value = 0x41 }, { .id = F_clear, .value = 0x41 },
	{ .id = F_undefined_reg, .value = 0x6 },
};
static const struct field fake_writes[] = {
	{ .id = F_address, .value = 0x7000 },
	{ .id = F_bytes, .bytes = 3, .blob = (const u8 *)"\001\002\377" },
};
static const struct field fake_mask[] = { { .id = F_value, .value = 5 } };

static const struct record fake_records[] = {
	{ .kind = REC_REF, .nfields = 1, .line = 10, .addr = 0x8000, .fields = fake_ref },
	{ .kind = REC_REF, .nfields = 1, .line = 10, .addr = 0x8000, .fields = fake_ref2 },
	{ .kind = REC_NEED, .nfields = 1, .line = 11, .addr = 0x8000, .fields = fake_need },
	{ .kind = REC_IRQCHIP, .nfields = 1, .line = 11, .addr = 0x8000, .fields = fake_mask },
	{ .kind = REC_GIVEN, .nfields = 1, .line = 12, .addr = 0x8000, .fields = fake_given },
	{ .kind = REC_EXPECT, .sub = STEP_IO_OUT, .nfields = 5, .line = 14, .addr = 0x8004,
	  .fields = fake_out },
	{ .kind = REC_WRITES, .nfields = 2, .line = 15, .addr = 0x8004, .fields = fake_writes },
	{ .kind = REC_EXPECT, .sub = STEP_HLT, .line = 17, .addr = 0x8005 },
};

static const struct segment fake_segment = {
	.addr = 0x8000, .size = sizeof(fake_code), .filesz = sizeof(fake_code), .data = fake_code,
};

static struct mg_case fake_cases[2];
static struct image fake_images[2];
static char fake_names[FAKE_COUNT][64] = {
	"emulation/mov/load@prot32",	"emulation/mov/load@prot32+mmio",
	"emulation/mov/load@prot32+fep", "io/out/imm8_al@long64",
	"io/out/imm8_al@long64+split",	"io/out/imm8_al@long64+kernel",
};
static struct instance fake_instances[FAKE_COUNT];
static struct host fake_host;
static char fake_parameters[] = "kvm.force_emulation_prefix=1 kvm_amd.npt=1";
static struct run_info fake_run;

static inline void fake_case(unsigned int i, enum def_mode mode, const char *image,
			     const char *file, const char *name)
{
	fake_images[i] = (struct image){
		.file = (char *)file, .name = (char *)image, .mode = mode,
		.segments = (struct segment *)&fake_segment, .nsegments = 1,
		.cases = &fake_cases[i], .ncases = 1,
		.bytes = (u8 *)fake_bytes, .size = sizeof(fake_bytes),
	};
	fake_cases[i] = (struct mg_case){
		.image = &fake_images[i], .name = (char *)name, .entry = 0x8000, .line = 9,
		.text = (char *)"OUT imm8, AL exits with the port, one byte & AL",
		.irqchips = 7, .rings = 1, .nsteps = 2, .records = fake_records,
		.nrecords = ARRAY_SIZE(fake_records),
	};
}

/* All that is in a file, as text for free(); the file is closed. */
static inline char *slurp(int fd)
{
	struct strbuf sb = { 0 };
	char buffer[4096];
	ssize_t n;

	sb_add(&sb, "", 0);
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		sb_add(&sb, buffer, n);
	close(fd);
	return sb.s;
}

static inline void fake_world(void)
{
	fake_case(0, MODE_PROT32, "emulation/mov", "emulation/mov@prot32.elf", "load");
	fake_case(1, MODE_LONG64, "io/out", "io/out@long64.elf", "imm8_al");
	for (unsigned int i = 0; i < FAKE_COUNT; i++)
		fake_instances[i] = (struct instance){
			.tc = &fake_cases[i >= 3], .name = fake_names[i], .irqchip = IRQCHIP_USER,
		};
	fake_cases[0].uses = USES_FPU;
	fake_instances[1].path = PATH_MMIO;
	fake_instances[2].path = PATH_FEP;
	fake_instances[4].irqchip = IRQCHIP_SPLIT;
	fake_instances[5].irqchip = IRQCHIP_KERNEL;
	fake_host = (struct host){
		.cpu = "Some CPU <1> @ 2 GHz", .vendor = "GenuineIntel", .family = 6,
		.model = 143, .stepping = 8, .microcode = "0xffffffff",
		.kernel = "6.12.33", .machine = "bare metal", .machine_version = "unknown",
		.hypervisor = "kvm_intel",
		.version = "6.12.33", .parameters = fake_parameters,
	};
	fake_run = (struct run_info){
		.host = &fake_host, .target = "/dev/kvm", .instances = fake_instances,
		.count = FAKE_COUNT, .program = "build/assay", .started = 1700000000,
	};
}

static inline void fake_difference(struct result *result, const char *what, const char *expected,
				   const char *observed)
{
	struct difference *d = &result->differences[result->ndifferences++];

	snprintf(d->what, sizeof(d->what), "%s", what);
	snprintf(d->expected, sizeof(d->expected), "%s", expected);
	snprintf(d->observed, sizeof(d->observed), "%s", observed);
}

/* A failed first step: two differences, state, code and two of five exits. */
static inline void fake_failure(struct result *result, const char *why)
{
	result->why = xstrdup(why);
	result->line = 14;
	fake_difference(result, "rax", "0x1122334455667741", "0x1122334455667742");
	fake_difference(result, "memory 0x7000", "01 02 ff", "00 00 00 00 00 00 00 00 00");
	result->more_differences = 3;
	result->have_state = true;
	result->state.gpr[RAX] = 0x1122334455667742;
	result->state.rip = 0x8004;
	result->state.fpu.fcw = 0x37f;
	memcpy(result->state.fpu.st[0], "\1\2\3\4\5\6\7\x80\xff\x3f", 10);
	result->state.cr0 = 0x11;
	result->state.seg[SEG_CS] = (struct seg_state){ 8, 0, 0xffffffff, 0xc09b };
	result->state.seg[SEG_LDTR].ar = AR_UNUSABLE;
	result->code_addr = 0x8000;
	result->code_len = sizeof(fake_code);
	memcpy(result->code, fake_code, sizeof(fake_code));
	result->exits_before = 3;
	result->nexits = 2;
	result->exits[0] = (struct exit_seen){ .reason = 2, .rip = 0x8002,
					       .text = "io_out port=0x10 size=1 data=41" };
	result->hw_before = 7;
	result->nhw = 3;
	result->hw[0] = (struct hw_seen){ { .isa = HWEXIT_VMX, .reason = 30, .rip = 0x8002,
					    .info1 = 0x100040 }, 4 };
	result->hw[1] = (struct hw_seen){ { .isa = HWEXIT_SVM, .reason = 0x400, .rip = 0x8004,
					    .info1 = 6, .info2 = 0xe000, .intr_info = 0x80000b0e,
					    .error_code = 2 }, 5 };
	result->hw[2] = (struct hw_seen){ { .isa = 9, .reason = 5, .rip = 0x8004 }, 5 };
	result->exits[1] = (struct exit_seen){ .reason = ~0u, .error = 4, .rip = 0x8004,
					       .text = "KVM_RUN: Interrupted system call" };
}

/* What came of instance i; result_clear() it. */
static inline struct result fake_result(unsigned int i)
{
	static const enum outcome outcomes[FAKE_COUNT] = {
		OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_SKIP, OUTCOME_DEVIATION, OUTCOME_ERROR,
		OUTCOME_PASS,
	};
	struct result result = { .instance = &fake_instances[i], .outcome = outcomes[i],
				 .ns = 1000000ull * (i + 1), .runs = 2 };

	if (i == 0 || i == 5)
		result.unchecked = xstrdup("XSAVE state: the target has no KVM_GET_XSAVE");
	if (i == 5)
		result.hw_checked = 2;
	if (i == 1 || i == 3)
		fake_failure(&result, "rax and memory are not as expected");
	if (i == 2)
		result.why = xstrdup("the target takes no #UD as \"prefix\" <force_emulation=0>");
	if (i == 3) {		/* an exception came instead: RIP is in the stub of #GP */
		result.state.rip = STUBS + 13 * STUB_SIZE + 2;
		result.code_addr = STUBS + 13 * STUB_SIZE + 2;
	}
	if (i == 4) {
		result.why = xstrdup("the case has\nno \033[31mentry\377 & <more>");
		result.step = -1;
	}
	if (i == 3 || i == 5) {
		result.deviation_reason = "OUT loses AL";
		result.deviation_ref = "https://example.org/bug?id=1&x=2";
		result.deviation_gone = i == 5;
	}
	return result;
}
