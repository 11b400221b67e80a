using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Mysql;

/// <summary>Brings databases back by the vendor's client: into one that is made for it, or into an empty one. Their statements are no transaction, so what a failed one made is dropped.</summary>
/// <param name="settings">The service, whose server it goes to.</param>
public sealed class MysqlTarget(MysqlSettings settings) : IDumpTarget
{
    MysqlTools? _tools;
    bool _isMariaDb;

    /// <inheritdoc/>
    public async Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(selection);
        if (selection.Tables.Count > 0 || selection.Schemas.Count > 0)
        {
            throw new RefusedInputException("--table and --schema are for services of kind postgres-dump", "bring the database back beside the old one with --into NAME, and copy the table from there");
        }

        var streams = DumpChoice.Databases(manifest, selection);
        var accounts = selection.Globals ? Accounts(manifest) : null;
        _tools = new MysqlTools(settings);
        var (product, version, _) = await _tools.ReadServerAsync(cancellation);
        _isMariaDb = product == MysqlTools.MariaDb;
        DumpChoice.RequireNotNewer(manifest, product, version, _tools.Server);
        var present = (await _tools.ReadDatabasesAsync(cancellation)).ToDictionary(d => d.Name, StringComparer.Ordinal);
        var steps = new List<DumpRestoreStep>();
        foreach (var stream in streams)
        {
            var into = selection.Into ?? stream.Database!;
            if (present.GetValueOrDefault(into) is { Objects: > 0 and var count })
            {
                throw new ConflictException(
                    $"database {into} on {_tools.Server} is not empty: it has {count} tables, views, routines and events; nothing was changed",
                    "--into NAME brings it back under another name, beside it; or drop the old one first");
            }

            steps.Add(new DumpRestoreStep(stream, into, IsNew: !present.ContainsKey(into)));
        }

        // Behind the databases: a grant on a table wants the table.
        steps.AddRange(accounts is null ? [] : [new DumpRestoreStep(accounts, null, IsNew: false)]);
        return new DumpRestorePlan(entry, manifest, await _tools.ReadVersionAsync(_tools.Client, cancellation), _tools.Server, steps);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(copy);
        if (step.Into is not { } database)
        {
            return await MakeAccountsAsync(copy, cancellation);
        }

        if (step.IsNew)
        {
            await MakeAsync(step, database, cancellation);
        }

        try
        {
            await RunAsync(database, copy, cancellation);
            return [];
        }
        catch
        {
            // It was not there, or empty, when this command began.
            await _tools!.ExecuteAsync($"DROP DATABASE {MysqlTools.Identifier(database)}", CancellationToken.None);
            if (!step.IsNew)
            {
                await MakeAsync(step, database, CancellationToken.None);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    static DumpStreamRecord Accounts(DumpManifest manifest) => manifest.Streams.FirstOrDefault(s => s.Format == MysqlAccounts.FormatName)
        ?? throw new RefusedInputException($"backup {manifest.Id} has no accounts: it was taken by a version of pitr that did not dump them", "leave --globals out, or choose a later backup");

    async Task<IReadOnlyList<string>> MakeAccountsAsync(Func<Stream, Task> copy, CancellationToken cancellation)
    {
        using var stream = new MemoryStream();
        await copy(stream);
        return await new MysqlAccountRestore(_tools!, new MysqlAccountReader(_tools!, _isMariaDb)).RunAsync(MysqlAccounts.Parse(stream.GetBuffer().AsSpan(0, (int)stream.Length)), cancellation);
    }

    Task MakeAsync(DumpRestoreStep step, string database, CancellationToken cancellation)
    {
        var set = Word(step, "character-set") is { } character ? $" CHARACTER SET {character}" : "";
        var collate = Word(step, "collation") is { } collation ? $" COLLATE {collation}" : "";
        return _tools!.ExecuteAsync($"CREATE DATABASE {MysqlTools.Identifier(database)}{set}{collate}", cancellation);
    }

    // These names are words; anything else does not come from a server.
    static string? Word(DumpRestoreStep step, string property) =>
        step.Stream.Properties.TryGetValue(property, out var value) && value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') ? value : null;

    async Task RunAsync(string database, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        // --binary-mode: bytes stay as they are, and nothing in a dump is a command to the client itself.
        await using var client = _tools!.Start(_tools.Client, ["--batch", "--binary-mode", "--skip-reconnect", $"--database={database}"]);
        try
        {
            await copy(client.Input);
            client.Input.Close();
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            // It has stopped reading; its exit code says why.
        }

        if (await client.WaitAsync(cancellation) is not 0 and var code)
        {
            throw new ServerException($"{client.Name} failed with code {code}, and what it had made is gone again: {Errors(client.Messages)}", MysqlTools.Hint(client.Messages));
        }
    }

    // Not the statement that failed, which the client shows as well: it may hold rows.
    static string Errors(string messages) => string.Join(Environment.NewLine, messages.Split(Environment.NewLine).Where(line => line.StartsWith("ERROR", StringComparison.Ordinal)));
}
