using System.Buffers.Binary;
using System.Text;
using Pitr.Operations.Dumps.Mongodb;

namespace Pitr.Operations.Tests.Dumps.Mongodb;

/// <summary>A double of what <c>mongodump --archive</c> writes, put together by hand.</summary>
sealed class ArchiveText
{
    readonly MemoryStream _bytes = new();

    public byte[] Bytes => _bytes.ToArray();

    public static byte[] Document(params (string Name, object Value)[] fields)
    {
        using var body = new MemoryStream();
        foreach (var (name, value) in fields)
        {
            body.WriteByte(value switch { string => 0x02, bool => 0x08, int => 0x10, long => 0x12, double => 0x01, byte[] => 0x05, _ => 0x0A });
            body.Write(Encoding.UTF8.GetBytes(name + "\0"));
            body.Write(value switch
            {
                string text => [.. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text) + 1), .. Encoding.UTF8.GetBytes(text), 0],
                bool flag => [(byte)(flag ? 1 : 0)],
                int number => BitConverter.GetBytes(number),
                long number => BitConverter.GetBytes(number),
                double number => BitConverter.GetBytes(number),
                byte[] bytes => [.. BitConverter.GetBytes(bytes.Length), 0, .. bytes],
                _ => [],
            });
        }

        var document = new byte[body.Length + 5];
        BinaryPrimitives.WriteInt32LittleEndian(document, document.Length);
        body.ToArray().CopyTo(document, 4);
        return document;
    }

    public static ulong Crc(params byte[][] documents)
    {
        var crc = default(Crc64);
        foreach (var document in documents)
        {
            crc.Add(document);
        }

        return crc.Value;
    }

    public ArchiveText Begin(params (string Database, string Collection, string Type)[] collections)
    {
        Write([0x6D, 0xE2, 0x99, 0x81], Document(("concurrent_collections", 4), ("version", "0.1"), ("server_version", "7.0.14"), ("tool_version", "100.9.4")));
        foreach (var (database, collection, type) in collections)
        {
            Write(Document(("db", database), ("collection", collection), ("metadata", "{}"), ("size", 0), ("type", type)));
        }

        return End();
    }

    public ArchiveText Block(string database, string collection, params byte[][] documents) =>
        Write(Document(("db", database), ("collection", collection), ("EOF", false), ("CRC", 0L))).Write(documents).End();

    public ArchiveText Last(string database, string collection, ulong crc) =>
        Write(Document(("db", database), ("collection", collection), ("EOF", true), ("CRC", (long)crc))).End();

    public ArchiveText End() => Write([0xFF, 0xFF, 0xFF, 0xFF]);

    public ArchiveText Write(params byte[][] blocks)
    {
        foreach (var block in blocks)
        {
            _bytes.Write(block);
        }

        return this;
    }
}
