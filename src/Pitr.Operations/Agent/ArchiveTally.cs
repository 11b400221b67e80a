using Pitr.Format.Wal;

namespace Pitr.Operations.Agent;

/// <summary>What an agent has done since its start. Safe for use from several threads.</summary>
public sealed class ArchiveTally
{
    long _pushed;
    long _failed;
    long _got;
    string? _last;

    /// <summary>Files that PostgreSQL was told are archived.</summary>
    public long Archived => Interlocked.Read(ref _pushed);

    /// <summary>Pushes that were answered with an error.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Files that were brought back.</summary>
    public long Fetched => Interlocked.Read(ref _got);

    /// <summary>One line for a person.</summary>
    public override string ToString() =>
        $"archived {Archived} files{(Volatile.Read(ref _last) is { } last ? $", last {last}" : "")}; {Failed} pushes failed; fetched {Fetched} files";

    internal void Pushed(WalFileName name)
    {
        Interlocked.Increment(ref _pushed);
        Volatile.Write(ref _last, name.ToString());
    }

    internal void PushFailed() => Interlocked.Increment(ref _failed);

    internal void Got() => Interlocked.Increment(ref _got);
}
