using Pitr.Format.Catalog;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Files.Journal;

/// <summary>One run of journalctl into a backup.</summary>
sealed class JournalReading : IAsyncDisposable
{
    /// <param name="program">journalctl, just started; ended with this.</param>
    /// <param name="stored">How far the journal is stored before.</param>
    /// <param name="isNew">Told the cursor of each entry: whether it is not stored yet.</param>
    public JournalReading(ClientProgram program, IReadOnlyList<JournalSequence> stored, Func<string, bool> isNew)
    {
        Sequences = new JournalSequences(stored);
        Filter = new JournalFilter(cursor =>
        {
            var taken = isNew(cursor);
            if (taken)
            {
                Sequences.Add(cursor);
            }

            return taken;
        });
        Stream = new JournalStream(program, Filter);
    }

    /// <summary>Whether entries may be missing between those that are stored and these.</summary>
    public required bool IsGap { get; init; }

    /// <summary>Chooses the entries.</summary>
    public JournalFilter Filter { get; }

    /// <summary>The entries.</summary>
    public JournalStream Stream { get; }

    /// <summary>How far the journal is stored with those that were read so far.</summary>
    public JournalSequences Sequences { get; }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
