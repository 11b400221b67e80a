using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Operations.Audit;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Cli;

/// <summary>One run of a command that leaves records in audit trails.</summary>
/// <param name="name">What the records call it.</param>
/// <param name="places">Whose trails.</param>
/// <param name="parsed">The command line.</param>
sealed class AuditedAction(string name, Func<CommandContext, ParseResult, IReadOnlyList<AuditPlace>> places, ParseResult parsed)
{
    // The work waits for it; in a disaster the repository that does not answer may be what it is about.
    static readonly TimeSpan BeginPatience = TimeSpan.FromSeconds(5);

    // The work is done, or has failed; nobody waits long for a repository that does not take the record.
    static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(15);

    readonly DateTimeOffset _started = Now();

    /// <summary>What the ids of its records have in common.</summary>
    public string Token { get; } = AuditTrail.NewToken();

    static string User =>
        Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } caller ? $"{Environment.UserName} ({caller})" : Environment.UserName;

    /// <summary>Records that it begins. The work goes on also when no repository takes that.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    public Task BeginAsync(AuditNotes notes, CancellationToken cancellation) => WriteAsync(
        BeginPatience,
        reason => $"that this {name} began is missing in the audit trail: {reason}",
        (trail, place, token) => trail.BeginAsync(
            new AuditBeginning
            {
                Id = AuditTrail.IdOf(_started, Token),
                Service = place.Service,
                Repository = place.Repository,
                Action = name,
                Started = _started,
                Host = Environment.MachineName,
                User = User,
                PitrVersion = CommandContext.Version,
                Process = AuditedProcess.Current(),
                Subject = notes.Subject,
                Details = notes.Details,
            },
            token),
        cancellation);

    /// <summary>Records how it ended.</summary>
    /// <param name="notes">What it says of itself.</param>
    /// <param name="code">Its exit code.</param>
    /// <param name="error">The error's text; null when there was none.</param>
    public Task EndAsync(AuditNotes notes, int code, string? error)
    {
        var ended = Now();
        return WriteAsync(
            EndPatience,
            reason => $"this {name} is missing in the audit trail: {reason}",
            (trail, place, token) => trail.WriteAsync(
                new AuditRecord
                {
                    Id = AuditTrail.IdOf(ended, Token),
                    Service = place.Service,
                    Repository = place.Repository,
                    Action = name,
                    Started = _started,
                    Ended = ended,
                    Host = Environment.MachineName,
                    User = User,
                    PitrVersion = CommandContext.Version,
                    Subject = notes.Subject,
                    ExitCode = code,
                    Error = error,
                    Details = notes.Details,
                },
                token),
            CancellationToken.None);
    }

    // Input and output: a state directory that cannot take what a repository is owed.
    static bool IsOfTheTrail(Exception e) =>
        e is StorageException or OperationException or OperationCanceledException or ConfigurationException or UnsupportedFormatException or DamagedObjectException
            or IOException or UnauthorizedAccessException;

    // To the millisecond, as the ids have it.
    static DateTimeOffset Now()
    {
        var now = CommandContext.Clock.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMillisecond));
    }

    async Task WriteAsync(TimeSpan patience, Func<string, string> missing, Func<AuditTrail, AuditPlace, CancellationToken, Task> write, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience);
        using var context = new CommandContext(parsed);
        try
        {
            foreach (var place in places(context, parsed))
            {
                await place.UseAsync(context, async trail =>
                {
                    await write(trail, place, limit.Token);
                    return true;
                });
            }
        }
        catch (Exception e) when (IsOfTheTrail(e) && !cancellation.IsCancellationRequested)
        {
            // It must neither undo nor hide how the work itself ends.
            Console.Error.WriteLine($"pitr: {missing(e is OperationCanceledException ? $"the repository took longer than {Texts.Span(patience)}" : e.Message)}");
        }
    }
}
