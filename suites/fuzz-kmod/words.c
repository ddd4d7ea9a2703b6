// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequences as text, one operation a line: its name, then NAME=NUMBER for each argument that
 * is not 0; `insn` has the bytes instead. What follows a # is for people.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

const struct word words[KINDS] = {
	[DO_MODE] = { "mode", { "vcpu", "mode", "idt", "ring" } },
	[DO_VM] = { "vm", { "vm" } },
	[DO_VCPU] = { "vcpu", { "vcpu", "vm", "id" } },
	[DO_MAP] = { "map", { "vcpu", "first", "pages" } },
	[DO_UNMAP] = { "unmap", { "vcpu" } },
	[DO_CLOSE] = { "close", { "file" } },
	[DO_DUP] = { "dup", { "file" } },
	[DO_FORK] = { "fork", { "file", "linger" } },
	[DO_FILE] = { "file", { "file", "how" } },
	[DO_KILL] = { "kill", { "after" } },
	[DO_SLOT] = { "slot", { "vm", "slot", "flags", "gpa", "pages", "from" } },
	[DO_DIRTY] = { "dirty_log", { "vm", "slot", "where" } },
	[DO_CLEAR] = { "clear_log", { "vm", "slot", "first", "pages", "where" } },
	[DO_ADVISE] = { "advise", { "page", "pages", "advice" } },
	[DO_PROTECT] = { "protect", { "page", "pages", "how" } },
	[DO_REMAP] = { "remap", { "page", "pages", "how" } },
	[DO_TOUCH] = { "touch", { "page", "value" } },
	[DO_CODE] = { "code", { "bits", "seed", "loop" } },
	[DO_REGS] = { "regs", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_SREGS] = { "sregs", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_SREGS2] = { "sregs2", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_EVENTS] = { "events", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_FPU] = { "fpu", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_XSAVE] = { "xsave", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_XCRS] = { "xcrs", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_DEBUGREGS] = { "debugregs", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_MP_STATE] = { "mp_state", { "vcpu", "how", "word", "xor" } },
	[DO_LAPIC] = { "lapic", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_GUEST_DEBUG] = { "guest_debug", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_CLOCK] = { "clock", { "vm", "how", "word", "xor", "word2", "xor2" } },
	[DO_PIT] = { "pit", { "vm", "how", "word", "xor", "word2", "xor2" } },
	[DO_IRQCHIP] = { "irqchip", { "vm", "how", "word", "xor", "word2", "xor2" } },
	[DO_TRANSLATE] = { "translate", { "vcpu", "how", "word", "xor" } },
	[DO_TSC_ATTR] = { "tsc_attr", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_SYNC] = { "sync", { "vcpu", "valid", "dirty", "word", "xor" } },
	[DO_MSR] = { "msr", { "vcpu", "set", "index", "value" } },
	[DO_MSRS] = { "msrs", { "vcpu", "set", "count", "seed", "where" } },
	[DO_FILTER] = { "filter", { "vm", "flags", "count", "base", "seed", "where" } },
	[DO_CPUID] = { "cpuid", { "vcpu", "how", "word", "xor", "word2", "xor2" } },
	[DO_CAP] = { "cap", { "vm", "cap", "flags", "value" } },
	[DO_EXTENSION] = { "extension", { "file", "cap" } },
	[DO_EVENTFD] = { "eventfd", { "vm", "address", "length", "flags", "fd", "match" } },
	[DO_ZONE] = { "zone", { "vm", "address", "size", "port", "remove" } },
	[DO_IRQ] = { "irq", { "vcpu", "vector" } },
	[DO_NMI] = { "nmi", { "vcpu" } },
	[DO_MASK] = { "mask", { "vcpu", "length", "set" } },
	[DO_TSC] = { "tsc", { "vcpu", "khz" } },
	[DO_PLACE] = { "place", { "vm", "what", "value" } },
	[DO_ANY] = { "any", { "file", "request", "seed", "where" } },
	[DO_SCRIBBLE] = { "scribble", { "vcpu", "offset", "value" } },
	[DO_RING] = { "ring", { "vcpu", "value" } },
	[DO_RUN] = { "run", { "vcpu", "how", "times", "seed" } },
	[DO_BESIDE] = { "beside", { "what", "object", "times", "seed" } },
	[DO_GPR] = { "gpr", { "number", "value" } },
	[DO_FLAGS] = { "flags", { "value" } },
	[DO_FLIP] = { "flip", { "word", "xor" } },
	[DO_INJECT] = { "inject", { "at", "what", "value" } },
	[DO_INSN] = { "insn", { NULL } },
};

/* Arguments that are found easier in hexadecimal stand so. */
static void print_op(const struct op *op, FILE *file)
{
	const struct word *word = &words[op->kind];

	fputs(word->name, file);
	for (unsigned int i = 0; i < op->length; i++)
		fprintf(file, " %02x", op->code[i]);
	for (unsigned int i = 0; i < ARGS && word->args[i]; i++) {
		if (op->arg[i])
			fprintf(file, op->arg[i] < 10 ? " %s=%llu" : " %s=%#llx", word->args[i],
				(unsigned long long)op->arg[i]);
	}
	fputc('\n', file);
}

void sequence_print(const struct sequence *sequence, FILE *file)
{
	fprintf(file, "%s\n", sequence->guest ? "guest" : "calls");
	for (unsigned int i = 0; i < sequence->count; i++)
		print_op(&sequence->ops[i], file);
}

struct op *sequence_add(struct sequence *sequence, enum kind kind, const uint64_t *args)
{
	static struct op dropped;
	struct op *op = sequence->count < OPS_MAX ? &sequence->ops[sequence->count++] : &dropped;

	*op = (struct op){ .kind = kind };
	for (unsigned int i = 0; args && i < ARGS; i++)
		op->arg[i] = args[i];
	return op;
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool read_number(const char *text, int base, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, base);
	return *text && *text != '-' && !*end && !errno;
}

static bool read_argument(struct op *op, char *text)
{
	const struct word *word = &words[op->kind];
	char *sign = strchr(text, '=');

	if (!sign)
		return false;
	*sign = 0;
	for (unsigned int i = 0; i < ARGS && word->args[i]; i++) {
		if (!strcmp(word->args[i], text))
			return read_number(sign + 1, 0, &op->arg[i]);
	}
	return false;
}

static bool read_byte(struct op *op, const char *text)
{
	uint64_t value;

	if (strlen(text) != 2 || op->length == CODE_MAX || !read_number(text, 16, &value))
		return false;
	op->code[op->length++] = (uint8_t)value;
	return true;
}

/* What is wrong with a line, or NULL. */
static const char *read_line(struct sequence *sequence, char *line)
{
	char *save, *text = strtok_r(line, " \t\n", &save);
	unsigned int kind = 0;
	struct op *op;

	if (!text)
		return NULL;
	while (kind < KINDS && strcmp(words[kind].name, text))
		kind++;
	if (kind == KINDS)
		return "no operation has that name";
	if (sequence->count == OPS_MAX)
		return "too many operations";
	op = sequence_add(sequence, kind, NULL);
	while ((text = strtok_r(NULL, " \t\n", &save))) {
		if (!(kind == DO_INSN ? read_byte(op, text) : read_argument(op, text)))
			return kind == DO_INSN ? "insn takes up to 15 bytes of two digits" :
						 "no such argument, or its value is no number";
	}
	return NULL;
}

/* The first line says which world it is. */
static const char *read_world(struct sequence *sequence, const char *line)
{
	size_t length = strcspn(line, " \t\n");

	sequence->guest = length == 5 && !strncmp(line, "guest", length);
	if (!sequence->guest && (length != 5 || strncmp(line, "calls", length)))
		return "the first line must be `calls` or `guest`";
	return NULL;
}

bool sequence_read(struct sequence *sequence, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;
	const char *wrong = NULL;
	unsigned int number = 0;
	bool begun = false;
	char line[512];

	*sequence = (struct sequence){ 0 };
	if (!file) {
		fprintf(stderr, "fuzz-kmod: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (!wrong && fgets(line, sizeof(line), file)) {
		number++;
		line[strcspn(line, "#")] = 0;
		if (!line[strspn(line, " \t\n")])
			continue;
		wrong = begun ? read_line(sequence, line) : read_world(sequence, line);
		begun = true;
	}
	if (!wrong && !begun)
		wrong = "it is empty";
	if (wrong)
		fprintf(stderr, "fuzz-kmod: %s:%u: %s\n", path, number, wrong);
	if (file != stdin)
		fclose(file);
	return !wrong;
}

/* ---- chance ------------------------------------------------------------------------------- */

uint64_t chance_number(struct chance *chance)
{
	uint64_t power = 1ull << chance_below(chance, 64);

	switch (chance_below(chance, 6)) {
	case 0:
		return chance_below(chance, 16);
	case 1:
		return power;
	case 2:
		return power - 1 - chance_below(chance, 16);
	case 3:
		return power + chance_below(chance, 16);
	case 4:
		return ~power;
	default:
		return chance_next(chance);
	}
}

void chance_bytes(struct chance *chance, void *data, size_t size)
{
	uint8_t *byte = data;

	for (size_t i = 0; i < size; i++)
		byte[i] = (uint8_t)(chance_next(chance) >> 24);
}
