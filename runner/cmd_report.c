// SPDX-License-Identifier: GPL-2.0-only
/* assay report: what `assay run --format json` wrote, in another format. */
#include "cmd_report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report_read.h"

static const char usage[] =
	"usage: assay report [OPTIONS] [FILE.json...]\n"
	"Writes what `assay run --format json` wrote, in another format, as the run itself would\n"
	"have; of several files, parts of one run, a report of all. Without a file, or for -, it\n"
	"reads standard input.\n"
	"  -f, --format FORMAT  pretty, tap, ktap, junit or json\n"
	"  -a, --again PREFIX   what begins the commands that run an instance again, instead of\n"
	"                       \"assay run\": 'ci/lab svm -- assay run', say\n"
	"  -p, --partial        a run that was cut off (no summary) consists of what is there;\n"
	"                       without this, it is an error\n"
	"  -v, --verbose        a line for every instance\n";

struct report_options {
	const char *format, *again;
	bool partial, verbose;
};

/* False: exit with *status. */
static bool parse(int argc, char **argv, struct report_options *options, enum status *status)
{
	static const struct option longs[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "again", required_argument, NULL, 'a' },
		{ "partial", no_argument, NULL, 'p' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*options = (struct report_options){ .format = "pretty" };
	*status = STATUS_ERROR;
	optind = 0;	/* getopt(3): begins anew */
	while ((option = getopt_long(argc, argv, "f:a:pvh", longs, NULL)) != -1) {
		switch (option) {
		case 'f':
			options->format = optarg;
			break;
		case 'a':
			options->again = optarg;
			break;
		case 'p':
			options->partial = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'h':
			*status = STATUS_OK;
			/* fallthrough */
		default:
			fputs(usage, option == 'h' ? stdout : stderr);
			return false;
		}
	}
	return true;
}

/* All files into the reading; false with a line in *error. */
static bool load(struct reading *reading, char **files, int nfiles, bool partial, char **error)
{
	static char *input[] = { "-" };

	if (!nfiles) {
		files = input;
		nfiles = 1;
	}
	for (int i = 0; i < nfiles; i++) {
		if (!reading_load(reading, files[i], error))
			return false;
	}
	return reading_merge(reading, partial, error);
}

static void complain_of_gaps(const struct reading *reading)
{
	const char *gaps = reading_gaps(reading);

	for (; gaps && *gaps; gaps = strchr(gaps, '\n') + 1)
		complain("%.*s", (int)strcspn(gaps, "\n"), gaps);
}

enum status cmd_report(int argc, char **argv)
{
	struct report_options options;
	struct reading *reading;
	struct report *report;
	enum status status;
	char *error = NULL;

	if (!parse(argc, argv, &options, &status))
		return status;
	report = report_new(options.format, STDOUT_FILENO, options.verbose);
	if (!report) {
		complain("there is no format \"%s\": it is one of %s", options.format,
			 report_formats());
		return STATUS_ERROR;
	}
	reading = reading_new();
	status = STATUS_ERROR;
	if (optind == argc && isatty(STDIN_FILENO)) {
		complain("report: name the files that `assay run --format json` wrote, or - for "
			 "standard input");
	} else if (load(reading, argv + optind, argc - optind, options.partial, &error)) {
		if (!options.partial)
			complain_of_gaps(reading);
		status = reading_write(reading, report, options.again);
	} else {
		complain("%s", error);
		free(error);
	}
	reading_free(reading);
	report_free(report);
	return status;
}
