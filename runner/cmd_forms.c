// SPDX-License-Identifier: GPL-2.0-only
/*
 * assay forms: which instruction forms cases execute, by running them in single steps; and
 * which forms there are. What it writes is for the report of what is covered.
 */
#include "cmd_run.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "choose.h"
#include "deviations.h"
#include "disasm.h"
#include "steps.h"
#include "worker.h"

#define TIMEOUT_NS 5000000000ull	/* of one KVM_RUN; steps are slow in an emulated machine */

static const char usage[] =
	"usage: assay forms [--on PATH] [--jobs N] [PATTERN|FILE.elf...]\n"
	"       assay forms --list\n"
	"Runs cases in single steps and tells which instruction forms each executed: natively,\n"
	"emulated for an operand in MMIO space, emulated behind the forced-emulation prefix. A\n"
	"line of JSON for each instance. What is not as a case expects does not matter here.\n"
	"  -o, --on PATH     target: device node of a KVM-ABI hypervisor (/dev/kvm)\n"
	"  -j, --jobs N      worker threads (1)\n"
	"      --list        no target: all forms that a hypervisor may have to emulate\n";

static const char *const paths[FORM_PATHS] = { "native", "mmio", "fep" };

/* ---- what there is ------------------------------------------------------------------------ */

/* Empty if Zydis is not there, or says that there is no such instruction. */
static void mnemonic(const struct form_known *known, unsigned int bits, char *to, size_t room)
{
	const struct code code = { .bytes = known->bytes, .len = known->length, .bits = bits };
	struct insn insn;
	const char *at;
	size_t len;

	*to = '\0';
	if (!disasm(&code, &insn, 1) || !strncmp(insn.text, "db ", 3))
		return;
	at = insn.text;
	while (!strncmp(at, "lock ", 5) || !strncmp(at, "rep", 3))
		at += strcspn(at, " ") + 1;
	len = strcspn(at, " ");
	snprintf(to, room, "%.*s", (int)len, at);
}

struct list {
	struct form_set seen;
	bool named;		/* Zydis is there: what it does not know of x87 is reserved */
};

static void list_one(void *arg, const struct form_known *known)
{
	char text[FORM_TEXT], name[24];
	struct list *list = arg;
	json_t *object, *ways;

	if (!form_set_add(&list->seen, known->form))
		return;
	form_text(known->form, text);
	mnemonic(known, (unsigned int)atoi(strchr(text, '@') + 1), name, sizeof(name));
	if (list->named && !*name)
		return;
	ways = json_array();
	if (known->memory)
		json_array_append_new(ways, json_string(paths[FORM_MMIO]));
	json_array_append_new(ways, json_string(paths[FORM_FEP]));
	object = json_pack("{s:s, s:s, s:o}", "form", text, "mnemonic", name, "paths", ways);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static enum status list_forms(void)
{
	const struct form_known nop = { .bytes = (const u8[]){ 0x90 }, .length = 1 };
	struct list list = { 0 };
	char name[24];

	mnemonic(&nop, 64, name, sizeof(name));
	list.named = *name;
	forms_known(list_one, &list);
	form_set_clear(&list.seen);
	return fflush(stdout) ? STATUS_ERROR : STATUS_OK;
}

/* ---- what is executed ----------------------------------------------------------------------- */

static json_t *json_forms(const struct form_set *set)
{
	json_t *array = json_array();
	char text[FORM_TEXT];

	for (u32 i = 0; i < set->count; i++) {
		form_text(set->forms[i], text);
		json_array_append_new(array, json_string(text));
	}
	return array;
}

static void tell(void *arg, struct result *result)
{
	json_t *object = json_pack("{s:s, s:s}", "instance", result->instance->name, "outcome",
				   outcome_name(result->outcome));

	(void)arg;
	if (result->steps) {
		for (unsigned int i = 0; i < FORM_PATHS; i++)
			json_object_set_new(object, paths[i],
					    json_forms(&result->steps->executed[i]));
		json_object_set_new(object, "steps",
				    json_integer((json_int_t)result->steps->count));
		json_object_set_new(object, "more", json_boolean(result->steps->more));
	} else {
		json_object_set_new(object, "why", json_string(result->why ? result->why : ""));
	}
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static enum status run_all(const struct target *target, const struct suite *suite,
			   unsigned int jobs)
{
	char *stopped = NULL, *error = NULL;
	struct deviations *known = deviations_load(NULL, &error);
	struct schedule schedule = {
		.target = target, .instances = suite->instances, .count = suite->count,
		.workers = jobs, .timeout_ns = TIMEOUT_NS, .want_steps = true, .take = tell,
		.known = known,
	};
	int ran;

	if (!known) {
		complain("%s", error);
		free(error);
		return STATUS_ERROR;
	}
	deviations_bind(known, &target->host);
	ran = schedule_run(&schedule, &stopped, &error);
	deviations_free(known);
	if (ran < 0 || stopped)
		complain("%s", ran < 0 ? error : stopped);
	free(stopped);
	free(error);
	if (ran < 0)
		return STATUS_CANNOT;
	return fflush(stdout) || ran < (int)suite->count ? STATUS_ERROR : STATUS_OK;
}

static enum status run_on(const char *path, unsigned int jobs, char **args, unsigned int nargs)
{
	struct target target;
	struct suite suite;
	enum status status = choose_on(&target, &suite, path, args, nargs);

	if (status != STATUS_OK)
		return status;
	status = run_all(&target, &suite, jobs);
	target_close(&target);
	suite_free(&suite);
	return status;
}

enum status cmd_forms(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "on", required_argument, NULL, 'o' }, { "jobs", required_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },	{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *path = "/dev/kvm";
	unsigned long jobs = 1;
	bool list = false;
	int option;

	optind = 0;	/* getopt(3): begins anew */
	while ((option = getopt_long(argc, argv, "o:j:h", longs, NULL)) != -1) {
		if (option == 'o') {
			path = optarg;
		} else if (option == 'l') {
			list = true;
		} else if (option != 'j') {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? STATUS_OK : STATUS_ERROR;
		} else {
			jobs = strtoul(optarg, NULL, 10);
			if (!jobs || jobs > WORKERS_MAX) {
				complain("--jobs %s: it is 1 to %u", optarg, WORKERS_MAX);
				return STATUS_ERROR;
			}
		}
	}
	if (list)
		return list_forms();
	return run_on(path, (unsigned int)jobs, argv + optind, (unsigned int)(argc - optind));
}
