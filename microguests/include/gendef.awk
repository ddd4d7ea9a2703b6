# SPDX-License-Identifier: GPL-2.0-only
# Turns a .def file (see record.def) into a C header (-v lang=c) or a nasm
# include file (-v lang=nasm). For nasm, names that cases write as words (modes,
# steps, actions ...) are defined in lower case too. For C, each group also gives a
# macro DEF_GROUP(X) that applies X(number, "name") to its lines, the name in lower
# case and without its prefix. A malformed line is an error that names it.
BEGIN {
	FS = "\t+"
	if (lang == "c")
		print "/* SPDX-License-Identifier: GPL-2.0-only */\n" \
		      "/* made by gendef.awk: change the .def file instead */\n#pragma once"
	else
		print "; made by gendef.awk: change the .def file instead"
}
/^#/ || /^$/ { next }
function close_group() {
	if (group && lang == "c")
		print "};\n#define DEF_" group "(X)" names
	names = ""
}
/^group [a-z]+$/ {
	close_group()
	group = substr($0, 7)
	print lang == "c" ? "\nenum def_" group " {" : "\n; " group
	next
}
!group || NF < 2 || $1 !~ /^[A-Za-z_][A-Za-z0-9_]*$/ || $2 !~ /^(0x[0-9a-f]+|[0-9]+)$/ {
	printf "%s:%d: malformed line: %s\n", FILENAME, FNR, $0 > "/dev/stderr"
	failed = 1
	exit 1
}
seen[$1]++ {
	printf "%s:%d: %s is there already\n", FILENAME, FNR, $1 > "/dev/stderr"
	failed = 1
	exit 1
}
{
	name = tolower($1)
	sub(/^[a-z]+_/, "", name)
	names = names " \\\n\tX(" $1 ", \"" name "\")"
}
lang == "c" { printf "\t%s = %s,%s\n", $1, $2, $3 == "" ? "" : "\t/* " $3 " */" }
lang != "c" { printf "%%define %s %s\n", $1, $2 }
lang != "c" && group ~ /^(mode|step|action|irqchip|uses)$/ { printf "%%define %s %s\n", tolower($1), $2 }
END {
	if (failed)
		exit 1
	close_group()
}
