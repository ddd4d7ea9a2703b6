/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that came from outside, made safe for the place it is printed in. */
#pragma once

#include "util.h"

/*
 * A copy of s in which every control character and every byte that is not part
 * of UTF-8 is '?': names and texts of a user's image end on terminals, in XML
 * and in JSON. keep_lines lets '\n' and '\t' stay. To be freed.
 */
char *clean_text(const char *s, bool keep_lines);
/* Adds clean_text(s, false). */
void sb_clean(struct strbuf *sb, const char *s);

/* Adds the word, quoted for a POSIX shell where it needs to be. */
void sb_shell_word(struct strbuf *sb, const char *word);

/* Adds text with every line after prefix, no blanks at its end; empty text adds nothing. */
void sb_prefixed(struct strbuf *sb, const char *prefix, const char *text);
