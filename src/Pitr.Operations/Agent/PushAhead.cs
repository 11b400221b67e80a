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
    readonly int _parallel;
    readonly CancellationTokenSource _stopping = new();
    readonly ConcurrentDictionary<FileStamp, Lazy<Task<ArchivePushResult>>> _pushes = new();
    readonly Queue<Lazy<Task<ArchivePushResult>>> _ahead = new();
    int _workers;

    /// <param name="push">Does the work of one file.</param>
    /// <param name="parallel">How many files are pushed ahead at once; each takes about two segments of memory.</param>
    public PushAhead(ArchivePush push, int parallel)
    {
        _push = push;
        _parallel = parallel;
    }

    /// <summary>Pushes a file, or waits for the push of it that already runs, and starts on what follows it.</summary>
    /// <inheritdoc cref="ArchivePush.PushAsync" path="/exception"/>
    public async Task<ArchivePushResult> PushAsync(string path, CancellationToken cancellation)
    {
        var stamp = FileStamp.Of(path);
        var pushing = _pushes.GetOrAdd(stamp, _ => ToPush(path));
        LookAhead(path);
        try
        {
            return await pushing.Value.WaitAsync(cancellation);
        }
        finally
        {
            // Answered once: a later request for the same file looks at the repository again.
            _pushes.TryRemove(stamp, out _);
        }
    }

    // A lazy value, so that a file is pushed once, whoever comes first: a worker or its own request.
    Lazy<Task<ArchivePushResult>> ToPush(string path) => new(() =>
    {
        var push = _push.PushAsync(path, _stopping.Token);
        // One that fails before it is asked for has nobody to tell; its request tries anew and reports what is wrong then.
        _ = push.ContinueWith(failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return push;
    });

    void LookAhead(string path)
    {
        lock (_ahead)
        {
            ForgetBefore(path);
            // Reading the directory again for each of thousands of waiting segments would cost more than it brings.
            if (_ahead.Count > Window / 2 || _pushes.Count > 2 * Window)
            {
                return;
            }

            foreach (var next in ReadyAfter(path).Take(Window))
            {
                var stamp = FileStamp.Of(next);
                var push = ToPush(next);
                if (stamp.Exists && _pushes.TryAdd(stamp, push))
                {
                    _ahead.Enqueue(push);
                }
            }

            for (; _workers < Math.Min(_parallel, _ahead.Count); _workers++)
            {
                _ = Task.Run(WorkAsync);
            }
        }
    }

    // PostgreSQL asks in order: what comes before and was never asked for has been answered by somebody else, and would fill the window.
    void ForgetBefore(string path)
    {
        foreach (var passed in _pushes.Where(p => p.Value.IsValueCreated && p.Value.Value.IsCompleted && string.CompareOrdinal(p.Key.Path, path) < 0))
        {
            _pushes.TryRemove(passed);
        }
    }

    async Task WorkAsync()
    {
        while (true)
        {
            Lazy<Task<ArchivePushResult>>? next;
            lock (_ahead)
            {
                if (_stopping.IsCancellationRequested || !_ahead.TryDequeue(out next))
                {
                    _workers--;
                    return;
                }
            }

            try
            {
                await next.Value;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Forgotten: PostgreSQL asks for it by itself, and that push reports its own error.
                foreach (var failed in _pushes.Where(p => p.Value == next))
                {
                    _pushes.TryRemove(failed);
                }
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
        public bool Exists => Length >= 0;

        public static FileStamp Of(string path)
        {
            var file = new FileInfo(path);
            return file.Exists ? new FileStamp(path, file.Length, file.LastWriteTimeUtc) : new FileStamp(path, -1, default);
        }
    }
}
