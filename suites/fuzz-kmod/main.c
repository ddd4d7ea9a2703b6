// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes a hypervisor with the KVM ABI: calls of a task that means it ill, and guests that do
 * their worst. What is wrong is said by the kernel's reports, by a time limit, by results
 * that no documentation has, and by what is left afterwards.
 *
 *	fuzz-kmod print calls|guest SEED	the sequence of a seed, as text
 *	fuzz-kmod text FILE			a sequence as it was read
 *	fuzz-kmod NODE replay FILE		performs a sequence
 *	fuzz-kmod NODE calls|guest FIRST COUNT SECONDS WORKERS
 *
 * NODE may be fake:NAME, a target that fails if a sequence has an operation of that name.
 * Exit status: 0 nothing was found, 1 something was, 2 it could not be done.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

const char *node;
bool tcg;

static void complain(const char *what, const char *fmt, va_list args)
{
	char text[512];
	int length = snprintf(text, sizeof(text), "# %s: ", what);

	length += vsnprintf(text + length, sizeof(text) - (size_t)length - 1, fmt, args);
	if (length > (int)sizeof(text) - 2)
		length = sizeof(text) - 2;
	text[length++] = '\n';
	/* One write: others may be saying something too. */
	if (write(1, text, (size_t)length) < 0)
		_exit(TROUBLE);
}

noreturn void broken(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain("wrong", fmt, args);
	va_end(args);
	_exit(BROKEN);
}

noreturn void trouble(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain("not possible", fmt, args);
	va_end(args);
	_exit(TROUBLE);
}

/* ---- a target that is none ------------------------------------------------------------------ */

static const char *fake(void)
{
	return strncmp(node, "fake:", 5) ? NULL : node + 5;
}

static void fake_perform(const struct sequence *sequence, const char *name)
{
	for (unsigned int i = 0; i < sequence->count; i++) {
		if (!strcmp(words[sequence->ops[i].kind].name, name))
			broken("there is an operation %s", name);
	}
}

void perform(const struct sequence *sequence)
{
	if (fake())
		fake_perform(sequence, fake());
	else if (sequence->guest)
		guest_perform(sequence);
	else
		calls_perform(sequence);
}

void make(struct sequence *sequence, bool guest, uint64_t seed)
{
	if (guest)
		guest_make(sequence, seed);
	else
		calls_make(sequence, seed);
}

/* ---- what is typed ------------------------------------------------------------------------ */

static noreturn void usage(void)
{
	fprintf(stderr, "usage: fuzz-kmod print calls|guest SEED\n"
			"       fuzz-kmod text FILE\n"
			"       fuzz-kmod NODE replay FILE\n"
			"       fuzz-kmod NODE calls|guest FIRST COUNT SECONDS WORKERS\n");
	exit(TROUBLE);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*text < '0' || *text > '9' || *end)
		usage();
	return value;
}

static bool is_guest(const char *text)
{
	if (strcmp(text, "guest") && strcmp(text, "calls"))
		usage();
	return !strcmp(text, "guest");
}

static int print(char **argv)
{
	struct sequence sequence;

	make(&sequence, is_guest(argv[2]), number(argv[3]));
	sequence_print(&sequence, stdout);
	return 0;
}

static void nothing(int signal)
{
	(void)signal;
}

static void begin(void)
{
	struct sigaction quiet = { .sa_handler = nothing };
	const char *machine = getenv("ASSAY_MACHINE");

	/* No SA_RESTART: it is to end KVM_RUN. */
	sigaction(SIGALRM, &quiet, NULL);
	tcg = machine && !strncmp(machine, "TCG", 3);
	guest_ends = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guest_ends == MAP_FAILED)
		trouble("mmap: %s", strerror(errno));
	image_make();
	setvbuf(stdout, NULL, _IOLBF, 0);
}

int main(int argc, char **argv)
{
	static struct sequence sequence;

	begin();
	if (argc == 4 && !strcmp(argv[1], "print"))
		return print(argv);
	if (argc < 3)
		usage();
	if (argc == 3 && !strcmp(argv[1], "text")) {
		if (!sequence_read(&sequence, argv[2]))
			return TROUBLE;
		sequence_print(&sequence, stdout);
		return 0;
	}
	node = argv[1];
	if (argc == 4 && !strcmp(argv[2], "replay"))
		return sequence_read(&sequence, argv[3]) ? run_one(&sequence) : TROUBLE;
	if (argc != 7)
		usage();
	return run_many(is_guest(argv[2]), number(argv[3]), number(argv[4]),
			(unsigned int)number(argv[5]), (unsigned int)number(argv[6]));
}
