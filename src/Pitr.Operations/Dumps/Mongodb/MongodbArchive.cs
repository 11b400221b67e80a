using System.Buffers.Binary;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>
/// Walks along an archive of <c>mongodump --archive</c> as it flows by ("The Mongodump archive format specification", mongo-tools, common/archive/spec.md): the magic number; a block
/// with a header and what there is of each collection; blocks of documents, each of one collection, with a header before them and FF FF FF FF behind; for each collection at last a
/// header that says that it ends, with the CRC-64 of its documents. The archive itself has no end mark: it is whole when each of its collections has ended.
/// </summary>
sealed class MongodbArchive
{
    /// <summary>How the documents of the oplog that were written while the dump was taken are called in <see cref="Contents"/>.</summary>
    public const string Oplog = "oplog";

    const uint Magic = 0x8199E26D;
    const int Terminator = -1;
    const int WordSize = 4;
    const int SmallestDocument = 5;

    // The largest the server has itself: 16 MiB, and 16 KiB for what it puts around a document.
    const int LargestDocument = (16 << 20) + (16 << 10);
    const string Timeseries = "timeseries";
    const string BucketsPrefix = "system.buckets.";

    readonly byte[] _word = new byte[WordSize];
    readonly MemoryStream _kept = new();
    readonly Dictionary<string, Collection> _collections = new(StringComparer.Ordinal);
    readonly List<(string Database, string Name, bool IsTimeseries)> _announced = [];
    State _state = State.Magic;
    int _wordLength;
    int _left;
    byte _last;
    Collection? _current;
    string? _damage;

    enum State
    {
        Magic, PreludeHeader, Prelude, Between, Block,
    }

    /// <summary>Whether everything before the first document has been read.</summary>
    public bool IsPreludeRead { get; private set; }

    /// <summary>The server's version, as the tool wrote it.</summary>
    public string ServerVersion { get; private set; } = "";

    /// <summary>The databases whose collections were announced, by name.</summary>
    public IReadOnlyList<string> Databases => [.. _announced.Select(c => c.Database).Where(d => d.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Documents of each collection, by "database.collection"; those of the oplog as <see cref="Oplog"/>.</summary>
    public IReadOnlyDictionary<string, long> Contents =>
        _announced.Select(c => Key(c.Database, c.Name)).Concat(_collections.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .ToDictionary(key => key, key => _collections.GetValueOrDefault(key)?.Documents ?? 0, StringComparer.Ordinal);

    /// <summary>More of the archive has come.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && _damage is null)
        {
            bytes = _left > 0 ? AddToDocument(bytes) : AddToWord(bytes);
        }
    }

    /// <summary>Why what has been read is no whole archive; null when it is.</summary>
    public string? WhyNotWhole()
    {
        if (_damage is not null)
        {
            return _damage;
        }

        if (_state != State.Between || _left > 0 || _wordLength > 0)
        {
            return _state == State.Magic ? "it is empty" : "it ends in the middle of a block";
        }

        return _collections.FirstOrDefault(c => !c.Value.HasEnded).Key is { } open ? $"collection {open} has no end"
            : _announced.Where(c => !HasEnded(c.Database, c.Name, c.IsTimeseries)).Select(c => Key(c.Database, c.Name)).FirstOrDefault() is { } missing ? $"collection {missing} is missing"
            : null;
    }

    bool HasEnded(string database, string name, bool isTimeseries) =>
        _collections.ContainsKey(Key(database, name)) || (isTimeseries && _collections.ContainsKey(Key(database, BucketsPrefix + name)));

    ReadOnlySpan<byte> AddToWord(ReadOnlySpan<byte> bytes)
    {
        var taken = Math.Min(bytes.Length, WordSize - _wordLength);
        bytes[..taken].CopyTo(_word.AsSpan(_wordLength));
        _wordLength += taken;
        if (_wordLength == WordSize)
        {
            _wordLength = 0;
            TakeWord(BinaryPrimitives.ReadInt32LittleEndian(_word));
        }

        return bytes[taken..];
    }

    void TakeWord(int word)
    {
        if (_state == State.Magic)
        {
            _state = State.PreludeHeader;
            _damage = (uint)word == Magic ? null : "it does not begin as an archive of mongodump";
        }
        else if (word == Terminator)
        {
            _damage = _state is State.Prelude or State.Block ? null : "a block has no header";
            IsPreludeRead |= _state == State.Prelude;
            _state = State.Between;
        }
        else if (word is < SmallestDocument or > LargestDocument)
        {
            _damage = "neither a document nor the end of a block follows";
        }
        else
        {
            _left = word - WordSize;
            if (_state == State.Block)
            {
                BeginBody();
            }
            else
            {
                _kept.SetLength(0);
                _kept.Write(_word);
            }
        }
    }

    void BeginBody()
    {
        if (_current is not { HasEnded: false } collection)
        {
            _damage = "documents follow behind the end of their collection";
            return;
        }

        collection.Crc.Add(_word);
        collection.Documents++;
    }

    ReadOnlySpan<byte> AddToDocument(ReadOnlySpan<byte> bytes)
    {
        var part = bytes[..Math.Min(bytes.Length, _left)];
        if (_state == State.Block)
        {
            _current!.Crc.Add(part);
        }
        else
        {
            _kept.Write(part);
        }

        _last = part[^1];
        _left -= part.Length;
        if (_left == 0)
        {
            EndDocument();
        }

        return bytes[part.Length..];
    }

    void EndDocument()
    {
        if (_last != 0)
        {
            _damage = "a document has no end";
        }
        else if (_state != State.Block)
        {
            try
            {
                TakeFields(BsonFields.Read(_kept.GetBuffer().AsSpan(0, (int)_kept.Length)));
            }
            catch (FormatException e)
            {
                _damage = e.Message;
            }
        }
    }

    void TakeFields(BsonFields fields)
    {
        switch (_state)
        {
            case State.PreludeHeader:
                ServerVersion = fields.Text("server_version") ?? "";
                _state = State.Prelude;
                break;
            case State.Prelude:
                _announced.Add((fields.Text("db") ?? "", fields.Text("collection") ?? "", fields.Text("type") == Timeseries));
                break;
            default:
                BeginBlock(fields);
                break;
        }
    }

    void BeginBlock(BsonFields header)
    {
        _state = State.Block;
        var key = Key(header.Text("db") ?? "", header.Text("collection") ?? "");
        if (!_collections.TryGetValue(key, out _current))
        {
            _collections.Add(key, _current = new Collection());
        }
        else if (_current.HasEnded)
        {
            _damage = $"collection {key} ends twice";
        }

        if (header.Number("EOF") != 0)
        {
            _current.HasEnded = true;
            _damage ??= (ulong)header.Number("CRC") == _current.Crc.Value ? null : $"the checksum of collection {key} is wrong";
        }
    }

    static string Key(string database, string collection) => database.Length == 0 ? collection : $"{database}.{collection}";

    sealed class Collection
    {
        public Crc64 Crc;

        public long Documents { get; set; }

        public bool HasEnded { get; set; }
    }
}
