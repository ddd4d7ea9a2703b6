// SPDX-License-Identifier: GPL-2.0-only
/* assay list: the names of instances, and how many cases each suite has. */
#include "cmd_list.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "report_parts.h"

static const char usage[] =
	"usage: assay list [OPTIONS] [PATTERN|FILE.elf...]\n"
	"Lists the instances that match (without a pattern, all), one a line, and counts the\n"
	"cases of each suite in each mode; a case that runs in several variants counts once.\n"
	"  -m, --mode MODE      only this mode\n"
	"  -V, --variant LIST   only these ways to run: native, mmio, fep; restore, fresh\n"
	"  -i, --irqchip LIST   only these irqchips: user, split, kernel\n"
	"      --shard I/N      part I of N, as assay run takes it\n"
	"  -p, --smp N          only cases with at most N vCPUs\n"
	"  -f, --format FORMAT  text (lines with # are counts) or json (an object a line)\n"
	"  -c, --count          only the counts\n";

struct list_options {
	struct choice choice;
	bool json, count, help;
};

struct suite_total {		/* one suite's cases by mode */
	const char *name;	/* not terminated: len characters */
	int len;
	unsigned int cases[MODE_COUNT];
	unsigned int total, instances;
};

struct totals {
	struct suite_total *suites;
	unsigned int nsuites;
	struct suite_total all;
};

static struct suite_total *total_of(struct totals *totals, const char *name)
{
	int len = (int)strcspn(name, "/@");
	struct suite_total *total;

	for (unsigned int i = 0; i < totals->nsuites; i++) {
		total = &totals->suites[i];
		if (total->len == len && !memcmp(total->name, name, len))
			return total;
	}
	totals->suites = xrealloc(totals->suites, (totals->nsuites + 1) * sizeof(*total));
	total = &totals->suites[totals->nsuites++];
	*total = (struct suite_total){ .name = name, .len = len };
	return total;
}

/* Instances of one case stand together, so a new case shows by its address. */
static void count(const struct suite *suite, struct totals *totals)
{
	const struct mg_case *last = NULL;

	*totals = (struct totals){ .all = { .name = "total", .len = 5 } };
	for (unsigned int i = 0; i < suite->count; i++) {
		const struct instance *instance = &suite->instances[i];
		struct suite_total *total = total_of(totals, instance->name);
		unsigned int new_case = instance->tc != last;
		enum def_mode mode = instance->tc->image->mode;

		total->cases[mode] += new_case;
		total->total += new_case;
		total->instances++;
		totals->all.cases[mode] += new_case;
		totals->all.total += new_case;
		totals->all.instances++;
		last = instance->tc;
	}
}

static int mode_width(const struct totals *totals, unsigned int mode)
{
	return totals->all.cases[mode] ? (int)strlen(mode_name(mode)) + 2 : 0;
}

static void print_row(const struct totals *totals, const struct suite_total *row, int width,
		      const char *prefix)
{
	printf("%s%-*.*s", prefix, width, row->len, row->name);
	for (unsigned int mode = 0; mode < MODE_COUNT; mode++) {
		if (totals->all.cases[mode])
			printf("%*u", mode_width(totals, mode), row->cases[mode]);
	}
	printf("%8u%11u\n", row->total, row->instances);
}

static void print_table(const struct totals *totals, const char *prefix)
{
	int width = totals->all.len;

	for (unsigned int i = 0; i < totals->nsuites; i++) {
		if (totals->suites[i].len > width)
			width = totals->suites[i].len;
	}
	printf("%s%-*s", prefix, width, "suite");
	for (unsigned int mode = 0; mode < MODE_COUNT; mode++) {
		if (totals->all.cases[mode])
			printf("%*s", mode_width(totals, mode), mode_name(mode));
	}
	printf("%8s%11s\n", "cases", "instances");
	for (unsigned int i = 0; i < totals->nsuites; i++)
		print_row(totals, &totals->suites[i], width, prefix);
	if (totals->nsuites > 1)
		print_row(totals, &totals->all, width, prefix);
}

static void print_json(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text)
		puts(text);
	free(text);
	json_decref(object);
}

static json_t *json_total(const struct suite_total *total)
{
	json_t *object = json_object(), *modes = json_object();

	for (unsigned int mode = 0; mode < MODE_COUNT; mode++) {
		if (total->cases[mode])
			json_object_set_new(modes, mode_name(mode),
					    json_integer(total->cases[mode]));
	}
	json_object_set_new(object, "cases", json_integer(total->total));
	json_object_set_new(object, "instances", json_integer(total->instances));
	json_object_set_new(object, "modes", modes);
	return object;
}

static void count_json(const struct totals *totals)
{
	json_t *object = json_object(), *suites = json_object();

	for (unsigned int i = 0; i < totals->nsuites; i++) {
		const struct suite_total *total = &totals->suites[i];
		char *name = xasprintf("%.*s", total->len, total->name);
		char *clean = clean_text(name, false);

		json_object_set_new(suites, clean, json_total(total));
		free(clean);
		free(name);
	}
	json_object_set_new(object, "suites", suites);
	json_object_set_new(object, "total", json_total(&totals->all));
	print_json(object);
}

static void print_list(const struct suite *suite, const struct list_options *options)
{
	struct totals totals;

	for (unsigned int i = 0; i < suite->count && !options->count; i++) {
		if (options->json) {
			print_json(json_instance(&suite->instances[i]));
		} else {
			char *name = clean_text(suite->instances[i].name, false);

			puts(name);
			free(name);
		}
	}
	count(suite, &totals);
	if (!options->json)
		print_table(&totals, options->count ? "" : "# ");
	else if (options->count)
		count_json(&totals);
	free(totals.suites);
}

/* False, complained of, if the value of an option is none. */
static bool one_option(struct list_options *options, int option)
{
	switch (option) {
	case 'm':
		options->choice.mode = optarg;
		return true;
	case 'V':
		return choose_variants(&options->choice, optarg);
	case 'i':
		return choose_irqchips(&options->choice, optarg);
	case 'p':
		return choose_cpus(&options->choice, optarg);
	case 'f':
		options->json = !strcmp(optarg, "json");
		if (options->json || !strcmp(optarg, "text"))
			return true;
		complain("list: there is no format \"%s\": it is text or json", optarg);
		return false;
	case 's':
		return choose_shard(&options->choice, optarg);
	case 'c':
		options->count = true;
		return true;
	case 'h':
		options->help = true;
		return true;
	default:
		fputs(usage, stderr);
		return false;
	}
}

static bool parse(int argc, char **argv, struct list_options *options)
{
	static const struct option longs[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "variant", required_argument, NULL, 'V' },
		{ "irqchip", required_argument, NULL, 'i' },
		{ "smp", required_argument, NULL, 'p' },
		{ "format", required_argument, NULL, 'f' },
		{ "shard", required_argument, NULL, 's' },
		{ "count", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	optind = 0;	/* getopt(3): begins anew */
	while ((option = getopt_long(argc, argv, "m:V:i:p:f:ch", longs, NULL)) != -1) {
		if (!one_option(options, option))
			return false;
	}
	return true;
}

enum status cmd_list(int argc, char **argv)
{
	struct list_options options = { 0 };
	struct suite suite;
	bool own_files;

	if (!parse(argc, argv, &options))
		return STATUS_ERROR;
	if (options.help) {
		fputs(usage, stdout);
	} else {
		if (!choose_suite(&suite, &options.choice, argv + optind, argc - optind,
				  &own_files))
			return STATUS_ERROR;
		print_list(&suite, &options);
		suite_free(&suite);
	}
	if (fflush(stdout) || ferror(stdout)) {
		complain("list: cannot write: %s", strerror(errno));
		return STATUS_ERROR;
	}
	return STATUS_OK;
}
