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
    readonly PrefetchBudget _budget = new();
    readonly ConcurrentDictionary<(string Name, string Repositories), Lazy<WarmService>> _services = new();

    /// <summary>
    /// Opens services that owe their repositories something, or may come to, before the first request does: what is owed is paid from
    /// now on. One that cannot be opened is reported and waits for its first request.
    /// </summary>
    public void Warm(IEnumerable<string> services)
    {
        foreach (var name in services)
        {
            try
            {
                Open(name);
            }
            catch (Exception e) when (e is ConfigurationException or Errors.OperationException)
            {
                log.Error("service {Service} cannot be opened: {Message}", name, e.Message);
            }
        }
    }

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
            log.Error(e is ConfigurationException or Errors.OperationException or Storage.StorageException ? null : e, "{Verb} {Path}: {Message}", request.Verb, request.Headers.GetValueOrDefault("path"), response.Message);
            return response;
        }
    }

    WarmService Open(string name, string repositories = "")
    {
        var key = (name, repositories);
        var names = repositories.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var service = _services.GetOrAdd(key, _ => new Lazy<WarmService>(() => new WarmService(open(name, names), _budget)));
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
        log.Information("{Service}: archived {File} ({Bytes} bytes as {StoredBytes}){Again}", warm.Service.Name, result.Name, result.Bytes, result.StoredBytes, result.AlreadyStored ? ", already stored" : "");
        return new ArchiveResponse(0);
    }

    static async Task<ArchiveResponse> GetAsync(WarmService warm, ArchiveRequest request, CancellationToken cancellation)
    {
        var name = WalFileName.Parse(request.Require("file"));
        var answer = await warm.Get.GetAsync(name, request.Require("path"), warm.Service.Settings.Wal.GetDeadline, cancellation);
        return answer == ArchiveGetResult.Found ? new ArchiveResponse(0) : new ArchiveResponse(1);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var warm in _services.Values.Where(s => s.IsValueCreated))
        {
            await warm.Value.Push.DisposeAsync();
            await warm.Value.Get.DisposeAsync();
            await warm.Value.Collector.DisposeAsync();
            await warm.Value.Service.DisposeAsync();
        }

        _budget.Dispose();
    }

    sealed class WarmService(PostgresService service, PrefetchBudget budget)
    {
        public PostgresService Service { get; } = service;

        public PushAhead Push { get; } = new(new ArchivePush(service), Environment.ProcessorCount);

        public PrefetchingGet Get { get; } = new(service, budget);

        public DebtCollector Collector { get; } = new(service);
    }
}
