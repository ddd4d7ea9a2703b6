// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF core files. libelf lays out and writes the headers; the contents follow
 * them in the order of the program headers: the notes first, then memory.
 */
#include "elfcore.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <unistd.h>

#include <libelf.h>

#include "disasm.h"

#define ALIGN 4096

/* Descriptions are structures of the kernel's, all of them multiples of 4 bytes. */
static void add_note(struct strbuf *notes, u32 type, const void *desc, u32 bytes)
{
	static const char owner[8] = "CORE";	/* padded to a multiple of 4 */
	Elf64_Nhdr header = { .n_namesz = 5, .n_descsz = bytes, .n_type = type };

	sb_add(notes, (const char *)&header, sizeof(header));
	sb_add(notes, owner, sizeof(owner));
	sb_add(notes, desc, bytes);
}

static void add_registers(struct strbuf *notes, const struct cpu_state *state)
{
	const u64 *gpr = state->gpr;
	const struct seg_state *seg = state->seg;
	struct user_regs_struct regs = {
		.r15 = gpr[15], .r14 = gpr[14], .r13 = gpr[13], .r12 = gpr[12], .r11 = gpr[11],
		.r10 = gpr[10], .r9 = gpr[9], .r8 = gpr[8], .rax = gpr[RAX], .rbx = gpr[RBX],
		.rcx = gpr[RCX], .rdx = gpr[RDX], .rsi = gpr[RSI], .rdi = gpr[RDI],
		.rsp = gpr[RSP], .rbp = gpr[RBP], .orig_rax = ~0ull,
		.rip = state_linear_rip(state), .eflags = state->rflags,
		.cs = seg[SEG_CS].selector, .ds = seg[SEG_DS].selector,
		.es = seg[SEG_ES].selector, .fs = seg[SEG_FS].selector,
		.gs = seg[SEG_GS].selector, .ss = seg[SEG_SS].selector,
		.fs_base = seg[SEG_FS].base, .gs_base = seg[SEG_GS].base,
	};
	struct elf_prstatus status = { .pr_pid = 1, .pr_cursig = SIGTRAP, .pr_fpvalid = 1 };

	static_assert(sizeof(regs) == sizeof(status.pr_reg), "the kernel's and glibc's differ");
	memcpy(&status.pr_reg, &regs, sizeof(regs));
	add_note(notes, NT_PRSTATUS, &status, sizeof(status));
}

static void add_fpu(struct strbuf *notes, const struct fpu_state *fpu)
{
	struct user_fpregs_struct regs = {
		.cwd = fpu->fcw, .swd = fpu->fsw, .ftw = fpu->ftw, .fop = fpu->fop,
		.rip = fpu->fip, .rdp = fpu->fdp, .mxcsr = fpu->mxcsr,
	};

	memcpy(regs.st_space, fpu->st, sizeof(fpu->st));
	for (unsigned int i = 0; i < 16; i++)
		memcpy(regs.xmm_space + 4 * i, fpu->ymm[i], 16);
	add_note(notes, NT_FPREGSET, &regs, sizeof(regs));
}

static void make_notes(struct strbuf *notes, const char *name, const struct cpu_state *state)
{
	struct elf_prpsinfo info = { .pr_sname = 'R', .pr_pid = 1 };

	snprintf(info.pr_fname, sizeof(info.pr_fname), "microguest");
	snprintf(info.pr_psargs, sizeof(info.pr_psargs), "%s", name);
	if (state)
		add_registers(notes, state);
	add_note(notes, NT_PRPSINFO, &info, sizeof(info));
	if (state)
		add_fpu(notes, &state->fpu);
}

/* Headers for the notes and each range; contents begin after them. */
static int write_headers(int fd, size_t notes, const struct core_range *ranges,
			 unsigned int nranges)
{
	u64 offset = sizeof(Elf64_Ehdr) + (nranges + 1) * sizeof(Elf64_Phdr);
	Elf *elf = elf_begin(fd, ELF_C_WRITE, NULL);
	Elf64_Ehdr *ehdr = elf64_newehdr(elf);
	Elf64_Phdr *phdr = elf64_newphdr(elf, nranges + 1);
	int result;

	if (!elf || !ehdr || !phdr) {
		elf_end(elf);
		return -1;
	}
	ehdr->e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr->e_type = ET_CORE;
	ehdr->e_machine = EM_X86_64;
	ehdr->e_version = EV_CURRENT;
	ehdr->e_phoff = sizeof(*ehdr);
	phdr[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offset, .p_filesz = notes,
				.p_align = 4 };
	offset = (offset + notes + ALIGN - 1) & -(u64)ALIGN;
	for (unsigned int i = 0; i < nranges; i++) {
		phdr[i + 1] = (Elf64_Phdr){
			.p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X, .p_offset = offset,
			.p_vaddr = ranges[i].addr, .p_paddr = ranges[i].addr,
			.p_filesz = ranges[i].size, .p_memsz = ranges[i].size, .p_align = ALIGN,
		};
		offset += ranges[i].size;
	}
	elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	result = elf_update(elf, ELF_C_WRITE) < 0 ? -1 : 0;
	elf_end(elf);
	return result;
}

static int write_at(int fd, const void *bytes, size_t len, off_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, bytes, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes = (const u8 *)bytes + n;
		offset += n;
		len -= n;
	}
	return 0;
}

int elfcore_write(int fd, const char *name, const struct cpu_state *state, const u8 *memory,
		  const struct core_range *ranges, unsigned int nranges, char **error)
{
	u64 offset = sizeof(Elf64_Ehdr) + (nranges + 1) * sizeof(Elf64_Phdr);
	struct strbuf notes = { 0 };
	int result;

	elf_version(EV_CURRENT);
	make_notes(&notes, name, state);
	if (write_headers(fd, notes.len, ranges, nranges)) {
		*error = xasprintf("cannot write the headers of a core file: %s", elf_errmsg(-1));
		sb_free(&notes);
		return -1;
	}
	result = write_at(fd, notes.s, notes.len, (off_t)offset);
	offset = (offset + notes.len + ALIGN - 1) & -(u64)ALIGN;
	for (unsigned int i = 0; i < nranges && !result; i++) {
		result = write_at(fd, memory + ranges[i].addr, ranges[i].size, (off_t)offset);
		offset += ranges[i].size;
	}
	if (result)
		*error = xasprintf("cannot write a core file: %s", strerror(errno));
	sb_free(&notes);
	return result;
}
