using System.Runtime.CompilerServices;
using Pitr.Format.Layout;
using Pitr.Operations.Services;
using Pitr.Operations.Verify;
using Pitr.Storage;
using Pitr.Storage.File;

namespace Pitr.Operations.Repositories.Belonging;

/// <summary>
/// Looks a repository over for what does not belong there, without any key: names, the beginnings of objects, and in a directory also what is no object. What could not be
/// looked at is unknown, and never clean. Holds a few numbers for each service, and nothing for each object.
/// </summary>
/// <param name="store">The repository.</param>
/// <param name="tree">Its directory, if it is one of this host; else null.</param>
/// <param name="clock">Source of time.</param>
public sealed class BelongingRun(IObjectStore store, FileTree? tree, TimeProvider clock)
{
    const int MostUnknowns = 50;
    const int ReportEvery = 1000;

    readonly Findings _findings = new(onFinding: null, BelongingOptions.MostOfKind);
    readonly Lock _lock = new();
    readonly List<(string Name, string Reason)> _unknowns = [];
    readonly Dictionary<ServiceName, (bool IsKnown, long Objects)> _services = [];
    long _unknown;
    long _objects;
    long _heads;
    long _allowed;
    long _unfinished;
    bool _isCut;
    volatile StorageException? _silent;

    /// <summary>Looks it over.</summary>
    /// <param name="options">How.</param>
    /// <param name="progress">Told the number of objects seen so far; may be null.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="Errors.RepositoryUnavailableException">It is no repository.</exception>
    /// <exception cref="StorageException">It could not be asked at all.</exception>
    public async Task<BelongingReport> RunAsync(BelongingOptions options, Action<long>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        var started = clock.GetTimestamp();
        if (await store.StatAsync(RepositoryLayout.Repository, cancellation) is null)
        {
            // Says why and what to do.
            await RepositorySet.RequireInitialisedAsync(store, cancellation);
        }

        await LookAsync(options, progress, cancellation);
        foreach (var (service, (_, objects)) in _services.Where(s => !s.Value.IsKnown).OrderBy(s => s.Key.Value, StringComparer.Ordinal))
        {
            var prefix = RepositoryLayout.ServicePrefix(service);
            if (!_isCut)
            {
                Find(FindingKind.UnknownService, prefix, $"holds {objects} objects of a service without service.json", "bring service.json back from another repository of the service; if nobody knows the service, `pitr repo rm` removes what is left of it");
            }
            else
            {
                Miss(prefix, "whether the repository knows the service was not seen");
            }
        }

        return new BelongingReport
        {
            Objects = _objects,
            HeadsRead = _heads,
            Allowed = _allowed,
            Unfinished = _unfinished,
            Counts = _findings.Counts,
            Findings = [.. _findings.Kept.OrderBy(f => f.Kind).ThenBy(f => f.Object, StringComparer.Ordinal)],
            Unknown = _unknown,
            Unknowns = _unknowns,
            Took = clock.GetElapsedTime(started),
        };
    }

    async Task LookAsync(BelongingOptions options, Action<long>? progress, CancellationToken cancellation)
    {
        var listed = tree is null ? ListAsync(cancellation) : WalkAsync(tree, cancellation);
        try
        {
            await Parallel.ForEachAsync(
                Judged(listed, options, progress, cancellation),
                new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = cancellation },
                async (item, token) => await ReadAsync(item.Key, item.Place, item.Size, token));
        }
        catch (StorageException e) when (!cancellation.IsCancellationRequested)
        {
            _isCut = true;
            Miss("the rest of the listing", e.Reason);
        }
    }

    async IAsyncEnumerable<(string Key, long Size)> ListAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var item in store.ListAsync("", ListMode.Recursive, cancellation))
        {
            yield return (item.Key, item.Size);
        }
    }

    // The objects of a directory; what else is there is judged on the way.
    async IAsyncEnumerable<(string Key, long Size)> WalkAsync(FileTree files, [EnumeratorCancellation] CancellationToken cancellation)
    {
        uint? owner = null;
        await foreach (var entry in files.WalkAsync(Cut, cancellation))
        {
            owner ??= entry.Owner;
            JudgeEntry(entry, owner.Value);
            if (entry is { Kind: FileTreeEntryKind.File, Key: { } key })
            {
                yield return (key, entry.Size);
            }
        }

        void Cut(string path, StorageException e)
        {
            _isCut = true;
            Miss(path, e.Reason);
        }
    }

    void JudgeEntry(FileTreeEntry entry, uint owner)
    {
        if (entry.Kind is not (FileTreeEntryKind.File or FileTreeEntryKind.Directory))
        {
            Find(FindingKind.NotRegular, entry.Path, $"is {Describe(entry.Kind)}", "nothing but pitr's objects belongs into a repository; move it away");
            return;
        }

        if (entry.IsUnfinished)
        {
            if (clock.GetUtcNow() - entry.Modified > FileTree.LeftoverAge)
            {
                Find(FindingKind.Leftover, entry.Path, $"is an unfinished object, last written {entry.Modified.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z", "the next put into that directory removes it");
            }
            else
            {
                _unfinished++;
            }
        }
        else if (entry is { Key: null, Path: not "." })
        {
            Find(FindingKind.UnexpectedName, entry.Path, "has a name that no object can have", "move it away");
        }

        if (entry.Owner != owner)
        {
            Find(FindingKind.ForeignOwner, entry.Path, $"belongs to user {entry.Owner}, the repository's directory to {owner}", "see who wrote it; then chown");
        }

        if (entry.IsExposed)
        {
            Find(FindingKind.Exposed, entry.Path, $"has mode {Convert.ToString(entry.Mode, 8).PadLeft(4, '0')}", "chmod go-w,o-rwx; pitr gives its files 0600 and directories 0700");
        }
    }

    async IAsyncEnumerable<(string Key, RepositoryKey Place, long Size)> Judged(
        IAsyncEnumerable<(string Key, long Size)> listed, BelongingOptions options, Action<long>? progress, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var (key, size) in listed.WithCancellation(cancellation))
        {
            if (++_objects % ReportEvery == 0)
            {
                progress?.Invoke(_objects);
            }

            var place = RepositoryKey.Parse(key);
            Count(place);
            if (RepositoryKeyForm.IsExact(key, place))
            {
                if (!options.NamesOnly)
                {
                    yield return (key, place, size);
                }
            }
            else if (options.Allowed.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal)))
            {
                _allowed++;
            }
            else
            {
                Find(FindingKind.UnexpectedName, key, $"is no name that pitr gives; {size} bytes", "look who put it there; --allow leaves what is there on purpose aside, `pitr repo rm` removes it");
            }
        }
    }

    // Records and leases are written before a service is known, also by what fails.
    void Count(RepositoryKey place)
    {
        if (place is { Service: { } service, Kind: not (RepositoryKeyKind.Audit or RepositoryKeyKind.Lock) })
        {
            var (isKnown, objects) = _services.GetValueOrDefault(service);
            _services[service] = (isKnown || place.Kind == RepositoryKeyKind.Service, objects + 1);
        }
    }

    async Task ReadAsync(string key, RepositoryKey place, long size, CancellationToken cancellation)
    {
        if (_silent is { } silent)
        {
            Miss(key, silent.Reason);
            return;
        }

        try
        {
            var wrong = await ObjectHead.JudgeAsync(store, key, place, size, cancellation);
            Interlocked.Increment(ref _heads);
            if (wrong is var (kind, text))
            {
                Find(kind, key, text, Hint(kind));
            }
        }
        catch (ObjectNotFoundException)
        {
            // Removed since it was listed: it is not there, so it does not lie there wrongly.
        }
        catch (StorageException e)
        {
            Miss(key, e.Reason);
            // It was tried for as long as the configuration says. Not once more for each of a million others.
            _silent = e.IsTransient ? e : null;
        }
    }

    void Find(FindingKind kind, string name, string text, string hint) => _findings.Add(kind, store.Name, name, text, hint);

    void Miss(string name, string reason)
    {
        lock (_lock)
        {
            _unknown++;
            if (_unknowns.Count < MostUnknowns)
            {
                _unknowns.Add((name, reason));
            }
        }
    }

    static string Hint(FindingKind kind) => kind switch
    {
        FindingKind.NewerFormat => "use the newest pitr that writes to this repository; if there is none, the object is damaged",
        FindingKind.NotSealed => "pitr writes nothing there that is not sealed: look who put it there; bring the right object back from another repository",
        _ => "bring the right object back from another repository (`pitr repo copy`); `pitr verify` reads everything to its end",
    };

    static string Describe(FileTreeEntryKind kind) => kind switch
    {
        FileTreeEntryKind.SymbolicLink => "a symbolic link",
        FileTreeEntryKind.Socket => "a socket",
        FileTreeEntryKind.Pipe => "a named pipe",
        FileTreeEntryKind.Device => "a device",
        _ => "neither file nor directory, or its name is no text",
    };
}
