using Pitr.Operations.Errors;
using Pitr.Postgres;
using Pitr.Postgres.Dumps;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Extract;

/// <summary>A database that a dump is restored into, in one transaction. What it has already is never touched.</summary>
/// <param name="connection">How it is reached, password included.</param>
/// <param name="noOwner">Everything belongs to the role that connects.</param>
/// <param name="noPrivileges">Nothing is granted.</param>
public sealed class TargetDatabase(TargetConnection connection, bool noOwner, bool noPrivileges) : IDumpDestination
{
    const string Beside = "nothing was changed; --into-schema NAME brings it back beside what is there, to be compared or copied";
    const int MostNamed = 5;

    /// <inheritdoc/>
    public string Description => connection.Description;

    /// <inheritdoc/>
    public IReadOnlyList<string> Programs => [PgRestore.Name];

    /// <inheritdoc/>
    public async Task RequirePossibleAsync(DumpNames names, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(names);
        await using var session = await OpenAsync(cancellation);
        var (inRecovery, isSuperuser) = await DumpCatalog.ReadRightsAsync(session, cancellation);
        if (inRecovery)
        {
            throw new RefusedInputException($"{Description} is on a standby, which takes no writes", "connect to its primary");
        }

        if (!isSuperuser && !noOwner)
        {
            throw new RefusedInputException(
                $"{Description}: the role is no superuser, so it cannot give what it restores to its owners", "connect as a superuser, or add --no-owner: then everything belongs to that role");
        }

        if (names.IntoSchema is { } schema)
        {
            await RequireNoSchemasAsync(session, [schema], cancellation);
        }
        else if (names.IsWholeDatabase)
        {
            await RequireEmptyAsync(session, cancellation);
        }
        else
        {
            // Names that can mean one thing only are refused now, all others when it is known what they meant at that moment.
            await RequireNoSchemasAsync(session, names.Schemas.Select(s => s.ExactName).OfType<string>(), cancellation);
            await RequireNoRelationsAsync(session, [.. names.Tables.Where(t => t is { ExactSchema: not null, ExactName: not null }).Select(t => (t.ExactSchema!, t.ExactName!))], cancellation);
        }
    }

    /// <inheritdoc/>
    public async Task RequireFreeAsync(DumpSelection selection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(selection);
        await using var session = await OpenAsync(cancellation);
        if (selection.Schemas.Count > 0)
        {
            await RequireNoSchemasAsync(session, selection.Schemas, cancellation);
        }
        else
        {
            await RequireNoRelationsAsync(session, [.. selection.Relations.Select(r => (r.Schema, r.Name))], cancellation);
        }
    }

    /// <inheritdoc/>
    public async Task<long> TakeAsync(PgDumpOptions options, IReadOnlyDictionary<string, string> programs, Action<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(programs);
        await using var restore = PgRestore.Start(new PgRestoreOptions
        {
            Program = programs[PgRestore.Name], ConnectionString = connection.Reveal(), NoOwner = noOwner, NoPrivileges = noPrivileges,
        });
        await using var dump = PgDump.Start(options with { Format = DumpFormat.Custom, Uncompressed = true });
        try
        {
            var bytes = await DumpCopy.RunAsync(dump, restore.Input, progress, cancellation);
            await restore.WaitAsync(cancellation);
            return bytes;
        }
        catch (IOException e)
        {
            // It has stopped reading, and says why when it is asked.
            await restore.WaitAsync(cancellation);
            throw new ServerException($"pg_restore does not take the dump: {e.Message}", innerException: e);
        }
    }

    async Task RequireNoSchemasAsync(PostgresSession session, IEnumerable<string> schemas, CancellationToken cancellation)
    {
        var taken = await DumpCatalog.FindTakenSchemasAsync(session, schemas, cancellation);
        if (taken.Count > 0)
        {
            throw new ConflictException($"{Description} has schema {string.Join(", ", taken.Select(SqlText.Identifier))} already", Beside);
        }
    }

    async Task RequireNoRelationsAsync(PostgresSession session, IReadOnlyList<(string Schema, string Name)> names, CancellationToken cancellation)
    {
        var taken = await DumpCatalog.FindTakenAsync(session, names, cancellation);
        if (taken.Count > 0)
        {
            throw new ConflictException($"{Description} has {List(taken)} already", Beside);
        }
    }

    async Task RequireEmptyAsync(PostgresSession session, CancellationToken cancellation)
    {
        var taken = await DumpCatalog.ReadAllAsync(session, cancellation);
        if (taken.Count > 0)
        {
            throw new ConflictException(
                $"{Description} is not empty: it has {List([.. taken.Select(r => r.Qualified)])}", "a whole database goes into an empty one: CREATE DATABASE name TEMPLATE template0");
        }
    }

    static string List(IReadOnlyList<string> names) => string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "");

    Task<PostgresSession> OpenAsync(CancellationToken cancellation) => PostgresSession.OpenAsync(connection.Reveal(), cancellation);
}
