using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Pitr.Operations.Tests.Archive.Prefetch;

/// <summary>A data directory as a recovering PostgreSQL 15 keeps it, with this test as the postmaster.</summary>
sealed class RecoveringDirectory
{
    public RecoveringDirectory(string path, ulong systemIdentifier = WalSample.SystemIdentifier, int segmentBytes = 1 << 20)
    {
        Path = path;
        Directory.CreateDirectory(this["pg_wal"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(this["global"]);
        File.WriteAllText(this["recovery.signal"], "");
        Start(Environment.ProcessId, 1);
        File.WriteAllBytes(this["global/pg_control"], ControlFile(systemIdentifier, segmentBytes));
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Where PostgreSQL wants segments.</summary>
    public string Segment => this["pg_wal/RECOVERYXLOG"];

    /// <summary>Where PostgreSQL wants histories.</summary>
    public string History => this["pg_wal/RECOVERYHISTORY"];

    /// <summary>The server is started (again).</summary>
    public void Start(int processId, int at) =>
        File.WriteAllText(this["postmaster.pid"], string.Create(CultureInfo.InvariantCulture, $"{processId}\n{Path}\n{at}\n5432\n"));

    /// <summary>Recovery is over: the server promotes.</summary>
    public void Promote() => File.Delete(this["recovery.signal"]);

    static byte[] ControlFile(ulong systemIdentifier, int segmentBytes)
    {
        var content = new byte[8192];
        BinaryPrimitives.WriteUInt64LittleEndian(content, systemIdentifier);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(8), 1300);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(12), 202209061);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(48), 1);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(216), 8192);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(220), 131072);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(224), 8192);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(228), segmentBytes);
        var crc = 0xFFFF_FFFFu;
        foreach (var value in content.AsSpan(0, 288))
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(288), ~crc);
        return content;
    }
}
