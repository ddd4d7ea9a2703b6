# SPDX-License-Identifier: GPL-2.0-only
"""A lab kernel's symbols for a debugger: its /proc/kallsyms as an ELF file, and where the
sections of a module that has debug information lie."""

import struct

TEXT_BASE = 0xffffffff80000000      # the kernel and its modules are in the upper 2 GiB
ELF_HEADER = struct.Struct('<16sHHIQQQIHHHHHH')
SECTION = struct.Struct('<IIQQQQIIQQ')
SYMBOL = struct.Struct('<IBBHQQ')
PROGBITS, SYMTAB, STRTAB, NOBITS = 1, 2, 3, 8


def parse(text):
    """[(address, name, module or '')] of /proc/kallsyms, code only."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 3 and fields[1] in 'tTwW':
            module = fields[3].strip('[]') if len(fields) > 3 else ''
            found.append((int(fields[0], 16), fields[2], module))
    return found


def elf(symbols):
    """Bytes of an ELF file that has these symbols, all in one section without contents."""
    kept = [(address, name) for address, name, _ in symbols if address >= TEXT_BASE]
    strings, table = bytearray(b'\0'), bytearray(SYMBOL.size)
    for address, name in sorted(kept):
        table += SYMBOL.pack(len(strings), 0x12, 0, 1, address, 0)      # global function
        strings += name.encode() + b'\0'
    names = b'\0.text\0.symtab\0.strtab\0.shstrtab\0'
    at = ELF_HEADER.size
    sections = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (1, NOBITS, 6, TEXT_BASE, at, -TEXT_BASE % (1 << 64) - 1, 0, 0, 16, 0),
        (7, SYMTAB, 0, 0, at, len(table), 3, 1, 8, SYMBOL.size),
        (15, STRTAB, 0, 0, at + len(table), len(strings), 0, 0, 1, 0),
        (23, STRTAB, 0, 0, at + len(table) + len(strings), len(names), 0, 0, 1, 0),
    ]
    body = bytes(table) + bytes(strings) + names
    header = ELF_HEADER.pack(b'\x7fELF\x02\x01\x01' + bytes(9), 2, 62, 1, TEXT_BASE, 0,
                             at + len(body), 0, at, 0, 0, SECTION.size, len(sections), 4)
    return header + body + b''.join(SECTION.pack(*section) for section in sections)


def find(symbols, names):
    """(name, address) of the first of the names that there is, or None."""
    addresses = {name: address for address, name, _ in reversed(symbols)}
    for name in names:
        if name in addresses:
            return name, addresses[name]
    return None


def section_addresses(data, module, symbols):
    """{section name: address} of a loaded module's code, of the bytes of its .ko: its own
    symbols say how far from the start of its section each is."""
    loaded = {name: address for address, name, owner in symbols if owner == module}
    at, = struct.unpack_from('<Q', data, 0x28)
    count, strings = struct.unpack_from('<HH', data, 0x3c)
    sections = [SECTION.unpack_from(data, at + i * SECTION.size) for i in range(count)]

    def text(table, offset):
        start = sections[table][4] + offset
        return data[start:data.index(b'\0', start)].decode(errors='replace')

    found = {}
    for kind, offset, size, link in ((s[1], s[4], s[5], s[6]) for s in sections):
        if kind != SYMTAB:
            continue
        for position in range(offset, offset + size, SYMBOL.size):
            name, info, _, index, value, _ = SYMBOL.unpack_from(data, position)
            if info & 15 == 2 and 0 < index < count and text(link, name) in loaded:
                found.setdefault(text(strings, sections[index][0]),
                                 loaded[text(link, name)] - value)
    return found


def has_debug_information(data):
    """Whether a .ko was built with it and not stripped."""
    return b'.debug_info\0' in data
