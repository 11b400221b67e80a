using System.Buffers.Binary;

namespace Pitr.Postgres.Wal;

/// <summary>Reads the block references of a record, in order (DecodeXLogRecord() of PostgreSQL 15 src/backend/access/transam/xlogreader.c).</summary>
ref struct WalBlockReader
{
    const byte TopLevelTransaction = 252;
    const byte ReplicationOrigin = 253;
    const byte LongMainData = 254;
    const byte ShortMainData = 255;
    const byte LargestBlockId = 32;
    const byte HasImage = 0x10;
    const byte HasData = 0x20;
    const byte SameRelation = 0x80;
    const byte ImageHasHole = 0x01;

    readonly int _majorVersion;
    ReadOnlySpan<byte> _headers;
    ReadOnlySpan<byte> _data;
    RelationFile _relation;

    WalBlockReader(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> data, int majorVersion)
    {
        _headers = headers;
        _data = data;
        _majorVersion = majorVersion;
    }

    public readonly RelationFile Relation => _relation;

    /// <summary>0 main, 1 free space map, 2 visibility map, 3 init.</summary>
    public int Fork { get; private set; }

    public uint Block { get; private set; }

    /// <summary>The page, whole or with its hole left out or compressed; empty when there is none.</summary>
    public ReadOnlySpan<byte> Image { get; private set; }

    public byte ImageInfo { get; private set; }

    public ushort HoleOffset { get; private set; }

    public ushort HoleLength { get; private set; }

    /// <summary>What the record says about this block besides the image.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    public static bool TryOpen(ReadOnlySpan<byte> body, int majorVersion, out WalBlockReader blocks, out ReadOnlySpan<byte> mainData)
    {
        blocks = default;
        mainData = default;
        var rest = body;
        long dataTotal = 0;
        long mainLength = 0;
        // The header of the main data is the last one.
        for (var last = false; !last && rest.Length > dataTotal;)
        {
            if (!TryReadHeader(rest, majorVersion, out var header))
            {
                return false;
            }

            if (header.Id is ShortMainData or LongMainData)
            {
                mainLength = header.DataLength;
                last = true;
            }

            dataTotal += header.DataLength + header.ImageLength;
            rest = rest[header.Size..];
        }

        if (rest.Length != dataTotal)
        {
            return false;
        }

        mainData = rest[^(int)mainLength..];
        blocks = new WalBlockReader(body[..^rest.Length], rest[..^(int)mainLength], majorVersion);
        return true;
    }

    /// <summary>Moves to the next block reference.</summary>
    public bool MoveNext()
    {
        while (!_headers.IsEmpty)
        {
            if (!TryReadHeader(_headers, _majorVersion, out var header))
            {
                return false;
            }

            var relation = header.RelationOffset == 0 ? _relation : RelationFile.Read(_headers[header.RelationOffset..]);
            _headers = _headers[header.Size..];
            if (header.Id > LargestBlockId)
            {
                continue;
            }

            if (header.ImageLength + header.DataLength > _data.Length)
            {
                return false;
            }

            (_relation, Fork, Block, ImageInfo, HoleOffset, HoleLength) = (relation, header.Fork, header.Block, header.ImageInfo, header.HoleOffset, header.HoleLength);
            Image = _data[..header.ImageLength];
            Data = _data.Slice(header.ImageLength, (int)header.DataLength);
            _data = _data[(header.ImageLength + (int)header.DataLength)..];
            return true;
        }

        return false;
    }

    /// <summary>The files of the first block reference, read without the rest of the record; false when there is none.</summary>
    /// <param name="body">The record's beginning behind its header, as much as there is.</param>
    /// <param name="majorVersion">PostgreSQL's.</param>
    public static bool TryPeekRelation(ReadOnlySpan<byte> body, int majorVersion, out RelationFile relation)
    {
        relation = default;
        while (!body.IsEmpty && TryReadHeader(body, majorVersion, out var header))
        {
            if (header.Id <= LargestBlockId)
            {
                relation = header.RelationOffset == 0 ? default : RelationFile.Read(body[header.RelationOffset..]);
                return header.RelationOffset != 0;
            }

            body = body[header.Size..];
        }

        return false;
    }

    static bool TryReadHeader(ReadOnlySpan<byte> bytes, int majorVersion, out Header header)
    {
        header = new Header { Id = bytes[0] };
        switch (bytes[0])
        {
            case TopLevelTransaction:
                header.Size = 1 + sizeof(uint);
                return header.Size <= bytes.Length;
            case ReplicationOrigin:
                header.Size = 1 + sizeof(ushort);
                return header.Size <= bytes.Length;
            case ShortMainData:
                header.Size = 1 + sizeof(byte);
                if (header.Size > bytes.Length)
                {
                    return false;
                }

                header.DataLength = bytes[1];
                return true;
            case LongMainData:
                header.Size = 1 + sizeof(uint);
                if (header.Size > bytes.Length)
                {
                    return false;
                }

                header.DataLength = BinaryPrimitives.ReadUInt32LittleEndian(bytes[1..]);
                return true;
            case <= LargestBlockId:
                return TryReadBlockHeader(bytes, majorVersion, ref header);
            default:
                return false;
        }
    }

    static bool TryReadBlockHeader(ReadOnlySpan<byte> bytes, int majorVersion, ref Header header)
    {
        const int fixedSize = 4;
        const int imageSize = 5;
        if (bytes.Length < fixedSize)
        {
            return false;
        }

        var flags = bytes[1];
        header.Fork = flags & 0x0F;
        header.DataLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        var size = fixedSize;
        if ((flags & HasData) == 0 && header.DataLength != 0)
        {
            return false;
        }

        if ((flags & HasImage) != 0)
        {
            if (bytes.Length < size + imageSize)
            {
                return false;
            }

            header.ImageLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[size..]);
            header.HoleOffset = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(size + 2)..]);
            header.ImageInfo = bytes[size + 4];
            size += imageSize;
            if ((header.ImageInfo & ImageHasHole) != 0 && WalPageImage.IsCompressed(header.ImageInfo, majorVersion))
            {
                if (bytes.Length < size + sizeof(ushort))
                {
                    return false;
                }

                header.HoleLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[size..]);
                size += sizeof(ushort);
            }
        }

        if ((flags & SameRelation) == 0)
        {
            header.RelationOffset = size;
            size += RelationFile.Size;
        }

        if (bytes.Length < size + sizeof(uint))
        {
            return false;
        }

        header.Block = BinaryPrimitives.ReadUInt32LittleEndian(bytes[size..]);
        header.Size = size + sizeof(uint);
        return true;
    }

    struct Header
    {
        public byte Id;
        public int Size;
        public int Fork;
        public long DataLength;
        public int ImageLength;
        public ushort HoleOffset;
        public ushort HoleLength;
        public byte ImageInfo;
        public int RelationOffset;
        public uint Block;
    }
}
