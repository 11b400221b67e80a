using System.Globalization;
using System.Text.Json;
using Pitr.Format.Catalog;
using Pitr.Format.Wal;

namespace Pitr.Format.Manifests;

/// <summary>One line of a manifest as JSON: all members that any line can have, then picked by type.</summary>
sealed class ManifestLine
{
    // In the order of the cases below.
    static readonly byte[][] Members =
    [
        "type"u8.ToArray(), "path"u8.ToArray(), "mode"u8.ToArray(), "status"u8.ToArray(), "owner"u8.ToArray(),
        "group"u8.ToArray(), "size"u8.ToArray(), "runs"u8.ToArray(), "modified"u8.ToArray(), "target"u8.ToArray(),
        "special"u8.ToArray(), "attributes"u8.ToArray(), "format"u8.ToArray(), "service"u8.ToArray(), "backup-id"u8.ToArray(),
        "system-identifier"u8.ToArray(), "timeline"u8.ToArray(), "start-lsn"u8.ToArray(), "page-size"u8.ToArray(), "checksum-version"u8.ToArray(),
        "index"u8.ToArray(), "number"u8.ToArray(), "sha256"u8.ToArray(), "salt"u8.ToArray(), "kind"u8.ToArray(),
        "packs"u8.ToArray(), "entries"u8.ToArray(),
    ];

    static string LastOwner = "";
    static string LastGroup = "";
    static string LastMode = "";

    string? _service;
    string? _backupId;
    string? _systemIdentifier;
    string? _startLsn;
    string? _sha256;
    string? _salt;
    string? _path;
    string? _mode;
    string? _modified;
    string? _target;
    long? _format;
    long? _timeline;
    long? _pageSize;
    long? _checksumVersion;
    long? _index;
    long? _number;
    long? _size;
    long? _packs;
    long? _entries;
    List<ManifestRun>? _runs;
    string? _kind;
    string? _owner;
    string? _group;
    string? _special;
    long[]? _status;
    List<FileAttribute>? _attributes;

    public string? Type { get; private set; }

    /// <exception cref="JsonException">Not one JSON object, or a member has the wrong type.</exception>
    public static ManifestLine Parse(ReadOnlySpan<byte> utf8)
    {
        var line = new ManifestLine();
        var reader = new Utf8JsonReader(utf8);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("expected a JSON object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            line.TakeMember(ref reader);
        }

        if (reader.Read())
        {
            throw new JsonException("more than one value");
        }

        return line;
    }

    public int Format() => (int)Math.Min(int.MaxValue, Required(_format, "format", 1, long.MaxValue));

    public ManifestHeader ToHeader() => new(
        Format(),
        Required(_service, "service"),
        Required(_backupId, "backup-id"),
        ulong.TryParse(Required(_systemIdentifier, "system-identifier"), NumberStyles.None, CultureInfo.InvariantCulture, out var identifier)
            ? identifier
            : throw new JsonException("system-identifier is not a decimal number"),
        (uint)Required(_timeline, "timeline", 0, uint.MaxValue),
        Lsn.TryParse(Required(_startLsn, "start-lsn"), out var lsn) ? lsn : throw new JsonException("start-lsn is not an LSN"),
        (int)Required(_pageSize, "page-size", 0, int.MaxValue),
        (uint)Required(_checksumVersion, "checksum-version", 0, uint.MaxValue))
    {
        Kind = _kind ?? "postgres",
    };

    public ManifestPack ToPack() => new(
        (int)Required(_index, "index", 0, int.MaxValue),
        Required(_backupId, "backup-id"),
        (int)Required(_number, "number", 0, int.MaxValue),
        Required(_size, "size", 0, long.MaxValue),
        Required(_sha256, "sha256"))
    {
        Salt = _salt,
    };

    public ManifestEntry ToEntry(ManifestEntryKind kind) => new()
    {
        Path = Required(_path, "path"),
        Kind = kind,
        Mode = ParseMode(Required(_mode, "mode")),
        Modified = _status is not null && _modified is null ? FileMetadata.ToTime(_status[0], _status[1])
            : UtcTimeConverter.TryParse(Required(_modified, "modified"), out var modified) ? modified : throw new JsonException("modified is not a time"),
        Target = kind is ManifestEntryKind.Link or ManifestEntryKind.HardLink ? Required(_target, "target") : null,
        Size = kind == ManifestEntryKind.File ? Required(_size, "size", 0, long.MaxValue) : 0,
        Runs = kind != ManifestEntryKind.File ? [] : _runs ?? throw new JsonException("runs is missing"),
        Metadata = ToMetadata(),
    };

    FileMetadata? ToMetadata()
    {
        if (_status is not { } status)
        {
            return null;
        }

        if (_special is not null && !FileMetadata.Specials.Contains(_special))
        {
            throw new JsonException("special is no word that this program knows");
        }

        return new FileMetadata
        {
            ModifiedSeconds = status[0],
            ModifiedNanoseconds = (int)Required(status[1], "status", 0, 999_999_999),
            ChangedSeconds = status[2],
            ChangedNanoseconds = (int)Required(status[3], "status", 0, 999_999_999),
            Inode = unchecked((ulong)status[4]),
            Owner = (uint)Required(status[5], "status", 0, uint.MaxValue),
            Group = (uint)Required(status[6], "status", 0, uint.MaxValue),
            DeviceMajor = (uint)Required(status[7], "status", 0, uint.MaxValue),
            DeviceMinor = (uint)Required(status[8], "status", 0, uint.MaxValue),
            OwnerName = _owner,
            GroupName = _group,
            Special = _special,
            Attributes = _attributes ?? (IReadOnlyList<FileAttribute>)[],
        };
    }

    /// <summary>Counts of the end line.</summary>
    public (long Packs, long Entries) ToEnd() => (Required(_packs, "packs", 0, long.MaxValue), Required(_entries, "entries", 0, long.MaxValue));

    static string Required(string? value, string name) => value ?? throw new JsonException($"{name} is missing");

    static long Required(long? value, string name, long minimum, long maximum) =>
        value is { } number && number >= minimum && number <= maximum ? number : throw new JsonException($"{name} is missing or out of range");

    static int ParseMode(string text)
    {
        if (text.Length is 0 or > 5 || text.AsSpan().ContainsAnyExceptInRange('0', '7'))
        {
            throw new JsonException("mode is not an octal number");
        }

        return Convert.ToInt32(text, 8);
    }

    static long Integer(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value) ? value : throw new JsonException("expected an integer");

    static string? Text(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString() : throw new JsonException("expected a string");

    static long[] Status(ref Utf8JsonReader reader)
    {
        var numbers = new long[9];
        var count = 0;
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray && count < numbers.Length)
            {
                numbers[count++] = Integer(ref reader);
            }
        }

        return reader.TokenType == JsonTokenType.EndArray && count == numbers.Length ? numbers : throw new JsonException("status does not have nine numbers");
    }

    static List<FileAttribute> Attributes(ref Utf8JsonReader reader)
    {
        var attributes = new List<FileAttribute>();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("attributes is not an object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            attributes.Add(reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out var value)
                ? new FileAttribute(name, value)
                : throw new JsonException("an attribute is not Base64"));
        }

        return attributes;
    }

    // Neighbours mostly say the same. Whoever reads at the same time at worst makes a string of its own.
    static string? Shared(ref Utf8JsonReader reader, ref string last)
    {
        // Once: the next look may find another thread's.
        var known = last;
        if (reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(known))
        {
            return known;
        }

        return Text(ref reader) is { } text ? last = text : null;
    }

    static List<ManifestRun> Runs(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException("runs is not an array");
        }

        var runs = new List<ManifestRun>();
        Span<long> numbers = stackalloc long[6];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartArray)
        {
            var count = 0;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray && count < numbers.Length)
            {
                numbers[count++] = Integer(ref reader);
            }

            if (reader.TokenType != JsonTokenType.EndArray || count is not (1 or 6))
            {
                throw new JsonException("a run has neither one nor six numbers");
            }

            runs.Add(Run(numbers, count));
        }

        return reader.TokenType == JsonTokenType.EndArray ? runs : throw new JsonException("runs holds something other than arrays");
    }

    static ManifestRun Run(ReadOnlySpan<long> numbers, int count)
    {
        if (count == 1)
        {
            return ManifestRun.Zeros(numbers[0]);
        }

        if (numbers[1] is < 0 or > int.MaxValue || numbers[2] is < 0 or > int.MaxValue || numbers[4] is < 0 or > int.MaxValue
            || numbers[5] is < 0 or > int.MaxValue)
        {
            throw new JsonException("a run has a number out of range");
        }

        return new ManifestRun(numbers[0], (int)numbers[1], (int)numbers[2], numbers[3], (int)numbers[4], (int)numbers[5]);
    }

    void TakeMember(ref Utf8JsonReader reader)
    {
        // By frequency. The name is compared where it lies: a string of each would be most of what a large manifest allocates.
        var member = -1;
        for (var i = 0; i < Members.Length; i++)
        {
            if (reader.ValueTextEquals(Members[i]))
            {
                member = i;
                break;
            }
        }

        reader.Read();
        switch (member)
        {
            case 0: Type = Text(ref reader); break; // type
            case 1: _path = Text(ref reader); break; // path
            case 2: _mode = Shared(ref reader, ref LastMode); break; // mode
            case 3: _status = Status(ref reader); break; // status
            case 4: _owner = Shared(ref reader, ref LastOwner); break; // owner
            case 5: _group = Shared(ref reader, ref LastGroup); break; // group
            case 6: _size = Integer(ref reader); break; // size
            case 7: _runs = Runs(ref reader); break; // runs
            case 8: _modified = Text(ref reader); break; // modified
            case 9: _target = Text(ref reader); break; // target
            case 10: _special = Text(ref reader); break; // special
            case 11: _attributes = Attributes(ref reader); break; // attributes
            case 12: _format = Integer(ref reader); break; // format
            case 13: _service = Text(ref reader); break; // service
            case 14: _backupId = Text(ref reader); break; // backup-id
            case 15: _systemIdentifier = Text(ref reader); break; // system-identifier
            case 16: _timeline = Integer(ref reader); break; // timeline
            case 17: _startLsn = Text(ref reader); break; // start-lsn
            case 18: _pageSize = Integer(ref reader); break; // page-size
            case 19: _checksumVersion = Integer(ref reader); break; // checksum-version
            case 20: _index = Integer(ref reader); break; // index
            case 21: _number = Integer(ref reader); break; // number
            case 22: _sha256 = Text(ref reader); break; // sha256
            case 23: _salt = Text(ref reader); break; // salt
            case 24: _kind = Text(ref reader); break; // kind
            case 25: _packs = Integer(ref reader); break; // packs
            case 26: _entries = Integer(ref reader); break; // entries
            default: reader.Skip(); break;
        }
    }
}
