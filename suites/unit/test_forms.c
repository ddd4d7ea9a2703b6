// SPDX-License-Identifier: GPL-2.0-only
/* Instruction forms: what is told apart, what is not, and which there are. */
#include <string.h>

#include "forms.h"
#include "tap.h"

static const char *text_of(const char *bytes, unsigned int length, unsigned int bits)
{
	static char text[FORM_TEXT];
	u32 form = form_of((const u8 *)bytes, length, bits, true);

	if (!form)
		return "none";
	form_text(form, text);
	return text;
}

#define FORM(bytes, bits, expected) \
	ok_text(text_of(bytes, sizeof(bytes) - 1, bits), expected, expected)

static void test_texts(void)
{
	FORM("\x89\x03", 32, "89 mem 4 @32");
	FORM("\x66\x89\x03", 32, "89 mem 2 @32");
	FORM("\x48\x89\xc3", 64, "89 reg 8 @64");
	FORM("\xf0\x0f\xc7\x0b", 32, "0f:c7/1 lock mem 4 @32");
	FORM("\x0f\x01\xd0", 64, "0f:01/2.0 reg @64");
	FORM("\x0f\x01\xe3", 64, "0f:01/4 reg 4 @64");
	FORM("\x0f\x01\x13", 16, "0f:01/2 mem 2 @16");
	FORM("\xf3\xa4", 16, "a4 f3 1 @16");
	FORM("\xf3\x90", 64, "90 f3 @64");
	FORM("\xf2\x66\x0f\x38\xf1\xc0", 32, "0f38:f1 f2 reg 2 @32");
	FORM("\xf3\x0f\x6f\x03", 64, "0f:6f f3 mem @64");
	FORM("\xc5\xfd\x6f\x03", 64, "vex0f:6f 66 mem @64");
	FORM("\xd9\xe8", 64, "d9/5.0 reg @64");
	FORM("\xd8\xc1", 64, "d8/0 reg @64");
	FORM("\xd9\x23", 16, "d9/4 mem 2 @16");
	FORM("\x0f\xa2", 64, "0f:a2 @64");
	FORM("\x66\x0f\xa2", 64, "0f:a2 @64");
	FORM("\xf2\x0f\x90\xc0", 32, "0f:90 reg 1 @32");
	FORM("\x06", 64, "none");
	FORM("\x0f", 32, "none");
}

static void test_set(void)
{
	struct form_set set = { 0 };
	static const u32 some[] = { 7, 3, 9, 3, 1, 9 };
	unsigned int added = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(some); i++)
		added += form_set_add(&set, some[i]);
	ok_equal(added, 4, "a form is added once");
	ok_equal(set.count, 4, "and is in the set once");
	ok(set.forms[0] == 1 && set.forms[1] == 3 && set.forms[2] == 7 && set.forms[3] == 9,
	   "in order");
	form_set_clear(&set);
	ok_equal(set.count, 0, "nothing is left");
}

struct found {
	const char *text;
	bool there, memory;
};

static struct found found[] = {
	{ .text = "a5 f3 2 @32" }, { .text = "8d mem 4 @32" }, { .text = "a1 8 @64" },
	{ .text = "87 lock mem 8 @64" }, { .text = "0f:01/3.1 reg @32" },
	{ .text = "89 lock mem 4 @32" }, { .text = "0f:0b @64" }, { .text = "06 8 @64" },
	{ .text = "87 lock reg 4 @32" },
};
static unsigned int other_forms;

static void look(void *arg, const struct form_known *known)
{
	char text[FORM_TEXT];

	(void)arg;
	form_text(known->form, text);
	for (unsigned int i = 0; i < ARRAY_SIZE(found); i++) {
		if (!strcmp(found[i].text, text)) {
			found[i].there = true;
			found[i].memory = known->memory;
		}
	}
	other_forms += form_of(known->bytes, known->length, (unsigned int)
			       (strstr(text, "@16") ? 16 : strstr(text, "@32") ? 32 : 64),
			       true) != known->form;
}

static void test_known(void)
{
	static const bool there[] = { true, true, true, true, true };
	static const bool memory[] = { true, false, true, true, false };

	forms_known(look, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(found); i++) {
		bool expected = i < ARRAY_SIZE(there) && there[i];

		ok(found[i].there == expected, "%s is%s there", found[i].text,
		   expected ? "" : " not");
		if (expected)
			ok(found[i].memory == memory[i], "whether %s accesses memory",
			   found[i].text);
	}
	ok_equal(other_forms, 0, "every example has the form that it is one of");
}

int main(void)
{
	test_texts();
	test_set();
	test_known();
	return tap_done();
}
