"""BSON and the checksum of archives of mongodump, as far as the double "mongodb" needs them (bsonspec.org; common/archive/spec.md of mongo-tools)."""
import struct

MAGIC = struct.pack("<I", 0x8199E26D)
TERMINATOR = b"\xff\xff\xff\xff"


def crc64_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ 0xC96C5795D7870F42 if value & 1 else value >> 1
        table.append(value)
    return table


TABLE = crc64_table()


def crc64(data, crc=0):
    crc ^= 0xFFFFFFFFFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFFFFFFFFFF


def bson(fields):
    body = b""
    for name, value in fields:
        key = name.encode() + b"\0"
        if isinstance(value, bool):
            body += b"\x08" + key + bytes([value])
        elif isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + key + struct.pack("<i", len(text)) + text
        elif name == "CRC":
            body += b"\x12" + key + struct.pack("<Q", value)
        else:
            body += b"\x10" + key + struct.pack("<i", value)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def unbson(data):
    fields, at = {}, 4
    while data[at] != 0:
        kind, end = data[at], data.index(b"\0", at + 1)
        name, at = data[at + 1:end].decode(), end + 1
        if kind == 0x02:
            length = struct.unpack_from("<i", data, at)[0]
            fields[name], at = data[at + 4:at + 3 + length].decode(), at + 4 + length
        elif kind == 0x08:
            fields[name], at = bool(data[at]), at + 1
        elif kind == 0x10:
            fields[name], at = struct.unpack_from("<i", data, at)[0], at + 4
        elif kind == 0x12:
            fields[name], at = struct.unpack_from("<Q", data, at)[0], at + 8
        else:
            raise ValueError(f"the double knows no BSON of type {kind}")
    return fields
