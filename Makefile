# SPDX-License-Identifier: GPL-2.0-only
#
# Builds Assay. `make help` lists the targets. Everything made is under build/.

PREFIX ?= /usr/local
TARGET ?= /dev/kvm
FUZZ_SECONDS ?= 60
ifeq ($(origin CC),default)
CC = gcc
endif
CLANG ?= $(firstword $(shell command -v clang clang-14 clang-15 clang-16 clang-17 clang-18) clang)

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: FORCE deps
.DEFAULT_GOAL := all

deps:
	@ci/deps

# How to build depends on what is installed: `make deps check` first installs, and
# then reads this file anew.
REST := $(filter-out deps,$(MAKECMDGOALS))
ifneq ($(and $(filter deps,$(MAKECMDGOALS)),$(REST)),)

.PHONY: $(REST)
$(firstword $(REST)): deps
	+@$(MAKE) --no-print-directory $(REST)
$(wordlist 2,$(words $(REST)),$(REST)): $(firstword $(REST))
	@:

else

# A release carries its version in a file; a clone is described by its history.
VERSION := $(shell cat VERSION 2>/dev/null || git describe --tags --always --dirty 2>/dev/null || \
	echo unknown)

# ---- flags ---------------------------------------------------------------------

# KVM's structures end in arrays of no size, and are followed by their elements.
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wno-gnu-variable-sized-type-not-at-end
# Warnings stop the build in continuous integration.
WERROR ?= $(if $(filter true,$(CI)),1)
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif
CFLAGS ?= -O2 -g
ASSAY_CFLAGS = -std=gnu11 $(WARNINGS) -Irunner -Ibuild/gen
# kmod/core knows nothing of the runner, and so do its tests.
CORE_CFLAGS = -std=gnu11 $(WARNINGS) -Ikmod/core -Isuites/unit/core -Isuites/unit $(CORE_ZYDIS)
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# So that build/assay runs when copied alone to another machine, every library
# that has an archive is linked statically. STATIC=1 does so with libc too, for
# initramfs images with nothing else inside.
archive = $(filter /%,$(shell $(CC) -print-file-name=$(1)))
library = $(if $(call archive,lib$(1).a),-l:lib$(1).a,-l$(1))
LIBELF := $(call library,elf)
ifneq ($(filter %.a,$(LIBELF)),)
# An archive does not say what it needs: zlib, and in newer releases zstd.
LIBELF += $(call library,z) $(if $(call archive,libzstd.a),-l:libzstd.a)
endif
LIBS := $(LIBELF) $(call library,jansson)

# Most distributions have no archive of Zydis. It is then loaded when first
# needed (runner/zydis.c), and where there is none failures show plain bytes.
ZYDIS := $(call archive,libZydis.a)
ifneq ($(ZYDIS),)
LIBS += -l:libZydis.a -l:libZycore.a
ASSAY_CFLAGS += -DZYDIS_STATIC_BUILD
else ifeq ($(STATIC),1)
ASSAY_CFLAGS += -DZYDIS_ABSENT
else
LIBS += -ldl
endif
LIBS += -lpthread
# The decoder is compared with it, where it is installed.
HAVE_ZYDIS := $(filter /%,$(shell $(CC) -print-file-name=libZydis.so) $(ZYDIS))
CORE_ZYDIS = $(if $(HAVE_ZYDIS),,-DASSAY_NO_ZYDIS)
CORE_LIBS = $(if $(ZYDIS),-l:libZydis.a -l:libZycore.a,$(if $(HAVE_ZYDIS),-lZydis))
ifeq ($(STATIC),1)
ASSAY_LDFLAGS += -static
endif
# ioctls are counted (runner/ioctls.c).
ASSAY_LDFLAGS += -Wl,--wrap=ioctl

# ---- what there is ---------------------------------------------------------------

RUNNER := $(filter-out $(if $(ZYDIS),runner/zydis.c),$(sort $(wildcard runner/*.c)))
# What the runner has of kmod/core.
DECODER := decode opcodes
CORE := $(sort $(wildcard kmod/core/*.c))
UNIT := $(patsubst suites/unit/%.c,%,$(sort $(wildcard suites/unit/test_*.c suites/unit/core/test_*.c)))
# What tests of kmod/core share.
CORE_UNIT := $(filter-out suites/unit/core/test_%,$(sort $(wildcard suites/unit/core/*.c)))
FUZZERS := $(patsubst suites/fuzz/%.c,%,$(sort $(wildcard suites/fuzz/fuzz_*.c)))
MICROGUESTS := $(sort $(shell find microguests -name '*.asm' ! -path 'microguests/include/*'))
DEVIATIONS := $(sort $(wildcard suites/deviations/*.json))
AGENT := $(sort $(wildcard ci/labs/agent/*.c))
AGENT_H := ci/labs/agent/agent.h
LISTS := $(MICROGUESTS:microguests/%.asm=build/images/%.list)
GEN_H := build/gen/record.h build/gen/stage.h
GEN_INC := build/gen/record.inc build/gen/stage.inc
DATA := build/data/embedded.o build/data/deviations.o

.PHONY: all help images
all: build/assay images

help:
	@echo 'make deps          install what is missing to build and test (says what it will install)'
	@echo 'make [all]         build/assay and the microguests'
	@echo 'make check         run every case on TARGET ($(TARGET)); RUN_ARGS adds options'
	@echo 'make check-svm     in labs, on AMD hardware emulated by QEMU and by Bochs: stock kvm_amd, assay.ko'
	@echo 'make check-vmx     the same on Intel hardware emulated by Bochs: stock kvm_intel, assay.ko (twice)'
	@echo 'make check-all     on every target there is (ci/check --list), one table of all'
	@echo 'make check-memory  what becomes of guests when the host swaps, unmaps, forks: on TARGET or in a lab'
	@echo 'make check-hostile the host survives tasks and guests that mean it ill: assay.ko in a lab, or TARGET'
	@echo 'make check-debug   assay.ko in a kernel with all checks, built when first used: twelve minutes'
	@echo 'make kmod          assay.ko, our hypervisor, for this kernel; KERNEL=6.1: for a lab'
	@echo 'make kmod-install  install it for this kernel, or KDIR= (docs/module.md: signing, dkms)'
	@echo 'make kmod-check    it builds for all kernels without a warning, sparse finds nothing'
	@echo 'make test          test the harness itself'
	@echo 'make coverage      what all tests and suites reach here and in labs: build/coverage/index.html'
	@echo 'make coverage-report  the same of what check-svm and check-vmx have left, with what is missing'
	@echo 'make coverage-diff A= B=  what one coverage.json reached that another did not'
	@echo 'make coverage-lines  lines and branches that unit tests, corpora and cases reach, here and in labs'
	@echo 'make coverage-kvm  lines of stock KVM that the cases reach in labs (docs/coverage.md)'
	@echo 'make bench         measure the engine against its floor'
	@echo 'make bench-kmod    instructions that the module and stock kvm_amd take, counted in the svm lab'
	@echo 'make asan          build/asan/assay and unit tests, with address and undefined sanitizers'
	@echo 'make fuzz          fuzz image loader, executor and page walker for FUZZ_SECONDS ($(FUZZ_SECONDS))'
	@echo 'make fuzz-kmod     fuzz assay.ko in a lab: calls and guests; FUZZ_SECONDS= for so long'
	@echo 'make format-check  check the layout of all sources'
	@echo 'make lint          the same, and a second compiler and the scripts'
	@echo 'make install       to PREFIX ($(PREFIX)), below DESTDIR'
	@echo 'make dist          a tarball that builds by itself'
	@echo 'make clean         remove build/'
	@echo 'variables: WERROR=1 STATIC=1 CC= CFLAGS= LDFLAGS='

images: $(LISTS)

# ---- generated headers -------------------------------------------------------------

build/gen/%.h: microguests/include/%.def microguests/include/gendef.awk
	@mkdir -p $(@D)
	awk -v lang=c -f microguests/include/gendef.awk $< >$@

build/gen/%.inc: microguests/include/%.def microguests/include/gendef.awk
	@mkdir -p $(@D)
	awk -v lang=nasm -f microguests/include/gendef.awk $< >$@

# ---- microguests -------------------------------------------------------------------

# A .list names the images made of one source, one per mode; beside it, a .d says
# what they were made of.
build/images/%.list: microguests/%.asm microguests/assay-as microguests/microguest.ld $(GEN_INC)
	@echo '  ASSAY-AS $<'
	@microguests/assay-as -o build/images -M $@ $<

-include $(LISTS:=.d)

# note FILE, TEXT: a file that changes when the text does.
define note
$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' '$(2)' | cmp -s - $$@ || printf '%s\n' '$(2)' >$$@
endef

$(eval $(call note,build/sources.txt,$$(MICROGUESTS)))

# embed BINARY, NAME, HEADER: the source of a table of files, whose contents
# stand one after the other in BINARY; from lines of size and name.
embed = awk ' \
	BEGIN { \
		print "/* made by the Makefile */\n\#include \"$(3)\"\n"; \
		print "__asm__(\".section .rodata\\n\""; \
		print "\t\".balign 16\\n\""; \
		print "\t\"$(2)_bin:\\n\""; \
		print "\t\".incbin \\\"$(1)\\\"\\n\""; \
		print "\t\".previous\\n\");"; \
		print "extern const u8 $(2)_bin[] __attribute__((visibility(\"hidden\")));\n"; \
		print "const struct embedded_file embedded_$(2)s[] = {"; \
	} \
	{ printf "\t{\"%s\", $(2)_bin + %d, %d},\n", $$2, at, $$1; at += $$1 } \
	END { printf "\t{NULL, NULL, 0},\n};\nconst unsigned int embedded_$(2)_count = %d;\n", NR }'

# All images in one file, in the order of their names, and a table of where each is.
build/embedded.c: $(LISTS) build/sources.txt Makefile
	@mkdir -p build/images
	@echo '  EMBED $@'
	@cat /dev/null $(LISTS) | LC_ALL=C sort >build/images.txt
	@cd build/images && xargs -r cat <../images.txt >../images.bin
	@{ cd build/images && xargs -r stat -c '%s %n' <../images.txt; } | \
		$(call embed,build/images.bin,image,image.h) >$@

$(eval $(call note,build/deviations.txt,$$(DEVIATIONS)))

build/deviations.c: $(DEVIATIONS) build/deviations.txt Makefile
	@echo '  EMBED $@'
	@cat $(DEVIATIONS) >build/deviations.bin
	@stat -c '%s %n' $(DEVIATIONS) | \
		$(call embed,build/deviations.bin,deviation,deviations.h) >$@

# ---- programs ----------------------------------------------------------------------

# flavour NAME, DIRECTORY, COMPILER, FLAGS: objects, the program and the unit
# tests of one way to build them.
define flavour
$$(eval $$(call note,$(2)/flags.txt,$(3) $$(ASSAY_CFLAGS) $$(CPPFLAGS) $(4) $$(LDFLAGS) $$(ASSAY_LDFLAGS) $$(LIBS)))

$(2)/obj/%.o: runner/%.c $(2)/flags.txt | $$(GEN_H)
	@mkdir -p $$(@D)
	@echo '  CC $$@'
	@$(3) $$(ASSAY_CFLAGS) $$(CPPFLAGS) $(4) $$(DEFINE) -MMD -MP -c $$< -o $$@

$(2)/obj/unit/%.o: suites/unit/%.c $(2)/flags.txt | $$(GEN_H)
	@mkdir -p $$(@D)
	@echo '  CC $$@'
	@$(3) $$(ASSAY_CFLAGS) -Isuites/unit $$(CPPFLAGS) $(4) -MMD -MP -c $$< -o $$@

$(2)/assay: $(RUNNER:runner/%.c=$(2)/obj/%.o) $(DECODER:%=$(2)/obj/core/%.o) $$(DATA)
	@echo '  LINK $$@'
	@$(3) $(4) $$(LDFLAGS) $$(ASSAY_LDFLAGS) $$^ $$(LIBS) -o $$@

$(2)/unit/%: $(2)/obj/unit/%.o $(patsubst runner/%.c,$(2)/obj/%.o,$(filter-out runner/main.c,$(RUNNER))) \
		$(DECODER:%=$(2)/obj/core/%.o) $$(DATA)
	@mkdir -p $$(@D)
	@echo '  LINK $$@'
	@$(3) $(4) $$(LDFLAGS) $$(ASSAY_LDFLAGS) $$^ $$(LIBS) -o $$@

$(2)/obj/core/%.o: kmod/core/%.c $(2)/flags.txt
	@mkdir -p $$(@D)
	@echo '  CC $$@'
	@$(3) $$(CORE_CFLAGS) $$(CPPFLAGS) $(4) -MMD -MP -c $$< -o $$@

$(2)/obj/unit/core/%.o: suites/unit/core/%.c $(2)/flags.txt
	@mkdir -p $$(@D)
	@echo '  CC $$@'
	@$(3) $$(CORE_CFLAGS) $$(CPPFLAGS) $(4) -MMD -MP -c $$< -o $$@

$(filter $(2)/unit/core/%,$(UNIT:%=$(2)/unit/%)): $(2)/unit/%: $(2)/obj/unit/%.o \
		$(CORE_UNIT:suites/unit/%.c=$(2)/obj/unit/%.o) $(CORE:kmod/core/%.c=$(2)/obj/core/%.o)
	@mkdir -p $$(@D)
	@echo '  LINK $$@'
	@$(3) $(4) $$(LDFLAGS) $$^ $$(CORE_LIBS) -o $$@

$(patsubst runner/%.c,$(2)/obj/%.o,$(VERSIONED)): private DEFINE = -DASSAY_VERSION='"$$(VERSION)"'
$(patsubst runner/%.c,$(2)/obj/%.o,$(VERSIONED)): build/version.txt

-include $(RUNNER:runner/%.c=$(2)/obj/%.d) $(UNIT:%=$(2)/obj/unit/%.d)
-include $(CORE:kmod/core/%.c=$(2)/obj/core/%.d) $(CORE_UNIT:suites/unit/%.c=$(2)/obj/unit/%.d)
endef

# Only these know the version, so a commit does not rebuild the rest.
VERSIONED := $(if $(RUNNER),$(shell grep -l ASSAY_VERSION $(RUNNER)))
$(eval $(call note,build/version.txt,$$(VERSION)))

FUZZ_CFLAGS = -O1 -g -fsanitize=fuzzer-no-link $(SANITIZE)
$(eval $(call flavour,plain,build,$$(CC),$$(CFLAGS)))
# What these warn of gcc only knows of code that is optimised, and without sanitizers' own.
NO_RANGES = $(addprefix -Wno-,format-truncation maybe-uninitialized stringop-overflow)
$(eval $(call flavour,asan,build/asan,$$(CC),-O1 -g $$(SANITIZE) $$(NO_RANGES)))
$(eval $(call flavour,fuzz,build/fuzz,$$(CLANG),$$(FUZZ_CFLAGS)))
# What counts how often each line runs (coverage/lines). Workers are threads.
LINES_CFLAGS = -O0 -g --coverage -fprofile-update=atomic $(NO_RANGES)
$(eval $(call flavour,lines,build/lines/host,$$(CC),$$(LINES_CFLAGS)))

# Process 1 of a lab, where there is no library.
build/lab/agent: $(AGENT) $(AGENT_H)
	@mkdir -p $(@D)
	@echo '  CC $@'
	@$(CC) -std=gnu11 $(WARNINGS) -O2 -static $(AGENT) -lz -o $@

build/data/embedded.o: build/embedded.c build/flags.txt runner/image.h | $(GEN_H)
	@mkdir -p $(@D)
	@$(CC) $(ASSAY_CFLAGS) -O1 -c $< -o $@

build/data/deviations.o: build/deviations.c build/flags.txt runner/deviations.h | $(GEN_H)
	@mkdir -p $(@D)
	@$(CC) $(ASSAY_CFLAGS) -O1 -c $< -o $@

# ---- running -----------------------------------------------------------------------

.PHONY: check check-svm check-vmx check-all check-debug test unit bench asan asan-check
# run PROGRAM, COMMAND: every case on TARGET; COMMAND, if TARGET cannot be used. The status is
# kept for scripts: of make they learn but that it failed.
define run
@$(1) run --on $(TARGET) $(RUN_ARGS); status=$$?; \
if [ $$status -eq 125 ]; then \
	echo 'make $@: $(TARGET) cannot run the cases here; `build/assay probe` says what is' \
		'missing, TARGET= names another' >&2; \
	$(2) \
fi; \
echo $$status >build/check.status; \
exit $$status
endef

# Where nobody asked for a certain node, emulated hardware serves instead.
ifeq ($(origin TARGET),file)
IF_UNUSABLE = echo 'make $@: running in the svm lab instead (stock kvm_amd on emulated hardware)' >&2; \
	$(MAKE) --no-print-directory build/lab/agent && ci/check svm $(RUN_ARGS); status=$$?;
endif

check: all
	$(call run,build/assay,$(IF_UNUSABLE))

KEEP_STATUS = status=$$?; echo $$status >build/check.status; exit $$status

# Targets by name (ci/check --list): labs and nodes alike, in one table.
check-svm: CHECKED = svm assay-svm svm-bochs assay-svm-bochs
check-vmx: CHECKED = vmx assay-vmx assay-vmx-plain
check-all: CHECKED = all
check-svm check-vmx check-all: all build/lab/agent
	@ci/check $(CHECKED) $(RUN_ARGS); $(KEEP_STATUS)

# The module in a kernel that is built here, with all checks there are.
check-debug: all build/lab/agent build/hostile-test build/memory-test
	@ci/labs/build-kernel debug >/dev/null && \
	ASSAY_DEBUG_KERNEL=1 ci/python -m pytest -q suites/tests/test_lab_debug.py; $(KEEP_STATUS)

bench: all
	build/assay bench --on $(TARGET)

unit: $(UNIT:%=build/unit/%)
	@ci/unit $(UNIT:%=build/unit/%)

test: all $(UNIT:%=build/unit/%)
	@failed=0; \
	ci/unit $(UNIT:%=build/unit/%) || failed=1; \
	ci/python -m pytest -q --target $(TARGET) suites/tests || failed=1; \
	exit $$failed

asan: build/asan/assay $(UNIT:%=build/asan/unit/%)

asan-check: asan
	@ci/unit $(UNIT:%=build/asan/unit/%)
	$(call run,build/asan/assay)

build/fuzz/%: build/fuzz/obj/fuzz/%.o $(patsubst runner/%.c,build/fuzz/obj/%.o,$(filter-out \
		runner/main.c,$(RUNNER))) $(DECODER:%=build/fuzz/obj/core/%.o) $(DATA)
	@echo '  LINK $@'
	@$(CLANG) -fsanitize=fuzzer $(SANITIZE) $(LDFLAGS) $(ASSAY_LDFLAGS) $^ $(LIBS) -o $@

# Those of kmod/core have nothing of the runner in them.
FUZZ_CORE := $(filter fuzz_core%,$(FUZZERS))
$(FUZZ_CORE:%=build/fuzz/%): build/fuzz/%: build/fuzz/obj/fuzz/%.o \
		$(CORE:kmod/core/%.c=build/fuzz/obj/core/%.o)
	@echo '  LINK $@'
	@$(CLANG) -fsanitize=fuzzer $(SANITIZE) $(LDFLAGS) $^ -o $@

$(FUZZ_CORE:%=build/fuzz/obj/fuzz/%.o): build/fuzz/obj/fuzz/%.o: suites/fuzz/%.c build/fuzz/flags.txt
	@mkdir -p $(@D)
	@echo '  CC $@'
	@$(CLANG) $(CORE_CFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

build/fuzz/obj/fuzz/%.o: suites/fuzz/%.c build/fuzz/flags.txt | $(GEN_H)
	@mkdir -p $(@D)
	@echo '  CC $@'
	@$(CLANG) $(ASSAY_CFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

-include $(FUZZERS:%=build/fuzz/obj/fuzz/%.d)

.PHONY: fuzz fuzzers
fuzzers: $(FUZZERS:%=build/fuzz/%)
fuzz: fuzzers images
	@ci/fuzz $(FUZZ_SECONDS) $(FUZZERS)

# ---- lines -------------------------------------------------------------------------------

# The fuzzers' functions, run on what is in the corpora by a program that counts.
LINES_FUZZ_CORE := $(FUZZ_CORE:%=build/lines/host/fuzz/%)
LINES_FUZZ := $(filter-out $(LINES_FUZZ_CORE),$(FUZZERS:%=build/lines/host/fuzz/%))

$(LINES_FUZZ_CORE): LINES_INPUT = $(CORE_CFLAGS)
$(LINES_FUZZ): LINES_INPUT = $(ASSAY_CFLAGS)
$(LINES_FUZZ_CORE): $(CORE:kmod/core/%.c=build/lines/host/obj/core/%.o)
$(LINES_FUZZ): $(patsubst runner/%.c,build/lines/host/obj/%.o,$(filter-out runner/main.c,$(RUNNER))) \
		$(DECODER:%=build/lines/host/obj/core/%.o) $(DATA)
$(LINES_FUZZ): LINES_LDFLAGS = $(ASSAY_LDFLAGS)
$(LINES_FUZZ) $(LINES_FUZZ_CORE): build/lines/host/fuzz/%: suites/fuzz/%.c suites/fuzz/replay.c \
		build/lines/host/flags.txt $(wildcard suites/fuzz/*.h) | $(GEN_H)
	@mkdir -p $(@D)
	@echo '  LINK $@'
	@$(CC) $(LINES_INPUT) $(CPPFLAGS) -O1 -g $(LDFLAGS) $(LINES_LDFLAGS) $(filter %.c %.o,$^) $(LIBS) \
		-lgcov -o $@

.PHONY: lines-programs coverage-lines coverage-kvm
lines-programs: build/lines/host/assay $(UNIT:%=build/lines/host/unit/%) $(LINES_FUZZ) $(LINES_FUZZ_CORE)

# What is measured, and where it goes: coverage/lines --help. LINES_ARGS adds options.
coverage-lines: all lines-programs build/lab/agent build/memory-test build/hostile-test
	@coverage/lines $(LINES_ARGS); $(KEEP_STATUS)

# The report of everything (docs/coverage.md). COVERAGE_ARGS: coverage/run --help
.PHONY: coverage coverage-report coverage-diff
coverage: all build/lab/agent
	@coverage/run --floors $(COVERAGE_ARGS); $(KEEP_STATUS)

coverage-report: all build/lab/agent
	@coverage/run --have build/check --floors $(COVERAGE_ARGS); $(KEEP_STATUS)

coverage-diff:
	@coverage/diff $(A) $(B)

# The program that runs the cases is that which counts.
coverage-kvm: all build/lines/host/assay build/lab/agent
	@coverage/lines kvm-svm kvm-vmx --floors $(LINES_ARGS); $(KEEP_STATUS)

# ---- guest memory ------------------------------------------------------------------------

# Tests of the target by programs of their own, static for labs with nothing else in them.
HARNESS := suites/harness/harness.c
PROGRAM_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS)
MEMORY := $(sort $(wildcard suites/memory/*.c))

build/memory-test: $(MEMORY) $(HARNESS) $(wildcard suites/memory/*.h suites/harness/*.h) Makefile
	@mkdir -p $(@D)
	@echo '  CC $@'
	@$(CC) $(PROGRAM_CFLAGS) $(CFLAGS) -static $(MEMORY) $(HARNESS) -lpthread -o $@

.PHONY: check-memory
check-memory: build/memory-test build/lab/agent
	@ci/memory $(if $(filter file,$(origin TARGET)),,--on $(TARGET)) $(MEMORY_ARGS)

# ---- ill will --------------------------------------------------------------------------

# The host in the hands of guests and tasks that mean it ill, by a program of their own.
HOSTILE := $(sort $(wildcard suites/hostile/*.c))

build/hostile-test: $(HOSTILE) $(HARNESS) $(wildcard suites/hostile/*.h suites/harness/*.h) Makefile
	@mkdir -p $(@D)
	@echo '  CC $@'
	@$(CC) $(PROGRAM_CFLAGS) $(CFLAGS) -static $(HOSTILE) $(HARNESS) -lpthread -o $@

.PHONY: check-hostile
check-hostile: build/hostile-test build/lab/agent
	@ci/hostile $(if $(filter file,$(origin TARGET)),,--on $(TARGET)) $(HOSTILE_ARGS); $(KEEP_STATUS)

# ---- speed --------------------------------------------------------------------------------

# What ci/bench-kmod runs in the lab; docs/speed.md.
BENCH := $(sort $(wildcard suites/bench/*.c))

build/bench-kmod: $(BENCH) $(wildcard suites/bench/*.h) Makefile
	@mkdir -p $(@D)
	@echo '  CC $@'
	@$(CC) $(PROGRAM_CFLAGS) $(CFLAGS) -static $(BENCH) -o $@

.PHONY: bench-kmod
bench-kmod: build/bench-kmod build/lab/agent
	@ci/bench-kmod $(BENCH_ARGS); $(KEEP_STATUS)

# ---- fuzzing the module ------------------------------------------------------------------

# Guests are made of the module's own tables of opcodes.
FUZZ_KMOD := $(sort $(wildcard suites/fuzz-kmod/*.c))

build/fuzz-kmod: $(FUZZ_KMOD) $(wildcard suites/fuzz-kmod/*.h) $(CORE) $(wildcard kmod/core/*.h) Makefile
	@mkdir -p $(@D)
	@echo '  CC $@'
	@$(CC) $(PROGRAM_CFLAGS) -Ikmod/core $(CFLAGS) -static $(FUZZ_KMOD) kmod/core/decode.c \
		kmod/core/opcodes.c -lpthread -o $@

# Bounded by numbers, unless somebody says for how long.
.PHONY: fuzz-kmod
fuzz-kmod: build/fuzz-kmod build/lab/agent
	@ci/fuzz-kmod $(if $(filter file,$(origin FUZZ_SECONDS)),,--seconds $(FUZZ_SECONDS)) \
		$(FUZZ_KMOD_ARGS); $(KEEP_STATUS)

# ---- the module ----------------------------------------------------------------------

.PHONY: kmod kmod-install kmod-check
# Without KERNEL it is for KDIR, and that is the kernel that runs.
kmod:
	$(if $(KERNEL),@ci/kmod build --kernel $(KERNEL),+@$(MAKE) --no-print-directory -C kmod)

kmod-install:
	+@$(MAKE) --no-print-directory -C kmod install

kmod-check:
	@ci/kmod check; $(KEEP_STATUS)

# ---- keeping it tidy -----------------------------------------------------------------

.PHONY: format-check lint install dist clean
format-check:
	@ci/format-check

lint: format-check $(GEN_H)
	$(CLANG) $(ASSAY_CFLAGS) -DASSAY_VERSION='""' -Isuites/unit -Werror -fsyntax-only $(RUNNER) \
		$(patsubst %,suites/unit/%.c,$(filter-out core/%,$(UNIT))) \
		$(patsubst %,suites/fuzz/%.c,$(filter-out $(FUZZ_CORE),$(FUZZERS))) $(AGENT)
	$(CLANG) $(CORE_CFLAGS) -Werror -fsyntax-only $(CORE) $(wildcard suites/unit/core/*.c) \
		$(FUZZ_CORE:%=suites/fuzz/%.c)
	$(CLANG) $(PROGRAM_CFLAGS) -Werror -fsyntax-only $(HARNESS) $(MEMORY) $(HOSTILE) $(BENCH) \
		suites/fuzz/replay.c
	$(CLANG) $(PROGRAM_CFLAGS) -Ikmod/core -Werror -fsyntax-only $(FUZZ_KMOD)
	for script in microguests/assay-as ci/deps ci/unit ci/fuzz ci/python ci/dist ci/jobs/run \
		ci/jobs/lava ci/jobs/lava-results ci/jobs/bisect-step; do \
		sh -n $$script || exit 1; done
	bash -n .ci/run

install: build/assay $(GEN_INC)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/assay/include \
		$(DESTDIR)$(PREFIX)/share/doc/assay
	install -m 755 build/assay microguests/assay-as $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(wildcard microguests/include/*.inc microguests/include/*.def) $(GEN_INC) \
		$(DESTDIR)$(PREFIX)/share/assay/include
	install -m 644 microguests/microguest.ld $(DESTDIR)$(PREFIX)/share/assay
	install -m 644 $(wildcard README.md LICENSE docs/*.md) $(DESTDIR)$(PREFIX)/share/doc/assay

dist:
	@ci/dist $(VERSION)

clean:
	rm -rf build

endif
