using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Operations.Audit;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Storage;

namespace Pitr.Cli;

/// <summary>Commands that leave a record in the audit trail of their service, however they end.</summary>
static class Audited
{
    // The work is done, or has failed; nobody waits long for a repository that does not take the record.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>The action of a command about one service.</summary>
    /// <param name="name">What the record calls it.</param>
    /// <param name="service">The argument that names the service.</param>
    /// <param name="run">The work.</param>
    public static Func<ParseResult, CancellationToken, Task<int>> Action(
        string name, Argument<string?> service, Func<ParseResult, AuditNotes, CancellationToken, Task<int>> run) =>
        Action(name, (context, parsed) => [context.ChooseService(parsed.GetValue(service))], run);

    /// <summary>The action of a command about every service.</summary>
    /// <inheritdoc cref="Action(string, Argument{string?}, Func{ParseResult, AuditNotes, CancellationToken, Task{int}})"/>
    public static Func<ParseResult, CancellationToken, Task<int>> ActionOnAll(string name, Func<ParseResult, AuditNotes, CancellationToken, Task<int>> run) =>
        Action(name, (context, _) => [.. context.Configuration.Services.Keys], run);

    static Func<ParseResult, CancellationToken, Task<int>> Action(
        string name, Func<CommandContext, ParseResult, IReadOnlyList<string>> services, Func<ParseResult, AuditNotes, CancellationToken, Task<int>> run) =>
        async (parsed, cancellation) =>
        {
            var notes = new AuditNotes();
            var started = CommandContext.Clock.GetUtcNow();
            try
            {
                var code = await run(parsed, notes, cancellation);
                await RecordAsync(code, null);
                return code;
            }
            catch (Exception e) when (e is not ConfigurationException)
            {
                await RecordAsync(ExitCodes.Of(e), e is OperationCanceledException ? "interrupted" : e.Message);
                throw;
            }

            async Task RecordAsync(int code, string? error)
            {
                if (!notes.ChangedNothing)
                {
                    await WriteAsync(name, services, parsed, notes, started, code, error);
                }
            }
        };

    // To the millisecond, as the id has it.
    static DateTimeOffset Rounded(DateTimeOffset moment) => moment.AddTicks(-(moment.Ticks % TimeSpan.TicksPerMillisecond));

    static async Task WriteAsync(
        string name, Func<CommandContext, ParseResult, IReadOnlyList<string>> services, ParseResult parsed, AuditNotes notes, DateTimeOffset started, int code, string? error)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var context = new CommandContext(parsed);
        try
        {
            foreach (var chosen in services(context, parsed))
            {
                await using var service = context.OpenService(chosen);
                var ended = Rounded(CommandContext.Clock.GetUtcNow());
                await new AuditTrail(service).WriteAsync(
                    new AuditRecord
                    {
                        Id = AuditTrail.NewId(ended),
                        Service = service.Name.Value,
                        Action = name,
                        Started = Rounded(started),
                        Ended = ended,
                        Host = Environment.MachineName,
                        User = Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } caller ? $"{Environment.UserName} ({caller})" : Environment.UserName,
                        PitrVersion = CommandContext.Version,
                        Subject = notes.Subject,
                        ExitCode = code,
                        Error = error,
                        Details = notes.Details,
                    },
                    patience.Token);
            }
        }
        catch (Exception e) when (e is StorageException or OperationException or OperationCanceledException or ConfigurationException or UnsupportedFormatException or DamagedObjectException)
        {
            // It must neither undo nor hide how the work itself ended.
            Console.Error.WriteLine($"pitr: this {name} is missing in the audit trail: {(e is OperationCanceledException ? $"the repository took longer than {Texts.Span(Patience)}" : e.Message)}");
        }
    }
}
