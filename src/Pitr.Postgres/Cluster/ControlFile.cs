using System.Buffers.Binary;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Cluster;

/// <summary>
/// <c>global/pg_control</c> of a cluster of PostgreSQL 14 to 18 (ControlFileData of src/include/catalog/pg_control.h in each of them).
/// </summary>
public sealed record ControlFile
{
    /// <summary>Path below the data directory.</summary>
    public const string RelativePath = "global/pg_control";

    /// <summary>Bytes on disk, of which fewer than 300 mean something.</summary>
    public const int FileSize = 8192;

    const int ReadAttempts = 10;

    public required ulong SystemIdentifier { get; init; }

    /// <summary>1300 for PostgreSQL 14 to 16, 1700, 1800.</summary>
    public required int ControlVersion { get; init; }

    /// <summary>The date-like number of the system catalogs' layout, one per major version.</summary>
    public required int CatalogVersion { get; init; }

    /// <summary>14 to 18.</summary>
    public required int MajorVersion { get; init; }

    public required ClusterState State { get; init; }

    /// <summary>When the file was written last, by the server's clock, in whole seconds.</summary>
    public required DateTimeOffset Modified { get; init; }

    /// <summary>Where the last checkpoint's record is.</summary>
    public required Lsn CheckpointLsn { get; init; }

    /// <summary>Where replay from the last checkpoint begins.</summary>
    public required Lsn RedoLsn { get; init; }

    /// <summary>Timeline of the last checkpoint.</summary>
    public required Timeline Timeline { get; init; }

    /// <summary>Time of the last checkpoint, in whole seconds.</summary>
    public required DateTimeOffset CheckpointTime { get; init; }

    /// <summary>In archive recovery: the cluster is consistent from here on; <see cref="Lsn.Invalid"/> otherwise.</summary>
    public required Lsn MinRecoveryPoint { get; init; }

    /// <summary>A backup-end record must be replayed before the cluster may start.</summary>
    public required bool BackupEndRequired { get; init; }

    public required WalSegmentSize WalSegmentSize { get; init; }

    /// <summary>Bytes in a data page, 8192 unless PostgreSQL was built otherwise.</summary>
    public required int PageSize { get; init; }

    /// <summary>Pages in one file of a relation; files of larger relations continue in <c>.1</c>, <c>.2</c>, ….</summary>
    public required int PagesPerFile { get; init; }

    /// <summary>0: data pages carry no checksums.</summary>
    public required uint ChecksumVersion { get; init; }

    public required int MaxConnections { get; init; }

    public required int MaxWorkerProcesses { get; init; }

    public required int MaxWalSenders { get; init; }

    public required int MaxPreparedTransactions { get; init; }

    public required int MaxLocksPerTransaction { get; init; }

    public required bool TrackCommitTimestamp { get; init; }

    /// <summary>Reads the control file of a data directory.</summary>
    /// <exception cref="ServerException">Not there, not readable, damaged, or of an unsupported version.</exception>
    public static ControlFile ReadFrom(string dataDirectory) => Read(Path.Combine(dataDirectory, RelativePath));

    /// <summary>Reads a control file. A running server may be writing it: a torn read is tried again before it counts as damage.</summary>
    /// <exception cref="ServerException">Not there, not readable, damaged, or of an unsupported version.</exception>
    public static ControlFile Read(string path)
    {
        try
        {
            var content = File.ReadAllBytes(path);
            for (var attempt = 1; attempt < ReadAttempts && IsTorn(content); attempt++)
            {
                content = File.ReadAllBytes(path);
            }

            return Parse(content);
        }
        catch (ServerException e)
        {
            throw new ServerException($"{path}: {e.Message}", e.Hint, e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ServerException($"no control file {path}", "is this the data directory of a PostgreSQL cluster?", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new ServerException($"cannot read control file {path}: {e.Message}", "run as the user that owns the data directory", e);
        }
    }

    /// <summary>Parses the file's content; at least the first 296 bytes.</summary>
    /// <exception cref="ServerException">Too short, checksum wrong, unsupported version, or impossible values.</exception>
    public static ControlFile Parse(ReadOnlySpan<byte> content)
    {
        if (content.Length < ControlFileLayout.SmallestSize)
        {
            throw new ServerException($"damaged control file: {content.Length} bytes, expected {FileSize}");
        }

        var controlVersion = BinaryPrimitives.ReadInt32LittleEndian(content[8..]);
        var catalogVersion = BinaryPrimitives.ReadInt32LittleEndian(content[12..]);
        var layout = ControlFileLayout.For(controlVersion)
            ?? throw new ServerException(
                $"control file of version {controlVersion} (catalog {catalogVersion}) is not of PostgreSQL 14 to 18",
                "the cluster is of another major version, or the file is not a control file");
        var (stored, computed) = Checksums(content, layout);
        if (stored != computed)
        {
            throw new ServerException($"damaged control file: checksum {stored:X8} stored, {computed:X8} computed");
        }

        var majorVersion = ControlFileLayout.MajorVersion(catalogVersion)
            ?? throw new ServerException(
                $"control file with catalog version {catalogVersion} is of no release of PostgreSQL 14 to 18",
                "development and beta versions are not supported");
        return ReadFields(content, controlVersion, catalogVersion, majorVersion, layout);
    }

    static bool IsTorn(ReadOnlySpan<byte> content)
    {
        if (content.Length < ControlFileLayout.SmallestSize || ControlFileLayout.For(BinaryPrimitives.ReadInt32LittleEndian(content[8..])) is not { } layout)
        {
            return false;
        }

        var (stored, computed) = Checksums(content, layout);
        return stored != computed;
    }

    static (uint Stored, uint Computed) Checksums(ReadOnlySpan<byte> content, ControlFileLayout layout) => (
        BinaryPrimitives.ReadUInt32LittleEndian(content[layout.ChecksumOffset..]),
        Crc32C.Finish(Crc32C.Append(Crc32C.Start, content[..layout.ChecksumOffset])));

    static ControlFile ReadFields(ReadOnlySpan<byte> content, int controlVersion, int catalogVersion, int majorVersion, ControlFileLayout layout)
    {
        var segmentSize = BinaryPrimitives.ReadUInt32LittleEndian(content[228..]);
        if (!Format.Wal.WalSegmentSize.IsValid(segmentSize))
        {
            throw new ServerException($"damaged control file: WAL segment size of {segmentSize} bytes");
        }

        return new ControlFile
        {
            SystemIdentifier = BinaryPrimitives.ReadUInt64LittleEndian(content),
            ControlVersion = controlVersion,
            CatalogVersion = catalogVersion,
            MajorVersion = majorVersion,
            State = (ClusterState)BinaryPrimitives.ReadInt32LittleEndian(content[16..]),
            Modified = ReadTime(content[24..]),
            CheckpointLsn = ReadLsn(content[32..]),
            RedoLsn = ReadLsn(content[40..]),
            Timeline = new Timeline(BinaryPrimitives.ReadUInt32LittleEndian(content[48..])),
            CheckpointTime = ReadTime(content[104..]),
            MinRecoveryPoint = ReadLsn(content[136..]),
            BackupEndRequired = content[168] != 0,
            MaxConnections = BinaryPrimitives.ReadInt32LittleEndian(content[180..]),
            MaxWorkerProcesses = BinaryPrimitives.ReadInt32LittleEndian(content[184..]),
            MaxWalSenders = BinaryPrimitives.ReadInt32LittleEndian(content[188..]),
            MaxPreparedTransactions = BinaryPrimitives.ReadInt32LittleEndian(content[192..]),
            MaxLocksPerTransaction = BinaryPrimitives.ReadInt32LittleEndian(content[196..]),
            TrackCommitTimestamp = content[200] != 0,
            PageSize = BinaryPrimitives.ReadInt32LittleEndian(content[216..]),
            PagesPerFile = BinaryPrimitives.ReadInt32LittleEndian(content[220..]),
            WalSegmentSize = Format.Wal.WalSegmentSize.From((int)segmentSize),
            ChecksumVersion = BinaryPrimitives.ReadUInt32LittleEndian(content[layout.DataChecksumVersionOffset..]),
        };
    }

    static Lsn ReadLsn(ReadOnlySpan<byte> field) => new(BinaryPrimitives.ReadUInt64LittleEndian(field));

    static DateTimeOffset ReadTime(ReadOnlySpan<byte> field)
    {
        var seconds = BinaryPrimitives.ReadInt64LittleEndian(field);
        return seconds is >= -62_135_596_800 and <= 253_402_300_799
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : throw new ServerException($"damaged control file: time {seconds} is outside the years 1 to 9999");
    }
}
