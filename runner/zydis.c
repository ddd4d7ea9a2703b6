// SPDX-License-Identifier: GPL-2.0-only
/*
 * Zydis where there is no archive to link it from: its functions by their own
 * names, passed on to the shared library, which is loaded at the first call. So
 * the program starts on machines without Zydis; there every call fails, and
 * failures show the bytes of the code undecoded. The Makefile leaves this file
 * out where there is an archive, and defines ZYDIS_ABSENT for a static program,
 * which cannot load libraries.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include <Zydis/Zydis.h>

#include "util.h"

#ifndef ZYDIS_ABSENT

static struct {
	bool loaded;
	__typeof__(ZydisDecoderInit) *decoder_init;
	__typeof__(ZydisDecoderDecodeInstruction) *decode_instruction;
	__typeof__(ZydisDecoderDecodeFull) *decode_full;
	__typeof__(ZydisFormatterInit) *formatter_init;
	__typeof__(ZydisFormatterSetProperty) *set_property;
	__typeof__(ZydisFormatterFormatInstruction) *format_instruction;
} zydis;

static bool find(void *library, const char *name, void *function)
{
	void *symbol = dlsym(library, name);

	/* dlsym(3): how POSIX has an object pointer made a function pointer. */
	*(void **)function = symbol;
	return symbol != NULL;
}

static void load(void)
{
	char name[64];
	void *library;

	/* Structures differ between minor versions: only the one compiled for will do. */
	snprintf(name, sizeof(name), "libZydis.so.%u.%u",
		 (unsigned int)ZYDIS_VERSION_MAJOR(ZYDIS_VERSION),
		 (unsigned int)ZYDIS_VERSION_MINOR(ZYDIS_VERSION));
	library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return;
	zydis.loaded =
		find(library, "ZydisDecoderInit", &zydis.decoder_init) &&
		find(library, "ZydisDecoderDecodeInstruction", &zydis.decode_instruction) &&
		find(library, "ZydisDecoderDecodeFull", &zydis.decode_full) &&
		find(library, "ZydisFormatterInit", &zydis.formatter_init) &&
		find(library, "ZydisFormatterSetProperty", &zydis.set_property) &&
		find(library, "ZydisFormatterFormatInstruction", &zydis.format_instruction);
}

static bool loaded(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return zydis.loaded;
}

#define PASS_ON(function, ...) (loaded() ? zydis.function(__VA_ARGS__) : ZYAN_STATUS_FAILED)

#else

/* Evaluates nothing, but uses every argument. */
#define PASS_ON(function, ...) (true ? ZYAN_STATUS_FAILED : use(0, __VA_ARGS__))

static ZyanStatus use(int first, ...)
{
	return (ZyanStatus)first;
}

#endif

ZyanStatus ZydisDecoderInit(ZydisDecoder *decoder, ZydisMachineMode mode, ZydisStackWidth width)
{
	return PASS_ON(decoder_init, decoder, mode, width);
}

ZyanStatus ZydisDecoderDecodeInstruction(const ZydisDecoder *decoder, ZydisDecoderContext *context,
					 const void *buffer, ZyanUSize length,
					 ZydisDecodedInstruction *instruction)
{
	return PASS_ON(decode_instruction, decoder, context, buffer, length, instruction);
}

ZyanStatus ZydisDecoderDecodeFull(const ZydisDecoder *decoder, const void *buffer,
				  ZyanUSize length, ZydisDecodedInstruction *instruction,
				  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT])
{
	return PASS_ON(decode_full, decoder, buffer, length, instruction, operands);
}

ZyanStatus ZydisFormatterInit(ZydisFormatter *formatter, ZydisFormatterStyle style)
{
	return PASS_ON(formatter_init, formatter, style);
}

ZyanStatus ZydisFormatterSetProperty(ZydisFormatter *formatter, ZydisFormatterProperty property,
				     ZyanUPointer value)
{
	return PASS_ON(set_property, formatter, property, value);
}

ZyanStatus ZydisFormatterFormatInstruction(const ZydisFormatter *formatter,
					   const ZydisDecodedInstruction *instruction,
					   const ZydisDecodedOperand *operands, ZyanU8 count,
					   char *buffer, ZyanUSize length, ZyanU64 address,
					   void *user_data)
{
	return PASS_ON(format_instruction, formatter, instruction, operands, count, buffer, length,
		       address, user_data);
}
