using Pitr.Operations.Agent;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Scratch;
using Pitr.Operations.Services;
using Pitr.Operations.Setup;
using Pitr.Postgres;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Dumps;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Extract;

/// <summary>
/// Takes tables, schemas or a database out of a service's past: recovers the service in scratch space, and dumps what was named to where it shall go. Scratch
/// space is cleared, however it ends; the live cluster is touched only as a destination.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="handler">Answers the scratch cluster's restore_command.</param>
/// <param name="commands">Writes its restore_command.</param>
/// <param name="request">What is wanted.</param>
/// <param name="destination">Where it goes.</param>
public sealed class ExtractRun(PostgresService service, ArchiveRequestHandler handler, ArchiveCommandLine commands, ExtractRequest request, IDumpDestination destination)
{
    const string Purpose = "extract";
    const int VersionsOfMajor = 10000;

    // Nothing of it is to survive a crash of the machine, and no vacuum shall compete with the dump.
    static readonly Dictionary<string, string> Settings = new(StringComparer.Ordinal)
    {
        ["fsync"] = "off",
        ["full_page_writes"] = "off",
        ["synchronous_commit"] = "off",
        ["autovacuum"] = "off",
    };

    readonly List<ExtractPhase> _phases = [];
    long _phaseStarted;

    /// <summary>Makes the plan, and refuses what cannot be done as far as that can be seen without restoring.</summary>
    /// <exception cref="OperationException">Names, moment, destination or scratch space do not do.</exception>
    /// <exception cref="ServerException">A program of PostgreSQL is missing, or the target cannot be reached.</exception>
    public async Task<ExtractPlan> PlanAsync(IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        Begin(progress, "planning");
        var names = DumpNames.Read(request);
        ScratchSpace.RequireParent(request.ScratchDirectory);
        await destination.RequirePossibleAsync(names, cancellation);
        var plan = await new RestorePlanner(service).PlanAsync(request.Moment, cancellation);
        var version = plan.Backup.PostgresVersion / VersionsOfMajor;
        _ = PostgresBinaries.Find(version, service.Settings.BinDirectory).Program("postgres");
        var programs = destination.Programs.Prepend(PgDump.Name).ToDictionary(
            name => name, name => PostgresBinaries.FindClient(name, version, service.Settings.BinDirectory), StringComparer.Ordinal);
        End("plan");
        return new ExtractPlan(plan, names, programs);
    }

    /// <summary>Refuses when the scratch space has no room; <see cref="RunAsync"/> does so by itself.</summary>
    /// <returns>The directory that scratch space would be made in.</returns>
    /// <exception cref="ImpossiblePlanException">Too little space.</exception>
    public async Task<string> RequireSpaceAsync(ExtractPlan plan, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var parent = request.ScratchDirectory is { } named ? Path.GetFullPath(named) : service.StateDirectory;
        // Beside what is there: a directory of that name is nobody's.
        var root = Path.Combine(parent, $"pitr-{Purpose}-{Guid.NewGuid():N}");
        var options = ScratchRecovery.Options(service, Path.Combine(root, "tablespaces"), commands);
        using var prepared = await ScratchRecovery.PrepareAsync(service, plan.Restore, Path.Combine(root, "data"), options, cancellation);
        return parent;
    }

    /// <summary>Carries the plan out.</summary>
    /// <exception cref="OperationException">Something named was not there at that moment, or its place is taken. Nothing is left at the destination.</exception>
    /// <exception cref="ServerException">PostgreSQL or one of its programs failed. Nothing is left at the destination.</exception>
    public async Task<ExtractReport> RunAsync(ExtractPlan plan, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        using var space = ScratchSpace.Create(service, Purpose, request.ScratchDirectory);
        await using var recovery = new ScratchRecovery(service, plan.Restore, space, handler, commands) { Settings = Settings };
        Begin(progress, "restoring files");
        await recovery.RestoreAsync(progress, cancellation);
        End("fetch");

        Begin(progress, "replaying WAL");
        await recovery.ReplayAsync(progress, cancellation);
        End("replay");

        Begin(progress, "starting");
        await using var session = await recovery.OpenAsync(cancellation);
        End("start");

        Begin(progress, "dumping");
        var replayed = await session.ReadReplayAsync(cancellation);
        var superuser = await DumpCatalog.FindSuperuserAsync(session, cancellation)
            ?? throw new ServerException("the recovered cluster has no superuser that can log in", "choose a moment at which it had one");
        var databases = await DumpCatalog.ReadDatabasesAsync(session, cancellation);
        var selection = await new DumpSelector(recovery.Server, superuser, plan.Names).SelectAsync(request.Database, databases, cancellation);
        var connection = recovery.Server.ConnectionString(selection.Database, superuser);
        var cut = await MoveAsync(connection, plan.Names, selection, cancellation);
        selection = cut.Selection;
        await destination.RequireFreeAsync(selection, cancellation);
        var dumped = await DumpAsync(connection, plan, selection, progress, cancellation);
        End("dump");
        return new ExtractReport
        {
            Database = selection.Database,
            Relations = dumped.Relations,
            LeftOut = cut.LeftOut,
            LastRecoveredCommit = replayed.LastTransaction,
            DumpBytes = dumped.Bytes,
            Phases = _phases,
        };
    }

    // In the recovered cluster, which nobody else has: there is no dump to be rewritten.
    static async Task<(DumpSelection Selection, IReadOnlyList<string> LeftOut)> MoveAsync(string connection, DumpNames names, DumpSelection selection, CancellationToken cancellation)
    {
        if (names.IntoSchema is not { } schema)
        {
            return (selection, []);
        }

        await using var session = await PostgresSession.OpenAsync(connection, cancellation);
        var move = new SchemaMove(session);
        await (selection.Schemas switch
        {
            [] => move.MoveAsync(selection.Relations, schema, cancellation),
            [var only] => move.RenameAsync(only, schema, cancellation),
            var several => throw new RefusedInputException($"--into-schema takes one schema, and {names.Description} means {string.Join(", ", several)}", "name one of them"),
        });
        return (selection with { Relations = await DumpCatalog.ReadSchemasAsync(session, [schema], cancellation), Schemas = [schema] }, move.Cut);
    }

    async Task<(IReadOnlyList<ExtractedRelation> Relations, long Bytes)> DumpAsync(
        string connection, ExtractPlan plan, DumpSelection selection, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        using var counting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var counted = CountAsync(connection, selection, counting.Token);
        var options = new PgDumpOptions
        {
            Program = plan.Programs[PgDump.Name],
            ConnectionString = connection,
            Tables = selection.TablePatterns,
            Schemas = selection.SchemaPatterns,
        };
        try
        {
            var bytes = await destination.TakeAsync(options, plan.Programs, done => progress?.Report(new RestoreProgress("dumping", done, 0)), cancellation);
            var rows = await counted;
            return ([.. selection.Relations.Where(r => !r.IsOwned).Select(r => new ExtractedRelation(r.Schema, r.Name, r.KindName.ToLowerInvariant(), rows.TryGetValue(r.Oid, out var n) ? n : null, r.Bytes))], bytes);
        }
        catch (ServerException e) when (cancellation.IsCancellationRequested)
        {
            // A terminal's Ctrl-C ends pg_dump, too.
            throw new OperationCanceledException(e.Message, e, cancellation);
        }
        finally
        {
            await counting.CancelAsync();
            await ((Task)counted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // While pg_dump reads the same pages: their figures are for people to compare, and a table that cannot be counted is pg_dump's to report.
    async Task<IReadOnlyDictionary<uint, long>> CountAsync(string connection, DumpSelection selection, CancellationToken cancellation)
    {
        var rows = new Dictionary<uint, long>();
        try
        {
            await using var session = await PostgresSession.OpenAsync(connection, cancellation);
            foreach (var table in selection.Relations.Where(r => r.Kind == 'r'))
            {
                rows[table.Oid] = await DumpCatalog.CountRowsAsync(session, table, cancellation);
            }
        }
        catch (ServerException e)
        {
            service.Log.Warning("rows are not counted any further: {Reason}", e.Message);
        }

        return rows;
    }

    void Begin(IProgress<RestoreProgress>? progress, string what)
    {
        _phaseStarted = service.Clock.GetTimestamp();
        progress?.Report(new RestoreProgress(what, 0, 0));
    }

    void End(string phase) => _phases.Add(new ExtractPhase(phase, service.Clock.GetElapsedTime(_phaseStarted).TotalSeconds));
}
