using System.Collections.Concurrent;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Archive.Prefetch;
using Pitr.Operations.Configuration;
using Pitr.Operations.Services;
using Serilog;

namespace Pitr.Operations.Agent;

/// <summary>Turns requests into <see cref="ArchivePush"/> and <see cref="PrefetchingGet"/>, keeping each service open between them.</summary>
/// <param name="open">Opens a configured service by name, with some of its repositories only unless the list is empty.</param>
/// <param name="failures">Maps an error to the exit code and text the client gets.</param>
/// <param name="log">Where every failure is reported as well.</param>
public sealed class ArchiveRequestHandler(Func<string, IReadOnlyList<string>, PostgresService> open, IArchiveFailures failures, ILogger log) : IAsyncDisposable
{
    static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(10);

    readonly PrefetchBudget _prefetching = new();
    readonly ConcurrentDictionary<(string Name, string Repositories), Lazy<WarmService>> _services = new();
    readonly PushBudget _pushing = new(Environment.ProcessorCount, PushBudget.DefaultBytes);
    readonly CancellationTokenSource _stopping = new();
    readonly ArchiveTally _tally = new();
    Task _warming = Task.CompletedTask;

    /// <summary>What has been done since the start.</summary>
    public ArchiveTally Tally => _tally;

    /// <summary>
    /// Opens services before the first request does, behind the caller's back: what is owed to repositories is paid from now on, keys and connections are
    /// there. A service that cannot be opened is reported and waits for its first request.
    /// </summary>
    /// <param name="services">Names.</param>
    public void Warm(IEnumerable<string> services) => _warming = Task.Run(() => WarmAsync([.. services]));

    /// <summary>Ends when what <see cref="Warm"/> began has ended.</summary>
    internal Task Warmed => _warming;

    async Task WarmAsync(string[] services)
    {
        try
        {
            foreach (var name in services)
            {
                await WarmAsync(name);
            }
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }

    async Task WarmAsync(string name)
    {
        try
        {
            await Open(name).WarmAsync(_stopping.Token);
        }
        catch (Exception e) when (e is ConfigurationException or Errors.OperationException or Storage.StorageException or IOException or UnauthorizedAccessException)
        {
            log.Error("service {Service} is not ready yet: {Message}", name, e.Message);
        }
    }

    /// <summary>Gives memory back that only a burst of work needed.</summary>
    public void ReleaseIdle() => _pushing.ReleaseIdle();

    /// <summary>Does the work of one request. Never throws for a failed push or get: the answer says what happened.</summary>
    public async Task<ArchiveResponse> HandleAsync(ArchiveRequest request, CancellationToken cancellation)
    {
        try
        {
            var service = Open(request.Require("service"), request.Headers.GetValueOrDefault("repositories", ""));
            return request.Verb == "push" ? await PushAsync(service, request, cancellation) : await GetAsync(service, request, cancellation);
        }
        catch (Exception e) when (e is not (OperationCanceledException or FormatException))
        {
            var standby = request.Headers.GetValueOrDefault("standby") == "true";
            var response = request.Verb == "push" ? failures.OfPush(e) : failures.OfGet(e, standby);
            if (request.Verb == "push")
            {
                _tally.PushFailed();
            }

            log.Error(e is ConfigurationException or Errors.OperationException or Storage.StorageException ? null : e, "{Verb} {Path}: {Message}", request.Verb, request.Headers.GetValueOrDefault("path"), response.Message);
            return response;
        }
    }

    WarmService Open(string name, string repositories = "")
    {
        var key = (name, repositories);
        var names = repositories.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var service = _services.GetOrAdd(key, _ => new Lazy<WarmService>(() => new WarmService(open(name, names), _pushing, _prefetching)));
        try
        {
            return service.Value;
        }
        catch
        {
            // A lazy value keeps its error for ever; the next request may find the cause mended.
            _services.TryRemove(KeyValuePair.Create(key, service));
            throw;
        }
    }

    async Task<ArchiveResponse> PushAsync(WarmService warm, ArchiveRequest request, CancellationToken cancellation)
    {
        var result = await warm.Push.PushAsync(request.Require("path"), cancellation);
        _tally.Pushed(result.Name);
        log.Information("{Service}: archived {File} ({Bytes} bytes as {StoredBytes}){Again}", warm.Service.Name, result.Name, result.Bytes, result.StoredBytes, result.AlreadyStored ? ", already stored" : "");
        // PostgreSQL's log is where its administrator looks.
        return result.Damage is { } damage
            ? new ArchiveResponse(0, $"WARNING:  {result.Name} is archived as it is, but recovery will end at {damage.Position}: {damage.Reason}\nHINT:  take a backup now; pg_waldump shows what is there")
            : new ArchiveResponse(0);
    }

    async Task<ArchiveResponse> GetAsync(WarmService warm, ArchiveRequest request, CancellationToken cancellation)
    {
        var name = WalFileName.Parse(request.Require("file"));
        var answer = await warm.Get.GetAsync(name, request.Require("path"), warm.Service.Settings.Wal.GetDeadline, cancellation);
        if (answer != ArchiveGetResult.Found)
        {
            return new ArchiveResponse(1);
        }

        _tally.Got();
        return new ArchiveResponse(0);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        // What hangs in a file system that does not answer must not keep the agent from ending.
        await _warming.WaitAsync(LongestEnd).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var warm in _services.Values.Where(s => s.IsValueCreated))
        {
            await warm.Value.Push.DisposeAsync();
            await warm.Value.Get.DisposeAsync();
            await warm.Value.Collector.DisposeAsync();
            await warm.Value.Service.DisposeAsync();
        }

        _pushing.Dispose();
        _prefetching.Dispose();
        _stopping.Dispose();
    }

    sealed class WarmService(PostgresService service, PushBudget pushing, PrefetchBudget prefetching)
    {
        // A segment under way waits for a repository most of its time. More at once would bring little: a repository has its own `concurrency`.
        const int PushedAhead = 8;

        public PostgresService Service { get; } = service;

        public PushAhead Push { get; } = new(service, pushing, PushedAhead);

        public PrefetchingGet Get { get; } = new(service, prefetching);

        public DebtCollector Collector { get; } = new(service);

        // Where the cluster lives, its WAL will be pushed: a data key is there for it, connections are made. Elsewhere the repositories are left alone.
        public async Task WarmAsync(CancellationToken cancellation)
        {
            if (Service.Settings.DataDirectory is { } directory && Directory.Exists(directory))
            {
                await Service.SealingKeys.GetAsync(cancellation);
            }
        }
    }
}
