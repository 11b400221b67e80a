using System.Buffers.Binary;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Tests.Archive.Status;

/// <summary>A data directory with a real pg_control of PostgreSQL 15 (segments of 1 MiB, that is 128 pages) and a pg_wal made here.</summary>
sealed class DataDirectorySample
{
    public static readonly WalSegmentSize Size = WalSample.Small;

    public DataDirectorySample(string path)
    {
        Path = path;
        Directory.CreateDirectory(System.IO.Path.Combine(path, "global"));
        Directory.CreateDirectory(StatusPath);
        File.WriteAllBytes(System.IO.Path.Combine(path, ControlFile.RelativePath), WalSample.Golden("pg_control-15"));
    }

    public string Path { get; }

    public ulong SystemIdentifier => ControlFile.ReadFrom(Path).SystemIdentifier;

    string PgWal => System.IO.Path.Combine(Path, "pg_wal");

    string StatusPath => System.IO.Path.Combine(PgWal, "archive_status");

    public static WalSegmentName Segment(ulong number, uint timeline = 1) => WalSegmentName.FromNumber(new Timeline(timeline), number, Size);

    public PgWalContent Read(TimeProvider clock) => new PgWalDirectory(Path, Size, clock).Read();

    /// <summary>A segment of which some pages are written; the file behind them is a hole, or holds pages of an older segment.</summary>
    public void Write(ulong number, int pages = 128, ulong? content = null, uint timeline = 1, ulong? behind = null)
    {
        using var file = File.Create(System.IO.Path.Combine(PgWal, Segment(number, timeline).ToString()));
        file.SetLength(Size.Bytes);
        WritePages(file, 0, pages, content ?? number, timeline);
        if (behind is { } older)
        {
            WritePages(file, pages, 128, older, timeline);
        }
    }

    static void WritePages(FileStream file, int from, int to, ulong number, uint timeline)
    {
        var header = new byte[40];
        for (var page = from; page < to; page++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(header, 0xD110);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(2), page == 0 ? (ushort)2 : (ushort)0);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), timeline);
            BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), (number * (ulong)Size.Bytes) + ((ulong)page * 8192));
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(32), (uint)Size.Bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(36), 8192);
            file.Position = page * 8192L;
            file.Write(header);
        }
    }

    public void Ready(ulong number, DateTimeOffset since, uint timeline = 1) => Status($"{Segment(number, timeline)}.ready", since);

    public void Done(ulong number, DateTimeOffset since, uint timeline = 1)
    {
        File.Delete(System.IO.Path.Combine(StatusPath, $"{Segment(number, timeline)}.ready"));
        Status($"{Segment(number, timeline)}.done", since);
    }

    public void Status(string name, DateTimeOffset since)
    {
        var path = System.IO.Path.Combine(StatusPath, name);
        File.WriteAllBytes(path, []);
        File.SetLastWriteTimeUtc(path, since.UtcDateTime);
    }
}
