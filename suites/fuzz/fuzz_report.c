/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes the reader of reports (libFuzzer): any text is either refused with a message of
 * one line, or can be written in every format; and what it writes in JSON can be read,
 * and is then written the same.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report_read.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

/* The text in that format, into *out; false if it was refused. */
static bool tell(const char *text, size_t len, bool partial, const char *format,
		 struct strbuf *out)
{
	struct reading *reading = reading_new();
	int fd = memfd_create("told", MFD_CLOEXEC);
	struct report *report = report_new(format, fd, true);
	char *error = NULL, buffer[4096];
	ssize_t n;
	bool good = reading_add(reading, "fuzz.json", text, len, &error) &&
		    reading_merge(reading, partial, &error);

	MUST(good == !error);
	if (good)
		reading_write(reading, report, NULL);
	else
		MUST(strstr(error, "fuzz.json") || strstr(error, "type \"run\""));
	MUST(good || !strchr(error, '\n'));
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		sb_add(out, buffer, (size_t)n);
	close(fd);
	report_free(report);
	reading_free(reading);
	free(error);
	return good;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	static const char *const formats[] = { "pretty", "tap", "ktap", "junit" };
	struct strbuf first = { 0 }, second = { 0 }, other = { 0 };
	bool good = tell((const char *)bytes, size, true, "json", &first);

	if (good) {
		MUST(tell(first.s, first.len, true, "json", &second));
		MUST(first.len == second.len && !memcmp(first.s, second.s, first.len));
		for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++)
			tell((const char *)bytes, size, i % 2, formats[i], &other);
	}
	sb_free(&first);
	sb_free(&second);
	sb_free(&other);
	return 0;
}
