// SPDX-License-Identifier: GPL-2.0-only
/*
 * From options and arguments to the instances to run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"

static const struct {
	const char *name;
	unsigned int path;	/* mask of 1 << PATH_*, or 0 */
} variants[] = {
	{ "native", 1u << PATH_NATIVE },
	{ "mmio", 1u << PATH_MMIO },
	{ "fep", 1u << PATH_FEP },
	{ "restore", 0 },
	{ "fresh", 0 },
};

static const struct {
	const char *name;
	unsigned int mask;
} irqchips[] = {
	{ "user", IRQCHIP_USER },
	{ "split", IRQCHIP_SPLIT },
	{ "kernel", IRQCHIP_KERNEL },
};

static bool is_word(const char *name, const char *word, size_t len)
{
	return strlen(name) == len && !memcmp(name, word, len);
}

static bool choose_variant(struct choice *choice, const char *word, size_t len)
{
	if (is_word("all", word, len)) {
		choice->axes.paths = (1u << PATH_COUNT) - 1;
		choice->axes.restore = choice->axes.both = true;
		return true;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(variants); i++) {
		if (!is_word(variants[i].name, word, len))
			continue;
		choice->axes.paths |= variants[i].path;
		choice->axes.restore |= !strcmp(variants[i].name, "restore");
		choice->axes.fresh |= !strcmp(variants[i].name, "fresh");
		return true;
	}
	complain("there is no variant \"%.*s\": it is one of native, mmio, fep, restore, fresh, "
		 "all", (int)len, word);
	return false;
}

static bool choose_irqchip(struct choice *choice, const char *word, size_t len)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(irqchips); i++) {
		if (!is_word(irqchips[i].name, word, len))
			continue;
		choice->axes.irqchips |= irqchips[i].mask;
		return true;
	}
	complain("there is no irqchip \"%.*s\": it is one of user, split, kernel", (int)len, word);
	return false;
}

static bool each_word(struct choice *choice, const char *list,
		      bool (*one)(struct choice *choice, const char *word, size_t len))
{
	for (;;) {
		size_t len = strcspn(list, ",");

		if (!one(choice, list, len))
			return false;
		if (!list[len])
			return true;
		list += len + 1;
	}
}

bool choose_variants(struct choice *choice, const char *list)
{
	return each_word(choice, list, choose_variant);
}

bool choose_irqchips(struct choice *choice, const char *list)
{
	return each_word(choice, list, choose_irqchip);
}

#define SHARDS_MAX 1000u

bool choose_shard(struct choice *choice, const char *text)
{
	unsigned int shard, shards;
	int end = 0;

	if (text[strspn(text, "0123456789/")] ||
	    sscanf(text, "%4u/%4u%n", &shard, &shards, &end) != 2 || text[end] || !shard ||
	    shard > shards || shards > SHARDS_MAX) {
		complain("--shard takes I/N, part I from 1 of at most %u parts, not \"%s\"",
			 SHARDS_MAX, text);
		return false;
	}
	choice->shard = shard - 1;
	choice->shards = shards;
	return true;
}

bool choose_cpus(struct choice *choice, const char *number)
{
	if (strlen(number) != 1 || *number < '1' || *number > '0' + SMP_MAX) {
		complain("--smp takes a number from 1 to %d, not \"%s\"", SMP_MAX, number);
		return false;
	}
	choice->axes.cpus = (unsigned int)(*number - '0');
	return true;
}

bool operand_is_file(const char *word)
{
	size_t len = strlen(word);

	return len > 4 && !strcmp(word + len - 4, ".elf");
}

/* ---- patterns from a file ------------------------------------------------------- */

struct words {
	char **word;
	unsigned int count;
};

static void add_word(struct words *words, const char *word)
{
	words->word = xrealloc(words->word, (words->count + 1) * sizeof(*words->word));
	words->word[words->count++] = xstrdup(word);
}

static void free_words(struct words *words)
{
	for (unsigned int i = 0; i < words->count; i++)
		free(words->word[i]);
	free(words->word);
}

static bool read_names(struct words *words, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;
	char *line = NULL;
	size_t room = 0;
	bool ok;

	if (!file) {
		complain("%s: %s", path, strerror(errno));
		return false;
	}
	while (getline(&line, &room, file) >= 0) {
		line[strcspn(line, "\r\n")] = 0;
		if (*line && *line != '#')
			add_word(words, line);
	}
	ok = !ferror(file);
	if (!ok)
		complain("%s: %s", path, strerror(errno));
	else if (!words->count)
		complain("%s: no name in it", path);
	free(line);
	if (file != stdin)
		fclose(file);
	return ok && words->count;
}

bool choose_suite(struct suite *suite, const struct choice *choice, char **args,
		  unsigned int nargs, bool *own_files)
{
	struct words files = { 0 }, patterns = { 0 };
	char *error = NULL;
	bool ok = true;

	for (unsigned int i = 0; i < nargs; i++)
		add_word(operand_is_file(args[i]) ? &files : &patterns, args[i]);
	*own_files = files.count;
	if (choice->names)
		ok = read_names(&patterns, choice->names);
	if (ok && suite_load(suite, files.word, files.count, &choice->axes, &error) < 0) {
		complain("%s", error);
		ok = false;
	} else if (ok && suite_select(suite, patterns.word, patterns.count, choice->mode,
				      &error) < 0) {
		bool narrowed = choice->axes.paths || choice->axes.irqchips || choice->axes.cpus;

		complain("%s%s", error,
			 narrowed ? " (of what --variant, --irqchip and --smp leave)" : "");
		suite_free(suite);
		ok = false;
	}
	if (ok && choice->shards)
		suite_shard(suite, choice->shard, choice->shards);
	free(error);
	free_words(&files);
	free_words(&patterns);
	return ok;
}

enum status choose_on(struct target *target, struct suite *suite, const char *path, char **args,
		      unsigned int nargs)
{
	struct choice choice = { 0 };
	enum status status;
	char *error = NULL;
	bool own_files;

	if (!choose_suite(suite, &choice, args, nargs, &own_files))
		return STATUS_ERROR;
	status = target_open(target, path, &error);
	if (status != STATUS_OK) {
		complain("%s", error);
		free(error);
		suite_free(suite);
	}
	return status;
}
