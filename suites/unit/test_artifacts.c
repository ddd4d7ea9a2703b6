// SPDX-License-Identifier: GPL-2.0-only
/* Artifacts: what a bundle holds, that it replaces itself, and that it stays inside. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <jansson.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include "artifacts.h"
#include "fake_run.h"
#include "scratch.h"
#include "tap.h"

#define BUNDLE "emulation_mov_load@prot32+mmio"

static char top[] = "/tmp/assay-artifacts-XXXXXX";

/* Below top; the last two answers are kept. */
static char *path_of(const char *file)
{
	static char paths[2][512];
	static unsigned int turn;
	char *path = paths[turn++ % 2];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, file);
	return path;
}

/* Contents of a file below top, NULL if there is none. */
static char *contents(const char *file, size_t *len)
{
	int fd = open(path_of(file), O_RDONLY);
	struct strbuf sb = { 0 };
	char buffer[65536];
	ssize_t n;

	if (fd < 0)
		return NULL;
	sb_add(&sb, "", 0);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		sb_add(&sb, buffer, n);
	close(fd);
	if (len)
		*len = sb.len;
	return sb.s;
}

static void put_file(const char *file, const char *text)
{
	FILE *f = fopen(path_of(file), "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void ok_file(const char *file, const char *part, const char *what)
{
	char *path = xasprintf("out/" BUNDLE "/%s", file), *text = contents(path, NULL);

	ok_contains(text, part, "%s: %s", file, what);
	free(text);
	free(path);
}

/* The failure of the fake run, with memory, in the directory top/out. */
static int save(struct result *result, char **error)
{
	struct artifacts *artifacts = artifacts_open(path_of("out"), error);
	int status = artifacts ? artifacts_save(artifacts, &fake_run, result, error) : -1;

	artifacts_close(artifacts);
	return status;
}

static struct result failure(void)
{
	struct result result = fake_result(1);

	result.memory = xcalloc(1, STAGE_RAM);
	result.memory_expected = xcalloc(1, STAGE_RAM);
	memcpy(result.memory + 0x8000, fake_code, sizeof(fake_code));
	memcpy(result.memory_expected + 0x8000, fake_code, sizeof(fake_code));
	memcpy(result.memory_expected + 0x7000, "\1\2\377", 3);
	result.memory[PAGES] = result.memory_expected[PAGES] = 0xa0;
	return result;
}

static void test_texts(void)
{
	char *text = contents("out/" BUNDLE "/result.json", NULL), *image;
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_t *result = json_object_get(json, "result");
	struct stat st;
	size_t len = 0;

	ok_text(json_string_value(json_object_get(result, "name")), fake_names[1],
		"result.json: is of this instance");
	ok(json_is_object(json_object_get(json, "host")), "result.json: with the host");
	json_decref(json);
	free(text);
	ok_file("failure.txt", "0x1122334455667742", "has the differences");
	ok_file("registers.txt", "rax        1122334455667742", "has RAX");
	ok_file("registers.txt", "ldtr     0000      0000000000000000  00000000  10000 unusable",
		"has the segments");
	ok_file("registers.txt", "\nst0        3fff8007060504030201\n", "has the x87 registers");
	ok_file("exits.txt", "(3 exits before these)\n   4  rip=08002  io_out", "has the exits");
	ok_file("disassembly.txt", "       14:   1. expect io_out", "has the steps");
	ok_file("disassembly.txt", " -> 08004  f4", "has RIP marked");
	ok_file("memory.diff", "07000 expected [01] [02] [ff]  00 ", "has what was expected");
	ok_file("memory.diff", "      observed [00] [00] [00]  00 ", "and what was observed");
	ok_file("replay.sh", "#!/bin/sh\nexec assay run emulation/mov/load@prot32+mmio "
		"--on /dev/kvm \"$(dirname \"$0\")/image.elf\" \"$@\"\n",
		"runs the bundle's image");
	ok(!stat(path_of("out/" BUNDLE "/replay.sh"), &st) && st.st_mode & S_IXUSR,
	   "replay.sh: can be run");
	image = contents("out/" BUNDLE "/image.elf", &len);
	ok(image && len == sizeof(fake_bytes) && !memcmp(image, fake_bytes, len),
	   "image.elf: is the image's file");
	free(image);
}

/* The registers of the core's NT_PRSTATUS note; false if it has none. */
static bool core_registers(Elf *elf, const GElf_Phdr *phdr, struct user_regs_struct *regs)
{
	Elf_Data *notes = elf_getdata_rawchunk(elf, phdr->p_offset, phdr->p_filesz, ELF_T_NHDR);
	size_t at = 0, next, name, desc;
	GElf_Nhdr nhdr;

	while (notes && (next = gelf_getnote(notes, at, &nhdr, &name, &desc))) {
		const char *base = notes->d_buf;

		if (nhdr.n_type == NT_PRSTATUS && !strcmp(base + name, "CORE"))
			return memcpy(regs, base + desc + offsetof(struct elf_prstatus, pr_reg),
				      sizeof(*regs));
		at = next;
	}
	return false;
}

static void test_core(void)
{
	int fd = open(path_of("out/" BUNDLE "/memory.core"), O_RDONLY);
	struct user_regs_struct regs = { 0 };
	bool have_regs = false;
	GElf_Phdr phdr = { 0 };
	GElf_Ehdr ehdr = { 0 };
	u64 mapped = 0;
	size_t n = 0;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	ok(elf && gelf_getehdr(elf, &ehdr) && ehdr.e_type == ET_CORE, "memory.core: is a core");
	ok(!elf_getphdrnum(elf, &n) && n == 3, "memory.core: has notes and two ranges");
	for (size_t i = 0; i < n; i++) {
		u8 byte = 0;

		gelf_getphdr(elf, i, &phdr);
		if (phdr.p_type == PT_NOTE)
			have_regs = core_registers(elf, &phdr, &regs);
		mapped += phdr.p_type == PT_LOAD ? phdr.p_filesz : 0;
		if (phdr.p_type == PT_LOAD && phdr.p_vaddr == 0)
			ok(pread(fd, &byte, 1, phdr.p_offset + 0x8001) == 1 && byte == 0x41,
			   "memory.core: has the code at its address");
		if (phdr.p_type == PT_LOAD && phdr.p_vaddr == MMIO_END)
			ok(pread(fd, &byte, 1, phdr.p_offset + PAGES - MMIO_END) == 1 &&
			   byte == 0xa0, "memory.core: has the pages after the hole");
	}
	ok_equal(mapped, STAGE_RAM - (MMIO_END - OPERAND),
		 "memory.core: has all memory but the operand page and MMIO");
	ok(have_regs && regs.rax == 0x1122334455667742 && regs.rip == 0x8004 && regs.cs == 8,
	   "memory.core: has the registers");
	elf_end(elf);
	close(fd);
}

static void test_replacing(struct result *result)
{
	char *error = NULL, *text;
	struct stat st;

	put_file("outside", "precious");
	unlink(path_of("out/" BUNDLE "/exits.txt"));
	ok(!symlink("../../outside", path_of("out/" BUNDLE "/exits.txt")), "a trap in the bundle");
	put_file("out/" BUNDLE "/failure.txt", "old");
	put_file("out/" BUNDLE "/mine.txt", "notes");
	ok(!save(result, &error), "a bundle is replaced");
	text = contents("outside", NULL);
	ok_text(text, "precious", "a symbolic link in it is not followed");
	free(text);
	ok(!lstat(path_of("out/" BUNDLE "/exits.txt"), &st) && S_ISREG(st.st_mode),
	   "but replaced by a file");
	text = contents("out/" BUNDLE "/failure.txt", NULL);
	ok(text && strcmp(text, "old"), "so are older files");
	free(text);
	text = contents("out/" BUNDLE "/mine.txt", NULL);
	ok_text(text, "notes", "what somebody else put there stays");
	free(text);
}

static void test_without(struct result *result)
{
	char *error = NULL;

	free(result->memory);
	result->memory = NULL;
	result->have_state = false;
	ok(!save(result, &error), "a failure without memory and state has a bundle");
	ok(access(path_of("out/" BUNDLE "/memory.core"), F_OK), "without the older core");
	ok(access(path_of("out/" BUNDLE "/registers.txt"), F_OK), "and registers");
	ok(access(path_of("out/" BUNDLE "/memory.diff"), F_OK), "and difference");
	result->outcome = OUTCOME_DEVIATION;
	result->instance = &fake_instances[3];
	ok(!save(result, &error), "a deviation is no failure");
	ok(access(path_of("out/io_out_imm8_al@long64"), F_OK), "and has no bundle");
	result->outcome = OUTCOME_FAIL;
	result->instance = &fake_instances[1];
}

static void test_errors(struct result *result)
{
	char *error = NULL, *message;

	ok(!artifacts_open(path_of("absent/out"), &error), "a directory without parent is refused");
	message = xasprintf("cannot make the directory %s/absent/out for artifacts: "
			    "No such file or directory", top);
	ok_text(error, message, "and said why");
	free(message);
	free(error);
	error = NULL;
	ok(!artifacts_open(path_of("outside"), &error), "so is a file");
	ok_contains(error, "Not a directory", "and said why");
	free(error);
	error = NULL;
	ok(!rename(path_of("out/" BUNDLE), path_of("elsewhere")) &&
	   !symlink("../elsewhere", path_of("out/" BUNDLE)), "a trap for the bundle itself");
	ok(save(result, &error) == -1, "a bundle that is a symbolic link is refused");
	ok_contains(error, "out/" BUNDLE " as a directory of its own", "and said why");
	free(error);
	error = NULL;
	unlink(path_of("out/" BUNDLE));
	mkdir(path_of("out/" BUNDLE), 0777);
	mkdir(path_of("out/" BUNDLE "/exits.txt"), 0777);
	ok(save(result, &error) == -1, "what cannot be replaced is an error");
	ok_contains(error, "cannot replace", "and said so");
	free(error);
}

int main(void)
{
	struct result result;
	char *error = NULL, *command;

	fake_world();
	fake_run.program = "assay";
	result = failure();
	if (!ok(scratch_directory(top), "a directory for the test"))
		return tap_done();
	if (!ok(!save(&result, &error), "a failure has a bundle"))
		note("%s", error);
	free(error);
	test_texts();
	test_core();
	test_replacing(&result);
	test_without(&result);
	test_errors(&result);
	result_clear(&result);
	command = xasprintf("rm -rf '%s'", top);
	ok(!system(command), "the test cleans up");
	free(command);
	return tap_done();
}
