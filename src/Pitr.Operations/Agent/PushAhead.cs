using System.Collections.Concurrent;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;

namespace Pitr.Operations.Agent;

/// <summary>
/// Pushes the segments that PostgreSQL will ask for next while it still waits for the present one, several at once. PostgreSQL asks
/// for one segment after the other; it gets its answer when that segment is durable, which by then it often already is. A crash
/// loses nothing: what was not acknowledged is asked for again, and pushing it again is the same success.
/// </summary>
sealed class PushAhead : IAsyncDisposable
{
    // How many segments may be finished or queued beyond the one that is asked for. Remembering one takes a few bytes.
    const int Window = 64;

    readonly ArchivePush _push;
    readonly SemaphoreSlim _slots;
    readonly CancellationTokenSource _stopping = new();
    readonly ConcurrentDictionary<FileStamp, Lazy<Task<ArchivePushResult>>> _pushes = new();

    /// <param name="push">Does the work of one file.</param>
    /// <param name="parallel">How many files are pushed ahead at once; each takes about two segments of memory.</param>
    public PushAhead(ArchivePush push, int parallel)
    {
        _push = push;
        _slots = new SemaphoreSlim(parallel);
    }

    /// <summary>Pushes a file, or waits for the push of it that already runs, and starts on what follows it.</summary>
    /// <inheritdoc cref="ArchivePush.PushAsync" path="/exception"/>
    public async Task<ArchivePushResult> PushAsync(string path, CancellationToken cancellation)
    {
        var stamp = FileStamp.Of(path);
        var pushing = _pushes.GetOrAdd(stamp, _ => new(() => Observed(_push.PushAsync(path, _stopping.Token)))).Value;
        LookAhead(path);
        try
        {
            return await pushing.WaitAsync(cancellation);
        }
        finally
        {
            // Answered once: a later request for the same file looks at the repository again.
            _pushes.TryRemove(stamp, out _);
        }
    }

    void LookAhead(string path)
    {
        if (_pushes.Count > Window / 2)
        {
            return;
        }

        foreach (var next in ReadyAfter(path).Take(Window))
        {
            if (FileStamp.TryOf(next) is { } stamp)
            {
                // The lazy value makes sure that a file is pushed once, whoever comes first: this loop or its own request.
                _ = _pushes.GetOrAdd(stamp, _ => new(() => PushInTurnAsync(next, stamp))).Value;
            }
        }
    }

    // Segments only: histories are few, come first in PostgreSQL's own order, and need no head start.
    static IEnumerable<string> ReadyAfter(string path)
    {
        const string ready = ".ready";
        var directory = Path.GetDirectoryName(path)!;
        var status = Path.Combine(directory, "archive_status");
        if (!Directory.Exists(status) || !WalSegmentName.TryParse(Path.GetFileName(path), out var current))
        {
            return [];
        }

        return Directory.EnumerateFiles(status, "*" + ready)
            .Select(file => Path.GetFileName(file)[..^ready.Length])
            .Where(name => WalSegmentName.TryParse(name, out var segment) && segment.CompareTo(current) > 0)
            .Order(StringComparer.Ordinal)
            .Select(name => Path.Combine(directory, name));
    }

    Task<ArchivePushResult> PushInTurnAsync(string path, FileStamp stamp) => Observed(Task.Run(async () =>
    {
        await _slots.WaitAsync(_stopping.Token);
        try
        {
            return await _push.PushAsync(path, _stopping.Token);
        }
        catch
        {
            // Forgotten, so that PostgreSQL's own request tries anew and reports what is wrong then.
            _pushes.TryRemove(stamp, out _);
            throw;
        }
        finally
        {
            _slots.Release();
        }
    }));

    // A push that nobody waits for yet may fail; its request will see the error, or its own.
    static Task<ArchivePushResult> Observed(Task<ArchivePushResult> push)
    {
        _ = push.ContinueWith(failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return push;
    }

    /// <summary>Abandons what is not finished; nothing of it was acknowledged.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task ended = Task.WhenAll(_pushes.Values.Where(p => p.IsValueCreated).Select(p => p.Value));
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    /// <summary>Tells one file from another that later has the same name: a recreated cluster, a recycled segment.</summary>
    readonly record struct FileStamp(string Path, long Length, DateTime Written)
    {
        public static FileStamp Of(string path)
        {
            var file = new FileInfo(path);
            return new FileStamp(path, file.Exists ? file.Length : -1, file.Exists ? file.LastWriteTimeUtc : default);
        }

        public static FileStamp? TryOf(string path) => Of(path) is { Length: >= 0 } stamp ? stamp : null;
    }
}
