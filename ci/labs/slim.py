# SPDX-License-Identifier: GPL-2.0-only
"""Takes out of a kernel module what costs an emulated processor seconds when the module is
loaded, and changes nothing that the module does."""

import struct

SECTION = struct.Struct('<IIQQQQIIQQ')
RELOCATION = struct.Struct('<QQq')
SYMBOL_SIZE = 24
RELA, EXECUTABLE = 4, 4
CALL, NOP = 0xe8, b'\x0f\x1f\x44\0\0'
# Types for BPF, and where the function tracer's calls are: for each of them the kernel
# searches all symbols.
DROPPED = ('.BTF', '__mcount_loc', '.rela__mcount_loc')


def slim(module):
    """The bytes of a module without types and without the function tracer's calls, which
    become NOPs as the kernel would make of them. A module of an unknown form stays."""
    data = bytearray(module)
    if data[:6] != b'\x7fELF\x02\x01':
        return module
    at, = struct.unpack_from('<Q', data, 40)
    count, names = struct.unpack_from('<HH', data, 60)
    sections = [SECTION.unpack_from(data, at + SECTION.size * i) for i in range(count)]

    def text(section, offset):
        start = sections[section][4] + offset
        return data[start:data.index(0, start)].decode(errors='replace')

    for section in sections:
        if section[1] == RELA and sections[section[7]][2] & EXECUTABLE:
            if not _without_calls(data, sections, section, text):
                return module
    for number, section in enumerate(sections):
        if text(names, section[0]) in DROPPED:
            struct.pack_into('<Q', data, at + SECTION.size * number + 32, 0)
    return bytes(data)


def _without_calls(data, sections, relocations, text):
    """Makes NOPs of the calls to __fentry__ that these relocations fill in. False if there is
    something else."""
    _, _, _, _, offset, size, link, info, _, _ = relocations
    symbols, code = sections[link], sections[info]
    for at in range(offset, offset + size, RELOCATION.size):
        where, symbol, _ = RELOCATION.unpack_from(data, at)
        name, = struct.unpack_from('<I', data, symbols[4] + SYMBOL_SIZE * (symbol >> 32))
        if not name or text(symbols[6], name) != '__fentry__':
            continue
        call = code[4] + where - 1
        if data[call] != CALL:
            return False
        data[call:call + len(NOP)] = NOP
        RELOCATION.pack_into(data, at, where, 0, 0)     # R_X86_64_NONE
    return True
