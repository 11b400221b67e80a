using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Dumps.Postgres.Staging;
using Pitr.Operations.Errors;
using Pitr.Operations.Scratch;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Dumps;
using Pitr.Postgres.Programs;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Dumps.Postgres;

/// <summary>
/// Brings databases back by <c>pg_restore</c> of the server's own major version, each in one transaction: into one that is made for it, or into an empty one; selected schemas and tables
/// also beside what is there. What was dumped by several jobs is restored by several, if the database is made for it, and lies in scratch space as a directory meanwhile.
/// </summary>
/// <param name="settings">The service, whose server it goes to.</param>
/// <param name="owner">The service, as one that needs scratch space.</param>
public sealed class PostgresDumpTarget(PostgresDumpSettings settings, ScratchOwner owner) : IDumpTarget
{
    DumpSelection _selection = new(null, null);
    string _pgRestore = "";
    string _psql = "";

    /// <summary>Directory that somebody else removes, for the files of a dump on their way; null: scratch space of their own.</summary>
    public string? StagingBelow { get; init; }

    StagingPlace Staging => new(owner, StagingBelow, settings.StagingDirectory);

    /// <inheritdoc/>
    public async Task<DumpRestorePlan> PlanAsync(DumpDocument entry, DumpManifest manifest, DumpSelection selection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(selection);
        _selection = selection;
        var streams = DumpChoice.Databases(manifest, selection);
        if ((selection.Tables.Count > 0 || selection.Schemas.Count > 0) && streams.Count > 1)
        {
            throw new RefusedInputException("--table and --schema take one database", $"add --database: the backup has {DumpChoice.Names(streams)}");
        }

        await using var session = await PostgresSession.OpenAsync(settings.RevealConnection(), cancellation);
        var (major, version) = await PostgresDumpSource.ReadVersionAsync(session, cancellation);
        DumpChoice.RequireNotNewer(manifest, PostgresDumpSource.Product, version, session.Server);
        var (inRecovery, _) = await Pitr.Postgres.Dumps.DumpCatalog.ReadRightsAsync(session, cancellation);
        if (inRecovery)
        {
            throw new RefusedInputException($"{session.Server} is a standby, which takes no writes", "connect to its primary");
        }

        _pgRestore = PostgresBinaries.FindClient(PgRestore.Name, major, settings.BinDirectory);
        var steps = new List<DumpRestoreStep>();
        if (selection.Globals)
        {
            _psql = PostgresBinaries.FindClient(Psql.Name, major, settings.BinDirectory);
            steps.Add(new DumpRestoreStep(manifest.Streams.Single(s => s.Database is null), null, IsNew: false));
        }

        var present = (await ServerDatabase.ReadAllAsync(session, cancellation)).Select(d => d.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var stream in streams)
        {
            var into = selection.Into ?? stream.Database!;
            steps.Add(new DumpRestoreStep(stream, into, IsNew: !present.Contains(into)));
            if (present.Contains(into))
            {
                await RequireRoomAsync(into, cancellation);
            }
        }

        Staging.RequireRoom(streams.Where(s => s.Format == PostgresDumpSource.DirectoryFormat).Max(s => (long?)s.Bytes) ?? 0);
        return new DumpRestorePlan(entry, manifest, string.Create(CultureInfo.InvariantCulture, $"{PgRestore.Name} {major}"), session.Server, steps);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> RestoreAsync(DumpRestoreStep step, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(copy);
        if (step.Into is not { } database)
        {
            return await RunGlobalsAsync(copy, cancellation);
        }

        if (step.Stream.Format != PostgresDumpSource.DirectoryFormat)
        {
            await RestoreAsync(step, database, () => RunAsync(database, copy, cancellation), cancellation);
            return [];
        }

        // Before anything is made: reading it is what may fail.
        using var staged = Staging.Create();
        await UnpackAsync(step.Stream, staged.Directory, copy);
        await RestoreAsync(step, database, () => RunAsync(database, staged.Directory, step.IsNew ? settings.Jobs : 1, cancellation), cancellation);
        return [];
    }

    async Task RestoreAsync(DumpRestoreStep step, string database, Func<Task> run, CancellationToken cancellation)
    {
        if (!step.IsNew)
        {
            await run();
            return;
        }

        await using (var session = await PostgresSession.OpenAsync(settings.RevealConnection(), cancellation))
        {
            await ServerDatabase.CreateAsync(session, database, step.Stream.Properties, cancellation);
        }

        try
        {
            await run();
        }
        catch
        {
            // Made a moment ago, by this command: nobody else's.
            await using var session = await PostgresSession.OpenAsync(settings.RevealConnection(), CancellationToken.None);
            await ServerDatabase.DropAsync(session, database, CancellationToken.None);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    static async Task UnpackAsync(DumpStreamRecord stream, string directory, Func<Stream, Task> copy)
    {
        await using var unpacking = new DirectoryUnpacking(directory);
        try
        {
            await unpacking.TakeAsync(copy, "nothing was changed");
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            throw new ServerException(
                $"{stream.Name} cannot be written to {directory}: {e.Message}; nothing was changed", "free some space there, or name another directory with staging-directory", e);
        }
    }

    PgRestoreOptions Options(string database) => new()
    {
        Program = _pgRestore,
        ConnectionString = PostgresDumpSource.InDatabase(settings.RevealConnection(), database),
        NoOwner = _selection.NoOwner,
        NoPrivileges = _selection.NoOwner,
        NoTablespaces = _selection.WithoutTablespaces,
        Tables = _selection.Tables,
        Schemas = _selection.Schemas,
    };

    async Task RunAsync(string database, string directory, int jobs, CancellationToken cancellation)
    {
        await using var restore = PgRestore.Start(Options(database) with { Directory = directory, Jobs = jobs });
        using var guard = ProgramGuard.Start(restore.ProcessId);
        await restore.WaitAsync(cancellation);
    }

    async Task RunAsync(string database, Func<Stream, Task> copy, CancellationToken cancellation)
    {
        await using var restore = PgRestore.Start(Options(database));
        try
        {
            await copy(restore.Input);
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            // It has stopped reading, and says why when it is asked; one that has all it wants ends well.
            await restore.WaitAsync(cancellation);
            return;
        }

        await restore.WaitAsync(cancellation);
    }

    async Task<IReadOnlyList<string>> RunGlobalsAsync(Func<Stream, Task> copy, CancellationToken cancellation)
    {
        await using var psql = Psql.Start(_psql, settings.RevealConnection());
        if (_selection.WithoutTablespaces)
        {
            using var script = new MemoryStream();
            await copy(script);
            await psql.Input.WriteAsync(GlobalsFilter.WithoutTablespaces(script.GetBuffer().AsSpan(0, (int)script.Length)).Script, cancellation);
        }
        else
        {
            await copy(psql.Input);
        }

        psql.Input.Close();
        // Roles that are there already stay; psql goes on, and says so line by line.
        return await psql.WaitAsync(cancellation) == 0
            ? psql.Messages.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries)
            : throw new ServerException($"psql failed: {psql.Messages}", "roles and tablespaces may be there in part; no database was touched");
    }

    async Task RequireRoomAsync(string database, CancellationToken cancellation)
    {
        if (_selection.Tables.Count > 0 || _selection.Schemas.Count > 0)
        {
            // One transaction: what is there already makes all of it fail, and changes nothing.
            return;
        }

        await using var session = await PostgresSession.OpenAsync(settings.RevealConnection(), database, cancellation);
        if ((await Pitr.Postgres.Dumps.DumpCatalog.ReadAllAsync(session, cancellation)).Count is > 0 and var count)
        {
            throw new ConflictException(
                $"database {database} on {session.Server} is not empty: it has {count} tables, views and sequences; nothing was changed",
                "--into NAME brings it back under another name, beside it; or drop or rename the old one first");
        }
    }
}
