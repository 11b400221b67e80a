using System.CommandLine;
using Pitr.Operations.Configuration;

namespace Pitr.Cli;

/// <summary>Commands that leave a record in the audit trail of what they are about, however they end.</summary>
static class Audited
{
    /// <summary>The action of a command about one service.</summary>
    /// <param name="name">What the record calls it.</param>
    /// <param name="service">The argument that names the service.</param>
    /// <param name="run">The work.</param>
    public static Func<ParseResult, CancellationToken, Task<int>> Action(
        string name, Argument<string?> service, Func<ParseResult, AuditNotes, CancellationToken, Task<int>> run) =>
        Action(name, (context, parsed) => [new AuditPlace(context.ChooseService(parsed.GetValue(service)), null)], run);

    /// <summary>The action of a command about every service, or the one that is named.</summary>
    /// <param name="name">What the record calls it.</param>
    /// <param name="service">The argument that may name one; null: always every service.</param>
    /// <param name="run">The work.</param>
    public static Func<ParseResult, CancellationToken, Task<int>> ActionOnAll(
        string name, Argument<string?>? service, Func<ParseResult, AuditNotes, CancellationToken, Task<int>> run) =>
        Action(
            name,
            (context, parsed) => service is not null && parsed.GetValue(service) is { } one
                ? [new AuditPlace(one, null)]
                : [.. context.Configuration.Services.Keys.Select(key => new AuditPlace(key, null))],
            run);

    /// <summary>The action of a command about a repository, whatever services are in it.</summary>
    /// <param name="name">What the record calls it.</param>
    /// <param name="repository">The argument that names the repository.</param>
    /// <param name="run">The work.</param>
    public static Func<ParseResult, CancellationToken, Task<int>> ActionOnRepository(
        string name, Argument<string> repository, Func<ParseResult, AuditNotes, CancellationToken, Task<int>> run) =>
        Action(name, (_, parsed) => [new AuditPlace(null, parsed.GetValue(repository)!)], run);

    /// <summary>The action of a command about several services at once: a record in the trail of each.</summary>
    /// <param name="name">What the record calls it.</param>
    /// <param name="services">Which services.</param>
    /// <param name="run">The work.</param>
    public static Func<ParseResult, CancellationToken, Task<int>> ActionOnGroup(
        string name, Func<CommandContext, ParseResult, IReadOnlyList<string>> services, Func<ParseResult, AuditNotes, CancellationToken, Task<int>> run) =>
        Action(name, (context, parsed) => [.. services(context, parsed).Select(service => new AuditPlace(service, null))], run);

    /// <summary>Does what is recorded in the trail of one service, however it ends: a part of a command about several.</summary>
    /// <param name="name">What the record calls it.</param>
    /// <param name="service">The service.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="run">The work; gives its exit code.</param>
    public static Task<int> RunAsync(string name, string service, ParseResult parsed, Func<AuditNotes, Task<int>> run) =>
        RunAsync(new AuditedAction(name, (_, _) => [new AuditPlace(service, null)], parsed), run);

    static Func<ParseResult, CancellationToken, Task<int>> Action(
        string name, Func<CommandContext, ParseResult, IReadOnlyList<AuditPlace>> places, Func<ParseResult, AuditNotes, CancellationToken, Task<int>> run) =>
        (parsed, cancellation) => RunAsync(new AuditedAction(name, places, parsed), notes => run(parsed, notes, cancellation));

    static async Task<int> RunAsync(AuditedAction action, Func<AuditNotes, Task<int>> run)
    {
        var notes = new AuditNotes(action.Token, action.BeginAsync);
        try
        {
            var code = await run(notes);
            await RecordAsync(code, notes.Error);
            return code;
        }
        catch (Exception e) when (e is not ConfigurationException)
        {
            await RecordAsync(ExitCodes.Of(e), e is OperationCanceledException ? "interrupted" : e.Message);
            throw;
        }

        Task RecordAsync(int code, string? error) => notes.ChangedNothing ? Task.CompletedTask : action.EndAsync(notes, code, error);
    }
}
