// SPDX-License-Identifier: GPL-2.0-only
/* assay: the commands. */
#include <stdio.h>
#include <string.h>

#include "cmd_list.h"
#include "cmd_report.h"
#include "cmd_run.h"
#include "report.h"

static const struct {
	const char *name;
	enum status (*run)(int argc, char **argv);
	const char *text;
} commands[] = {
	{ "run", cmd_run, "run cases on a target and judge them" },
	{ "report", cmd_report, "write a run's JSON in another format; parts of a run as one" },
	{ "list", cmd_list, "list the cases" },
	{ "show", cmd_show, "show a case: code, steps, manual references" },
	{ "probe", cmd_probe, "what this machine offers, what is missing, what to type" },
	{ "forms", cmd_forms, "which instruction forms cases execute" },
	{ "bench", cmd_bench, "measure the engine against its floor" },
};

static void usage(FILE *to)
{
	fprintf(to, "Assay %s, a conformance harness for x86 hypervisors\n\n"
		    "usage: assay COMMAND [OPTIONS] [ARGUMENTS]\n\n", assay_version);
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-6s %s\n", commands[i].name, commands[i].text);
	fprintf(to, "\nassay COMMAND --help says more. Exit status: 0 all as expected, "
		    "1 a failure,\n2 bad usage or an error of the harness, "
		    "125 the environment cannot run it.\n");
}

int main(int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return STATUS_OK;
	}
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		printf("assay %s\n", assay_version);
		return STATUS_OK;
	}
	for (unsigned int i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		argv[1] = xasprintf("assay: %s", commands[i].name);	/* for getopt's messages */
		return (int)commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1)
		complain("there is no command \"%s\"", argv[1]);
	usage(stderr);
	return STATUS_ERROR;
}
