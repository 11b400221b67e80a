using Pitr.Format.Catalog;
using Pitr.Format.Wal;
using Pitr.Operations.Retention;
using Pitr.Operations.Tests.Repositories;

namespace Pitr.Operations.Tests.Retention;

/// <summary>
/// Years of a cluster's life in hours: WAL, backups, promotions, recoveries to earlier moments, clocks that are wrong, and its end in an upgrade. Knows the true times, and so which
/// moments can be recovered.
/// </summary>
/// <param name="random">What happens.</param>
/// <param name="systemIdentifier">Of the cluster.</param>
/// <param name="begun">When it begins; null: with the scenario.</param>
/// <param name="first">Number of its first segment.</param>
sealed class SimulatedHistory(Random random, ulong systemIdentifier = WalSample.SystemIdentifier, DateTimeOffset? begun = null, ulong first = 0)
{
    public static readonly WalSegmentSize Size = WalSegmentSize.From(16 << 20);

    readonly List<Branch> _branches = [new Branch(1, null, first)];
    readonly List<(BackupDocument Document, DateTimeOffset End)> _backups = [];

    // Each has its place among the files of its timeline, and when it was stored.
    sealed record Branch(uint Number, Branch? Parent, ulong First)
    {
        public SortedDictionary<ulong, DateTimeOffset> Wal { get; } = [];

        public ulong Next { get; set; } = First;
    }

    public DateTimeOffset Now { get; private set; } = begun ?? Scenario.Start;

    /// <summary>What the server's and this host's clock says too much, or too little.</summary>
    public TimeSpan ClockError { get; set; }

    public IReadOnlyList<BackupDocument> Backups => [.. _backups.Select(b => b.Document)];

    public IReadOnlyList<TimelineTrace> Traces =>
        [.. _branches.Where(b => b.Wal.Count > 0).Select(b => new TimelineTrace(new Timeline(b.Number), b.Wal.First().Key, b.Wal.Values.Max(), b.Wal.Last().Value))];

    public IEnumerable<(WalSegmentName Segment, DateTimeOffset Stored)> Wal =>
        _branches.SelectMany(b => b.Wal.Select(file => (WalSegmentName.FromNumber(new Timeline(b.Number), file.Key, Size), file.Value)));

    /// <summary>An hour of work of the primary, and sometimes of an old one that nobody has stopped.</summary>
    public void Work(bool oldPrimaryWorks)
    {
        Now = Now.AddHours(1);
        Write(_branches[^1]);
        if (oldPrimaryWorks && _branches.Count > 1)
        {
            Write(_branches[^2]);
        }
    }

    /// <summary>An hour after its end.</summary>
    public void Rest() => Now = Now.AddHours(1);

    /// <summary>
    /// What pg_upgrade makes of it: another cluster on timeline 1, whose WAL begins where this one's ends (pg_upgrade calls <c>pg_resetwal -l</c>), or anew, as after initdb and a dump.
    /// </summary>
    public SimulatedHistory Upgrade(ulong newSystemIdentifier, bool goesOn) => new(random, newSystemIdentifier, Now, goesOn ? _branches[^1].Next : 1);

    public void TakeBackup(string? pinned = null)
    {
        var branch = _branches[^1];
        var start = branch.Next;
        Write(branch);
        var id = _backups.Count == 0 ? 0 : int.Parse(_backups[^1].Document.Label) + 1;
        var segment = new Timeline(branch.Number);
        _backups.Add((PlantedBackups.Document(id, own: 1, pinned: pinned) with
        {
            Label = $"{id}",
            SystemIdentifier = $"{systemIdentifier}",
            StartWal = WalSegmentName.FromNumber(segment, start, Size).ToString(),
            StopWal = WalSegmentName.FromNumber(segment, branch.Next - 1, Size).ToString(),
            StartLsn = WalSegmentName.FromNumber(segment, start, Size).StartLsn(Size),
            StopLsn = WalSegmentName.FromNumber(segment, branch.Next, Size).StartLsn(Size),
            StopTime = Now + ClockError,
            Timeline = branch.Number,
            DamagedPages = random.Next(20) == 0 ? 1 : 0,
        }, Now));
    }

    /// <summary>A standby takes over, or somebody goes back in time.</summary>
    public void Promote(bool toThePast)
    {
        var from = _branches[^1];
        var at = toThePast && Lineage(from).SelectMany(part => part.Wal.Keys).Distinct().Order().ToArray() is { Length: > 20 } known ? known[^random.Next(1, 20)] : from.Next;
        var parent = Lineage(from).First(b => b.First <= at);
        _branches.Add(new Branch((uint)_branches.Count + 1, parent, at));
        Write(_branches[^1]);
    }

    /// <summary>For each timeline that was written since a moment: the first one from which on all of it can be recovered; null when nothing can.</summary>
    public IReadOnlyDictionary<uint, DateTimeOffset?> RecoverableSince(DateTimeOffset writtenSince) =>
        _branches.Where(b => b.Wal.Count > 0 && b.Wal.Values.Max() >= writtenSince).ToDictionary(b => b.Number, Earliest);

    public void Remove(IReadOnlyCollection<string> backups) => _backups.RemoveAll(b => backups.Contains(b.Document.Id));

    public void Remove(NeededWal needed)
    {
        foreach (var branch in _branches)
        {
            foreach (var number in branch.Wal.Keys.Where(n => !needed.Contains(WalSegmentName.FromNumber(new Timeline(branch.Number), n, Size))).ToArray())
            {
                branch.Wal.Remove(number);
            }
        }
    }

    DateTimeOffset? Earliest(Branch branch)
    {
        // Back from the end, as long as the path has its next segment: on the branch itself, then on what it branched off.
        var unbroken = branch.Next;
        var places = new Dictionary<uint, ulong> { [branch.Number] = branch.Next };
        for (var on = branch; on is not null; on = on.Parent)
        {
            while (unbroken > on.First && on.Wal.ContainsKey(unbroken - 1))
            {
                unbroken--;
            }

            places[on.Number] = unbroken;
            if (unbroken > on.First || on.Parent is null)
            {
                break;
            }

            // The parent holds the first part of the segment of the branch.
            if (on.Parent.Wal.ContainsKey(on.First))
            {
                places[on.Parent.Number] = on.First;
            }
        }

        var branchedAt = new Dictionary<uint, ulong> { [branch.Number] = ulong.MaxValue };
        for (var on = branch; on.Parent is not null; on = on.Parent)
        {
            branchedAt[on.Parent.Number] = on.First;
        }

        return _backups
            .Where(b => places.TryGetValue(b.Document.Timeline, out var from) && WalSegmentName.Parse(b.Document.StartWal).Number(Size) >= from
                && (b.Document.Timeline == branch.Number || b.Document.StopLsn.Value <= branchedAt[b.Document.Timeline] * (ulong)Size.Bytes))
            .Select(b => (DateTimeOffset?)b.End).Min();
    }

    static IEnumerable<Branch> Lineage(Branch branch)
    {
        for (var on = branch; on is not null; on = on.Parent)
        {
            yield return on;
        }
    }

    void Write(Branch branch) => branch.Wal[branch.Next++] = Now;
}
