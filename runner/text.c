// SPDX-License-Identifier: GPL-2.0-only
/* Text that came from outside, made safe for the place it is printed in. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

/*
 * Bytes of the UTF-8 character at s, 0 if there is none (Unicode 15, table 3-7:
 * no overlong forms, no surrogates, nothing past U+10FFFF).
 */
static unsigned int utf8_length(const u8 *s)
{
	u8 low = 0x80, high = 0xbf;
	unsigned int len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (unsigned int i = 2; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* C0, DEL, C1 (as UTF-8), and the two code points XML 1.0 has no place for. */
static bool is_control(const u8 *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0) ||
	       (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe);
}

char *clean_text(const char *text, bool keep_lines)
{
	struct strbuf sb = { 0 };
	const u8 *s = (const u8 *)text;

	sb_add(&sb, "", 0);
	while (*s) {
		unsigned int len = utf8_length(s);

		if (keep_lines && (*s == '\n' || *s == '\t'))
			sb_add(&sb, (const char *)s, 1);
		else if (!len || is_control(s))
			sb_add(&sb, "?", 1);
		else
			sb_add(&sb, (const char *)s, len);
		s += len ? len : 1;
	}
	return sb.s;
}

void sb_clean(struct strbuf *sb, const char *s)
{
	char *clean = clean_text(s, false);

	sb_printf(sb, "%s", clean);
	free(clean);
}

void sb_shell_word(struct strbuf *sb, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-+./@:,=%";

	if (*word && strspn(word, plain) == strlen(word)) {
		sb_printf(sb, "%s", word);
		return;
	}
	sb_printf(sb, "'");
	for (; *word; word++) {
		if (*word == '\'')
			sb_printf(sb, "'\\''");
		else
			sb_add(sb, word, 1);
	}
	sb_printf(sb, "'");
}

void sb_prefixed(struct strbuf *sb, const char *prefix, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		sb_printf(sb, "%s", prefix);
		sb_add(sb, text, len);
		while (sb->len && sb->s[sb->len - 1] == ' ')
			sb->len--;
		sb_printf(sb, "\n");
		text += len + (text[len] == '\n');
	}
}
