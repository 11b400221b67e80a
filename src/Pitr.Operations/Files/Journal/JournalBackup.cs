using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Format.Manifests;
using Pitr.Operations.Backup;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;

namespace Pitr.Operations.Files.Journal;

/// <summary>
/// The systemd journal in a backup of files: what earlier backups hold of it is taken over, and what has come since is exported by journalctl, straight into packs. Begins behind the last entry that is
/// stored; where the journal does not have that one any more, all of it is read, what is stored already is left out, and the gap is named.
/// </summary>
sealed class JournalBackup
{
    const int Private = 0x180;
    const int PrivateDirectory = 0x1C0;
    const int MostGaps = 100;
    const int MostMessages = 10;

    readonly FilesService _service;
    readonly JournalSettings _settings;
    readonly FilesAssembly _assembly;
    readonly BackupId _id;
    readonly JournalTool _tool;

    JournalBackup(FilesService service, JournalSettings settings, FilesAssembly assembly, BackupId id, JournalTool tool) =>
        (_service, _settings, _assembly, _id, _tool) = (service, settings, assembly, id, tool);

    /// <summary>Looks whether the journal can be read, before anything is stored.</summary>
    /// <exception cref="ServerException">There is no journalctl.</exception>
    /// <exception cref="ImpossiblePlanException">There is no journal.</exception>
    /// <exception cref="RefusedInputException">A part of it cannot be read.</exception>
    public static JournalBackup Prepare(FilesService service, JournalSettings settings, FilesAssembly assembly, BackupId id)
    {
        JournalPlace.RequireFree(service.Settings);
        var tool = new JournalTool(settings);
        JournalFiles.RequireReadable(settings);
        return new JournalBackup(service, settings, assembly, id, tool);
    }

    /// <summary>A time of the journal.</summary>
    /// <param name="microseconds">Since 1970.</param>
    public static DateTimeOffset TimeOf(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>Reads it into the backup.</summary>
    /// <returns>What the backup holds of it.</returns>
    /// <exception cref="ServerException">journalctl failed, or what it wrote is not whole.</exception>
    public Task<JournalRecord> RunAsync(CancellationToken cancellation) => Task.Run(() => ReadAsync(cancellation), cancellation);

    async Task<JournalRecord> ReadAsync(CancellationToken cancellation)
    {
        var now = _service.Clock.GetUtcNow();
        var stored = await StoredJournal.FindNewestAsync(_service, _assembly.Basis?.Document.Id, cancellation);
        var before = stored?.Record ?? new JournalRecord();
        _assembly.Add(JournalPlace.Directory, ManifestEntryKind.Directory, PrivateDirectory, now, JournalPlace.Metadata(now), null);
        using var packer = new FilePacker(_assembly);
        var parts = new List<JournalPart>();
        foreach (var group in JournalParts.Plan(before.Parts, now, _settings.Keep))
        {
            parts.AddRange(await TakeOverAsync(packer, stored!, group, cancellation));
        }

        var record = await ExportAsync(packer, before, NextNumber(before), parts, cancellation);
        await packer.FlushAsync();
        return record with { Parts = parts, Entries = parts.Sum(static part => part.Entries), Gaps = [.. record.Gaps.Where(gap => (gap.Before ?? now) >= now - _settings.Keep).TakeLast(MostGaps)] };
    }

    static int NextNumber(JournalRecord before) => before.Parts.Count == 0 ? 1 : before.Parts[^1].Number + before.Parts[^1].Backups;

    // Several become one by being stored anew. A part that cannot be had does not take others with it.
    async Task<IReadOnlyList<JournalPart>> TakeOverAsync(FilePacker packer, StoredJournal stored, IReadOnlyList<JournalPart> parts, CancellationToken cancellation)
    {
        if (parts.Count > 1)
        {
            try
            {
                return [await CopyAsync(packer, stored, parts, cancellation)];
            }
            catch (DamagedRepositoryException e)
            {
                _service.Log.Warning("{Count} parts of the journal stay as they are: {Reason}", parts.Count, e.Message);
            }
        }

        var taken = new List<JournalPart>();
        foreach (var part in parts)
        {
            if (await TakeOverAsync(packer, stored, part, cancellation))
            {
                taken.Add(part);
            }
        }

        return taken;
    }

    async Task<bool> TakeOverAsync(FilePacker packer, StoredJournal stored, JournalPart part, CancellationToken cancellation)
    {
        if (_assembly.Basis is { } basis && basis.Document.Id == stored.BackupId && basis.FindEntry(part.Path[1..]) is { } known && basis.RunsOf(known) is { } runs)
        {
            var entry = NewEntry();
            packer.AddStored(entry, runs);
            Add(entry, part);
            _assembly.CountUnchanged();
            return true;
        }

        try
        {
            // The pack is mostly dead, or everything is to be stored anew.
            await CopyAsync(packer, stored, [part], cancellation);
            return true;
        }
        catch (DamagedRepositoryException e)
        {
            _assembly.Unreadable(part.Path[1..], e.Message);
            return false;
        }
    }

    async Task<JournalPart> CopyAsync(FilePacker packer, StoredJournal stored, IReadOnlyList<JournalPart> parts, CancellationToken cancellation)
    {
        var entry = NewEntry();
        var isWhole = false;
        try
        {
            foreach (var part in parts)
            {
                await packer.AddAsync(entry, await stored.OpenAsync(part, cancellation), cancellation);
            }

            var (first, last) = (parts.Min(static part => part.First), parts.Max(static part => part.Last));
            var one = new JournalPart(
                parts.Count == 1 ? parts[0].Path : "/" + JournalPlace.PathOf(parts[0].Number, first, last),
                parts[0].Number,
                parts.Sum(static part => part.Backups),
                parts.Sum(static part => part.Entries),
                entry.Length,
                first,
                last);
            Add(entry, one);
            isWhole = true;
            return one;
        }
        finally
        {
            if (!isWhole)
            {
                // What was read is in records, and in no file.
                _assembly.Count(-entry.Length, 0);
            }
        }
    }

    async Task<JournalRecord> ExportAsync(FilePacker packer, JournalRecord before, int number, List<JournalPart> parts, CancellationToken cancellation)
    {
        await using var reading = await OpenAsync(before, cancellation);
        var filter = reading.Filter;
        var entry = NewEntry();
        await packer.AddAsync(entry, reading.Stream, cancellation);
        if (filter.OtherMachineId is { } other)
        {
            throw new ImpossiblePlanException(
                $"the journal holds entries of machine {filter.MachineId} and of machine {other}, and what comes late from one of them would be lost",
                "one service for each: journal.directory with the directory of one machine; nothing was stored");
        }

        if (filter.Taken > 0)
        {
            var (from, to) = (TimeOf(filter.First!.Value), TimeOf(filter.Last!.Value));
            var part = new JournalPart("/" + JournalPlace.PathOf(number, from, to), number, 1, filter.Taken, entry.Length, from, to);
            Add(entry, part);
            parts.Add(part);
        }

        var gaps = before.Gaps;
        if (reading.IsGap)
        {
            var gap = new JournalGap(_id.ToString())
            {
                After = JournalCursor.TryParse(before.Cursor!, out var last) ? TimeOf(last.Time) : null,
                Before = filter.Foremost is { } foremost ? TimeOf(foremost) : null,
            };
            _service.Log.Warning("the journal does not have the last entry any more that is stored, of {After}: what came next may be missing", gap.After);
            // One that is still open is the same one.
            gaps = [.. gaps.Where(known => known.Before is not null || known.After != gap.After), gap];
        }

        return before with
        {
            Cursor = filter.LastCursor ?? before.Cursor,
            Added = filter.Taken,
            Sequences = reading.Sequences.ToRecord(),
            Gaps = gaps,
            // File names may be in them, which may hold anything.
            Messages = [.. reading.Stream.Messages.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).TakeLast(MostMessages).Select(static line => EscapedBytes.ToText(Encoding.UTF8.GetBytes(line)))],
        };
    }

    // The stream of what is not stored yet, and whether something before it may be missing.
    async Task<JournalReading> OpenAsync(JournalRecord before, CancellationToken cancellation)
    {
        if (before.Cursor is { } cursor)
        {
            var following = new JournalReading(_tool.Export(cursor), before.Sequences, found => found != cursor) { IsGap = false };
            try
            {
                await following.Stream.PeekAsync(cancellation);
                if (following.Filter.FirstCursor == cursor || await IsThereAsync(cursor, cancellation))
                {
                    return following;
                }
            }
            catch
            {
                await following.DisposeAsync();
                throw;
            }

            await following.DisposeAsync();
        }

        var stored = new JournalSequences(before.Sequences);
        return new JournalReading(_tool.Export(null), before.Sequences, found => !stored.Holds(found)) { IsGap = before.Cursor is not null };
    }

    // Whether the journal has an entry; among those that are meant it need not be, when others are meant now.
    async Task<bool> IsThereAsync(string cursor, CancellationToken cancellation)
    {
        var filter = new JournalFilter(static _ => false);
        await using var stream = new JournalStream(_tool.ExportAny(cursor), filter);
        await stream.PeekAsync(cancellation);
        return filter.FirstCursor == cursor;
    }

    static PendingEntry NewEntry() => new("", ManifestEntryKind.File, Private, default, null);

    void Add(PendingEntry entry, JournalPart part)
    {
        (entry.Path, entry.Modified, entry.Metadata) = (part.Path[1..], part.Last, JournalPlace.Metadata(part.Last));
        entry.Close();
        _assembly.Add(entry, isFile: true);
    }
}
