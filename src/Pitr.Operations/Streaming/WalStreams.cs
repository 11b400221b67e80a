using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Serilog;

namespace Pitr.Operations.Streaming;

/// <summary>The streams of an agent: one for each service with <c>wal.stream</c>.</summary>
public sealed class WalStreams : IAsyncDisposable
{
    readonly CancellationTokenSource _stopping = new();
    readonly List<Task> _running = [];

    WalStreams()
    {
    }

    /// <summary>Starts the streams; one whose service cannot be opened is reported and left out.</summary>
    /// <param name="configuration">Says which services stream.</param>
    /// <param name="open">Opens a service by name.</param>
    /// <param name="log">Where trouble is reported.</param>
    public static WalStreams Start(PitrConfiguration configuration, Func<string, PostgresService> open, ILogger log)
    {
        var streams = new WalStreams();
        foreach (var settings in configuration.Services.Values.OfType<PostgresServiceSettings>().Where(s => s.Wal.Stream.IsOn))
        {
            streams._running.Add(Task.Run(() => RunAsync(settings.Name, open, log, streams._stopping.Token)));
        }

        return streams;
    }

    static async Task RunAsync(string name, Func<string, PostgresService> open, ILogger log, CancellationToken cancellation)
    {
        try
        {
            await using var service = open(name);
            await new WalStreamer(service).RunAsync(cancellation);
        }
        catch (Exception e) when (e is ConfigurationException or OperationException)
        {
            log.Error("service {Service} is not streamed: {Message}", name, e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.Error(e, "service {Service} is not streamed any more: an error nobody expected; restart the agent, and report it", name);
        }
    }

    /// <summary>Ends the streams: what was received is stored, if that takes seconds only, and nothing else is acknowledged.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running);
        _stopping.Dispose();
    }
}
