// SPDX-License-Identifier: GPL-2.0-only
/* assay show: all that a case says, without running it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "cmd_list.h"
#include "describe.h"
#include "listing.h"
#include "report_parts.h"

static const char usage[] =
	"usage: assay show [--mode MODE] CASE|FILE.elf...\n"
	"Shows of each case what it asserts and by which manual, what it needs, how it sets the\n"
	"stage, and its code with the steps between the instructions.\n"
	"  -m, --mode MODE  only this mode\n";

static void sb_label(struct strbuf *sb, const char *label)
{
	sb_printf(sb, "  %-8s ", label);
}

/* A line of the texts of one kind of record; none if there is no such record. */
static void sb_text_line(struct strbuf *sb, const struct mg_case *tc, const char *label, u16 kind)
{
	struct strbuf texts = { 0 };

	if (sb_texts(&texts, tc, kind)) {
		sb_label(sb, label);
		sb_clean(sb, texts.s);
		sb_printf(sb, "\n");
	}
	sb_free(&texts);
}

/* The names it runs by, in the order of the suite: its instances stand together. */
static void sb_instances(struct strbuf *sb, const struct suite *suite, unsigned int first)
{
	const struct mg_case *tc = suite->instances[first].tc;

	for (unsigned int i = first; i < suite->count && suite->instances[i].tc == tc; i++) {
		sb_label(sb, i == first ? "runs as" : "");
		sb_clean(sb, suite->instances[i].name);
		sb_printf(sb, "\n");
	}
}

/* What the case sets up: every record that is no step and was not shown yet. */
static void sb_stage(struct strbuf *sb, const struct mg_case *tc)
{
	const char *label = "stage";

	for (unsigned int i = 0; i < tc->nrecords; i++) {
		const struct record *record = &tc->records[i];
		struct strbuf text = { 0 };

		if (record_is_step(record) || record->kind == REC_REF || record->kind == REC_NEED)
			continue;
		sb_record(&text, record);
		sb_label(sb, label);
		sb_clean(sb, text.s);
		sb_printf(sb, "\n");
		sb_free(&text);
		label = "";
	}
}

static void show_case(const struct suite *suite, unsigned int first)
{
	const struct mg_case *tc = suite->instances[first].tc;
	char *source = source_name(tc->image);
	struct strbuf sb = { 0 };

	sb_clean(&sb, tc->image->name);
	sb_printf(&sb, "/");
	sb_clean(&sb, tc->name);
	sb_printf(&sb, "@%s: ", mode_name(tc->image->mode));
	sb_clean(&sb, tc->text);
	sb_printf(&sb, "\n");
	sb_label(&sb, "source");
	sb_clean(&sb, source);
	sb_printf(&sb, ":%u\n", tc->line);
	sb_text_line(&sb, tc, "manual", REC_REF);
	sb_text_line(&sb, tc, "needs", REC_NEED);
	sb_instances(&sb, suite, first);
	sb_stage(&sb, tc);
	sb_printf(&sb, "\n");
	sb_listing(&sb, tc, NULL, LISTING_NO_MARK);
	sb_printf(&sb, "\n");
	fwrite(sb.s, 1, sb.len, stdout);
	sb_free(&sb);
	free(source);
}

/* STATUS_OK to go on; *help if only that was asked for. */
static enum status parse(int argc, char **argv, const char **mode, bool *help)
{
	static const struct option longs[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	optind = 0;	/* getopt(3): begins anew */
	while ((option = getopt_long(argc, argv, "m:h", longs, NULL)) != -1) {
		if (option == 'm') {
			*mode = optarg;
		} else if (option == 'h') {
			*help = true;
		} else {
			fputs(usage, stderr);
			return STATUS_ERROR;
		}
	}
	if (!*help && optind == argc) {
		complain("show: say which case or file; assay list has all names");
		return STATUS_ERROR;
	}
	return STATUS_OK;
}

enum status cmd_show(int argc, char **argv)
{
	struct choice choice = { 0 };
	bool help = false, own_files;
	struct suite suite;

	if (parse(argc, argv, &choice.mode, &help))
		return STATUS_ERROR;
	if (help) {
		fputs(usage, stdout);
	} else {
		if (!choose_suite(&suite, &choice, argv + optind, argc - optind, &own_files))
			return STATUS_ERROR;
		for (unsigned int i = 0; i < suite.count; i++) {
			if (!i || suite.instances[i].tc != suite.instances[i - 1].tc)
				show_case(&suite, i);
		}
		suite_free(&suite);
	}
	if (fflush(stdout) || ferror(stdout)) {
		complain("show: cannot write: %s", strerror(errno));
		return STATUS_ERROR;
	}
	return STATUS_OK;
}
