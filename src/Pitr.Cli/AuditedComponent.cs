using System.CommandLine;
using Pitr.Operations.Groups;
using Pitr.Operations.Restore;

namespace Pitr.Cli;

/// <summary>Restores one service of a group, and leaves a record of that in the service's audit trail.</summary>
/// <param name="inner">What restores it.</param>
/// <param name="group">Id of the group's restore.</param>
/// <param name="parsed">The command line.</param>
sealed class AuditedComponent(IComponentRestore inner, string group, ParseResult parsed) : IComponentRestore
{
    /// <summary>How long the restore took; null when it had not begun.</summary>
    public TimeSpan? Took { get; private set; }

    public Task<ComponentPlan> PrepareAsync(DateTimeOffset? until, string id, IProgress<RestoreProgress>? progress, CancellationToken cancellation) => inner.PrepareAsync(until, id, progress, cancellation);

    public async Task ApplyAsync(ComponentWork work, CancellationToken cancellation)
    {
        var started = CommandContext.Clock.GetTimestamp();
        try
        {
            await Audited.RunAsync("restore", work.Record.Service, parsed, async notes =>
            {
                Describe(notes, work.Record);
                await notes.BeginAsync(cancellation);
                await inner.ApplyAsync(work, cancellation);
                return ExitCodes.Success;
            });
        }
        finally
        {
            Took = CommandContext.Clock.GetElapsedTime(started);
        }
    }

    public async Task<IReadOnlyList<string>> ConfirmAsync(ComponentRecord record, CancellationToken cancellation)
    {
        IReadOnlyList<string> said = [];
        await Audited.RunAsync("restore", record.Service, parsed, async notes =>
        {
            Describe(notes, record);
            notes.Details["confirm"] = "true";
            said = await inner.ConfirmAsync(record, cancellation);
            return ExitCodes.Success;
        });
        return said;
    }

    public async Task<IReadOnlyList<string>> RollBackAsync(ComponentWork work, bool keepsRestored)
    {
        IReadOnlyList<string> said = [];
        await Audited.RunAsync("restore", work.Record.Service, parsed, async notes =>
        {
            Describe(notes, work.Record);
            notes.Details["roll-back"] = "true";
            said = await inner.RollBackAsync(work, keepsRestored);
            return ExitCodes.Success;
        });
        return said;
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    void Describe(AuditNotes notes, ComponentRecord record)
    {
        notes.Subject = record.Moves.Count > 0 ? AuditNotes.Text([.. record.Moves.Select(m => m.Place)]) : record.InPlaceId;
        notes.Details["group"] = group;
        notes.Details["backup"] = record.Backup;
    }
}
