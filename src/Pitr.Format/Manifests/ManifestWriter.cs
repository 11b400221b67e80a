using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Pitr.Format.Catalog;

namespace Pitr.Format.Manifests;

/// <summary>
/// Writes a manifest: one JSON object per line, the header first, then packs and entries in any order, then a line with their counts. The stream
/// is normally a <see cref="Sealing.SealedObjectWriter"/> of kind manifest; completing and disposing it stays with the caller.
/// </summary>
public sealed class ManifestWriter : IDisposable
{
    const int FlushSize = 64 << 10;

    readonly Stream _destination;
    readonly ManifestRules _rules = new();
    readonly ArrayBufferWriter<byte> _buffer = new(FlushSize * 2);
    readonly Utf8JsonWriter _json;
    int _lastMode;
    string _lastModeText = "0";
    bool _headerWritten;
    bool _completed;

    public ManifestWriter(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        _destination = destination;
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true });
    }

    /// <exception cref="InvalidOperationException">The header is already written.</exception>
    public void WriteHeader(ManifestHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (_headerWritten)
        {
            throw new InvalidOperationException("the manifest already has its header");
        }

        _headerWritten = true;
        Begin("header"u8);
        _json.WriteNumber("format"u8, header.Format);
        _json.WriteString("service"u8, header.Service);
        _json.WriteString("backup-id"u8, header.BackupId);
        _json.WriteString("system-identifier"u8, header.SystemIdentifier.ToString(CultureInfo.InvariantCulture));
        _json.WriteNumber("timeline"u8, header.Timeline);
        _json.WriteString("start-lsn"u8, header.StartLsn.ToString());
        _json.WriteNumber("page-size"u8, header.PageSize);
        _json.WriteNumber("checksum-version"u8, header.ChecksumVersion);
        if (header.Kind != "postgres")
        {
            _json.WriteString("kind"u8, header.Kind);
        }

        End();
    }

    /// <exception cref="ArgumentException">The pack is not valid or its index is taken.</exception>
    public void WritePack(ManifestPack pack)
    {
        ArgumentNullException.ThrowIfNull(pack);
        RequireOpen();
        Require(_rules.Add(pack), nameof(pack));
        Begin("pack"u8);
        _json.WriteNumber("index"u8, pack.Index);
        _json.WriteString("backup-id"u8, pack.BackupId);
        _json.WriteNumber("number"u8, pack.Number);
        _json.WriteNumber("size"u8, pack.Size);
        _json.WriteString("sha256"u8, pack.Sha256);
        if (pack.Salt is not null)
        {
            _json.WriteString("salt"u8, pack.Salt);
        }

        End();
    }

    /// <exception cref="ArgumentException">The runs do not add up, or something is out of range.</exception>
    /// <exception cref="DamagedObjectException">The path is not allowed in a manifest.</exception>
    public void WriteEntry(ManifestEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        RequireOpen();
        ManifestPath.Validate(entry.Path);
        Require(_rules.Add(entry), nameof(entry));
        Begin(entry.Kind switch
        {
            ManifestEntryKind.Directory => "directory"u8,
            ManifestEntryKind.File => "file"u8,
            ManifestEntryKind.HardLink => "hard-link"u8,
            ManifestEntryKind.Special => "special"u8,
            _ => "link"u8,
        });
        _json.WriteString("path"u8, entry.Path);
        _json.WriteString("mode"u8, ModeText(entry.Mode));
        if (entry.Metadata is { } metadata)
        {
            Write(metadata);
        }
        else
        {
            _json.WriteString("modified"u8, UtcTimeConverter.ToText(entry.Modified));
        }

        if (entry.Kind is ManifestEntryKind.Link or ManifestEntryKind.HardLink)
        {
            _json.WriteString("target"u8, entry.Target);
        }
        else if (entry.Kind == ManifestEntryKind.File)
        {
            _json.WriteNumber("size"u8, entry.Size);
            WriteRuns(entry.Runs);
        }

        End();
    }

    /// <summary>Writes the end line and hands everything to the stream. Nothing can be written afterwards.</summary>
    /// <exception cref="ArgumentException">Runs refer to a pack that was not written, or beyond its end.</exception>
    public void Complete()
    {
        RequireOpen();
        Require(_rules.Complete(), "packs");
        Begin("end"u8);
        _json.WriteNumber("packs"u8, _rules.Packs);
        _json.WriteNumber("entries"u8, _rules.Entries);
        End();
        Flush();
        _completed = true;
    }

    public void Dispose() => _json.Dispose();

    static void Require(string? problem, string parameter)
    {
        if (problem is not null)
        {
            throw new ArgumentException(problem, parameter);
        }
    }

    void Write(FileMetadata metadata)
    {
        _json.WriteStartArray("status"u8);
        _json.WriteNumberValue(metadata.ModifiedSeconds);
        _json.WriteNumberValue(metadata.ModifiedNanoseconds);
        _json.WriteNumberValue(metadata.ChangedSeconds);
        _json.WriteNumberValue(metadata.ChangedNanoseconds);
        _json.WriteNumberValue(unchecked((long)metadata.Inode));
        _json.WriteNumberValue(metadata.Owner);
        _json.WriteNumberValue(metadata.Group);
        _json.WriteNumberValue(metadata.DeviceMajor);
        _json.WriteNumberValue(metadata.DeviceMinor);
        _json.WriteEndArray();
        if (metadata.OwnerName is not null)
        {
            _json.WriteString("owner"u8, metadata.OwnerName);
        }

        if (metadata.GroupName is not null)
        {
            _json.WriteString("group"u8, metadata.GroupName);
        }

        if (metadata.Special is not null)
        {
            _json.WriteString("special"u8, metadata.Special);
        }

        if (metadata.Attributes.Count > 0)
        {
            _json.WriteStartObject("attributes"u8);
            foreach (var attribute in metadata.Attributes)
            {
                _json.WriteBase64String(attribute.Name, attribute.Value);
            }

            _json.WriteEndObject();
        }
    }

    // Neighbours mostly say the same.
    string ModeText(int mode)
    {
        if (mode != _lastMode)
        {
            (_lastMode, _lastModeText) = (mode, Convert.ToString(mode, 8));
        }

        return _lastModeText;
    }

    void WriteRuns(IReadOnlyList<ManifestRun> runs)
    {
        _json.WriteStartArray("runs"u8);
        for (var i = 0; i < runs.Count; i++)
        {
            var run = runs[i];
            _json.WriteStartArray();
            _json.WriteNumberValue(run.Length);
            if (!run.IsZeros)
            {
                _json.WriteNumberValue(run.Pack);
                _json.WriteNumberValue(run.Record);
                _json.WriteNumberValue(run.PackOffset);
                _json.WriteNumberValue(run.StoredLength);
                _json.WriteNumberValue(run.SliceOffset);
            }

            _json.WriteEndArray();
        }

        _json.WriteEndArray();
    }

    void Begin(ReadOnlySpan<byte> type)
    {
        _json.WriteStartObject();
        _json.WriteString("type"u8, type);
    }

    void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        _json.Reset();
        _buffer.Write("\n"u8);
        if (_buffer.WrittenCount >= FlushSize)
        {
            Flush();
        }
    }

    void Flush()
    {
        _destination.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }

    void RequireOpen()
    {
        if (!_headerWritten || _completed)
        {
            throw new InvalidOperationException(_completed ? "the manifest is already complete" : "the manifest's header must be written first");
        }
    }
}
