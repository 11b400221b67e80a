using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Redis.InPlace;

/// <summary>
/// Brings a service's own Redis back to a dump: fetches the file beside the data first, stops the server, gives the old data other names, puts the file where the server loads it, starts the
/// server and looks what it has loaded. Whatever fails on the way, the old data is put back.
/// </summary>
public sealed class RedisInPlace : IDisposable
{
    const string Option = "--in-place";

    readonly DumpService _service;
    readonly RedisSettings _settings;
    readonly RedisTools _tools;
    readonly RedisControl _control;
    FileStream? _lock;
    IReadOnlyDictionary<string, string>? _facts;
    RedisPlaces? _places;
    string _version = "";

    RedisInPlace(DumpService service, RedisSettings settings)
    {
        (_service, _settings, _tools) = (service, settings, new RedisTools(settings));
        _control = new RedisControl(service, _tools, settings.Control.StopCommand!, settings.Control.StartCommand!, settings.Control.Timeout);
        Id = new BackupId(service.Clock.GetUtcNow()).ToString();
    }

    /// <summary>Of this restore; part of the names aside.</summary>
    public string Id { get; private set; }

    /// <summary>The data directory, links resolved.</summary>
    public string Directory => Places.Directory;

    /// <summary>Whether the server runs now.</summary>
    public bool ServerRuns => _facts is not null;

    /// <summary>Whether the server loads an append-only file.</summary>
    public bool AppendOnly => Places.AppendOnly;

    /// <summary>What is given another name.</summary>
    public IReadOnlyList<RedisMove> Moves => [.. Places.Loaded.Where(Path.Exists).Select(p => new RedisMove(p, $"{p}.before-{Id}"))];

    /// <summary>Where the file goes.</summary>
    public string Place => Places.Place;

    RedisPlaces Places => _places ?? throw new InvalidOperationException("the server was not looked at yet");

    string Staging => Path.Combine(Directory, $".pitr-restore-{Id}");

    /// <summary>Looks at a service's own server without touching anything.</summary>
    /// <exception cref="RefusedInputException">It is no Redis, or the configuration does not say where its data is, or how it is stopped and started.</exception>
    /// <exception cref="ImpossiblePlanException">The server is a replica, or somebody else's data lies there.</exception>
    public static async Task<RedisInPlace> OpenAsync(DumpService service, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(service);
        if (service.Settings is not RedisSettings settings)
        {
            throw new RefusedInputException($"{Option} is for services of kind postgres and redis; {service.Name} is of kind {service.Kind}", "--into NAME brings a database back beside the old one");
        }

        if (settings.Control is not { StopCommand: not null, StartCommand: not null })
        {
            throw new RefusedInputException(
                $"how the server of service {service.Name} is stopped and started, the configuration does not say",
                $"set services.{service.Name}.server.stop-command and start-command, for example 'sudo systemctl stop redis-server' and 'sudo systemctl start redis-server'; or restore into a new directory with --to");
        }

        var opened = new RedisInPlace(service, settings);
        await opened.LookAsync(cancellation);
        return opened;
    }

    async Task LookAsync(CancellationToken cancellation)
    {
        _facts = await _control.TryReadAsync(cancellation);
        if (_facts?.GetValueOrDefault("role") == "slave")
        {
            throw new ImpossiblePlanException($"{_tools.Server} is a replica, and would load its primary's data again", "restore the primary; or take this one out of replication first (REPLICAOF NO ONE)");
        }

        var configuration = _facts is null ? new Dictionary<string, string>(StringComparer.Ordinal) : await _tools.ReadConfigurationAsync(cancellation);
        var directory = _settings.DataDirectory ?? configuration.GetValueOrDefault("dir") ?? throw new RefusedInputException(
            $"where the data of service {_service.Name} is, neither the configuration nor the server says{(ServerRuns ? "" : ", which does not run")}", $"set services.{_service.Name}.data-directory");
        if (!System.IO.Directory.Exists(directory))
        {
            throw new RefusedInputException($"there is no directory {directory}", "is the server on this host, and its file system mounted?");
        }

        var real = TablespaceMap.RealPath(directory);
        if (configuration.GetValueOrDefault("dir") is { } said && TablespaceMap.RealPath(said) != real)
        {
            throw new ImpossiblePlanException($"{_tools.Server} has its data in {said}, not in {real}", $"correct services.{_service.Name}.data-directory, or host and port");
        }

        if (!LibC.MayWrite(real))
        {
            throw new ImpossiblePlanException($"{real} may not be written", "run as the user of the server: sudo -u redis pitr restore …");
        }

        _version = _facts?["redis_version"] ?? (await RedisServerProgram.FindAsync(_settings.BinDirectory, cancellation)).Version;
        // Two within one second would take each other's old data for their own.
        for (var now = _service.Clock.GetUtcNow(); System.IO.Directory.EnumerateFileSystemEntries(real, $"*-{Id}").Any(); Id = new BackupId(now).ToString())
        {
            now += TimeSpan.FromSeconds(1);
        }

        _places = RedisPlaces.Read(real, configuration, hasManifest: int.TryParse(_version.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major) && major >= 7);
    }

    /// <summary>Keeps a second one on this host from beginning, until this is disposed.</summary>
    /// <exception cref="BusyException">One runs.</exception>
    public void Lock() => _lock = StateFile.TryLock(Path.Combine(_service.StateDirectory, "in-place.lock"))
        ?? throw new BusyException($"another restore in place of service {_service.Name} runs on this host", "wait until it has ended");

    /// <summary>Chooses the dump, and refuses what is impossible. Changes nothing.</summary>
    /// <exception cref="ImpossiblePlanException">The dump is of a newer server, or an earlier restore was interrupted.</exception>
    public async Task<(DumpDocument Entry, DumpManifest Manifest)> PlanAsync(BackupId? backup, CancellationToken cancellation)
    {
        if (RedisJournal.TryRead(Directory) is { } interrupted)
        {
            throw new ImpossiblePlanException($"restore in place {interrupted.Id} was interrupted", $"put the old data back first: pitr restore {_service.Name} {Option} --roll-back");
        }

        var entry = await new DumpCatalog(_service).ChooseAsync(backup, cancellation);
        var manifest = await new DumpReader(_service).ReadManifestAsync(entry, cancellation);
        DumpChoice.RequireNotNewer(manifest, RedisSource.Product, _version, _tools.Server);
        return (entry, manifest);
    }

    /// <summary>Does it.</summary>
    /// <param name="entry">The dump.</param>
    /// <param name="manifest">Of the dump.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellation">Puts the old data back.</param>
    /// <exception cref="RolledBackException">It failed once the server was to be stopped; the message says what was put back.</exception>
    public async Task<RedisInPlaceResult> RunAsync(DumpDocument entry, DumpManifest manifest, IProgress<DumpProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        // Before the server is touched: what is damaged, or does not fit, is found while it works.
        var target = new DumpFilesTarget();
        var plan = await target.PlanAsync(entry, manifest, new DumpSelection(null, null) { Directory = Staging }, cancellation);
        var journal = new RedisJournal { Id = Id, Service = _service.Name.Value, ServerRan = ServerRuns, Moves = Moves, Places = Places.Loaded };
        try
        {
            await new DumpRestore(_service, target).RunAsync(plan, progress, cancellation);
            try
            {
                return await ReplaceAsync(journal, manifest, plan.Steps[0].Into!, progress, cancellation);
            }
            catch (Exception e)
            {
                throw await AfterAsync(journal, e, progress);
            }
        }
        finally
        {
            if (System.IO.Directory.Exists(Staging))
            {
                System.IO.Directory.Delete(Staging, recursive: true);
            }
        }
    }

    async Task<RedisInPlaceResult> ReplaceAsync(RedisJournal journal, DumpManifest manifest, string file, IProgress<DumpProgress>? progress, CancellationToken cancellation)
    {
        journal.Write(Directory);
        progress?.Report(new DumpProgress("stopping the server", 0, 0));
        await _control.StopAsync(cancellation);
        // A server that has stopped may have written a file that was not there before.
        journal = journal with { Moves = Moves, Moving = true };
        journal.Write(Directory);
        foreach (var move in journal.Moves)
        {
            System.IO.Directory.Move(move.Place, move.Aside);
        }

        LibC.SyncDirectory(Directory);
        Places.Put(file);
        progress?.Report(new DumpProgress("starting the server", 0, 0));
        var facts = await _control.StartAsync(cancellation);
        var (keys, warnings) = RedisLoad.Judge(facts, manifest, AppendOnly);
        RedisJournal.Keep(Directory);
        return new RedisInPlaceResult(keys, [.. journal.Moves.Select(m => m.Aside)], warnings);
    }

    async Task<RolledBackException> AfterAsync(RedisJournal journal, Exception cause, IProgress<DumpProgress>? progress)
    {
        var reason = cause is OperationCanceledException ? "interrupted" : cause.Message;
        var hint = cause switch { OperationException operation => operation.Hint, ServerException server => server.Hint, _ => null };
        try
        {
            // The moves as they were made: a server that stopped may have added one.
            var said = await PutBackAsync(RedisJournal.TryRead(Directory) ?? journal, "failed", progress);
            return new RolledBackException($"{reason}\nrolled back: {string.Join("; ", said)}", hint, cause);
        }
        catch (Exception e)
        {
            return new RolledBackException($"{reason}\nrolling back failed: {e.Message}", $"cure that, then: pitr restore {_service.Name} {Option} --roll-back", cause);
        }
    }

    /// <summary>Refuses where there is nothing to put back.</summary>
    /// <exception cref="ImpossiblePlanException">None was interrupted, and none has kept its old data.</exception>
    public RedisJournal RequireRollBack() => RedisJournal.TryRead(Directory) ?? RedisJournal.TryReadKept(Directory) ?? throw new ImpossiblePlanException(
        $"no restore in place of {Directory} was interrupted, and none has kept its old data: there is nothing to roll back", "names that end with .before-… are old data; stop the server, and move them back by hand");

    /// <summary>Puts the old data back: that of an interrupted restore, or of the last one that succeeded.</summary>
    /// <returns>What lies where now, in sentences.</returns>
    public Task<IReadOnlyList<string>> RollBackAsync(IProgress<DumpProgress>? progress) =>
        RedisJournal.TryRead(Directory) is { } interrupted
            ? PutBackAsync(interrupted, "failed", progress)
            : PutBackAsync(RequireRollBack() with { ServerRan = true }, "undone", progress);

    // Not to be interrupted: half of the way back is worse than either end.
    async Task<IReadOnlyList<string>> PutBackAsync(RedisJournal journal, string word, IProgress<DumpProgress>? progress)
    {
        var said = new List<string>();
        progress?.Report(new DumpProgress("putting the old data back", 0, 0));
        if (journal.Moving)
        {
            await _control.StopAsync(CancellationToken.None);
            foreach (var place in journal.Places.Where(p => Path.Exists(p) && (journal.Moves.All(m => m.Place != p) || journal.Moves.Any(m => m.Place == p && Path.Exists(m.Aside)))))
            {
                // What came after the restore may be in it.
                var away = $"{place}.{word}-{journal.Id}";
                System.IO.Directory.Move(place, away);
                said.Add($"what was restored is kept as {away}");
            }

            foreach (var move in journal.Moves.Where(m => Path.Exists(m.Aside)))
            {
                System.IO.Directory.Move(move.Aside, move.Place);
            }

            LibC.SyncDirectory(Directory);
        }

        if (journal.ServerRan && (journal.Moving || await _control.TryReadAsync(CancellationToken.None) is null))
        {
            await _control.StartAsync(CancellationToken.None);
        }

        RedisJournal.Remove(Directory);
        said.Insert(0, $"{(journal.Moving ? $"the old data is in {Directory} again" : $"nothing of {Directory} was changed")}; {(journal.ServerRan ? "its server runs" : "no server runs, as before")}");
        return said;
    }

    /// <summary>Removes the old data for good; there is no way back then.</summary>
    public void RemoveOld(RedisInPlaceResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        RedisJournal.Remove(Directory);
        foreach (var kept in result.Kept)
        {
            if (File.Exists(kept))
            {
                File.Delete(kept);
            }
            else
            {
                System.IO.Directory.Delete(kept, recursive: true);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock?.Dispose();
}
