using System.Globalization;
using Pitr.Operations.Restore.InPlace;
using Pitr.Operations.Services;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Redis.InPlace;

/// <summary>Stops and starts a Redis server through the configured commands, and asks the server itself what came of it.</summary>
/// <param name="service">The service.</param>
/// <param name="tools">Reach its server.</param>
/// <param name="stop">Given to sh.</param>
/// <param name="start">Given to sh.</param>
/// <param name="timeout">How long the server may take to be down, or to show up.</param>
sealed class RedisControl(DumpService service, RedisTools tools, string stop, string start, TimeSpan timeout)
{
    // What redis-cli says where nobody listens, or a server that is going down does no more.
    static readonly string[] Silence = ["Could not connect", "Connection reset", "Broken pipe", "I/O error", "closed the connection"];

    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    string Log => Path.Combine(service.StateDirectory, "server-command.log");

    /// <summary>What the server says about itself; null when nobody listens there.</summary>
    /// <exception cref="ServerException">Somebody does, and refuses.</exception>
    public async Task<IReadOnlyDictionary<string, string>?> TryReadAsync(CancellationToken cancellation)
    {
        try
        {
            return await tools.ReadFactsAsync(cancellation);
        }
        catch (ServerException e) when (Array.Exists(Silence, words => e.Message.Contains(words, StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }
    }

    /// <summary>Has the server stopped; one that does not run is kept from being started again by a service manager.</summary>
    /// <exception cref="ServerException">It still runs when its time is over.</exception>
    public async Task StopAsync(CancellationToken cancellation)
    {
        var process = ProcessOf(await TryReadAsync(cancellation));
        using var command = ServerCommand.Start(stop, Log);
        var started = service.Clock.GetTimestamp();
        while (true)
        {
            // Its port is closed before it has written what it keeps: its process says when it is done.
            var runs = await TryReadAsync(cancellation) is not null || (process is { } id && Directory.Exists($"/proc/{id}"));
            var isOver = service.Clock.GetElapsedTime(started) > timeout;
            if (!runs && (command.HasExited || isOver))
            {
                break;
            }

            if (runs && (isOver || command is { HasExited: true, ExitCode: not 0 }))
            {
                throw new ServerException(
                    string.Create(CultureInfo.InvariantCulture, $"{tools.Server} was not stopped within {timeout.TotalSeconds:0} s: {command.Outcome}"),
                    "try the command by hand; it is services.*.server.stop-command, its time services.*.server.timeout");
            }

            await Task.Delay(Poll, service.Clock, cancellation);
        }

        if (command is { HasExited: true, ExitCode: not 0 })
        {
            service.Log.Warning("the server is down; {Outcome}", command.Outcome);
        }
    }

    /// <summary>Has the server started, and waits until it has loaded its data, however long that takes.</summary>
    /// <returns>What it says about itself then.</returns>
    /// <exception cref="ServerException">It did not show up in time, or went away again.</exception>
    public async Task<IReadOnlyDictionary<string, string>> StartAsync(CancellationToken cancellation)
    {
        using var command = ServerCommand.Start(start, Log);
        var started = service.Clock.GetTimestamp();
        var seen = false;
        while (true)
        {
            var facts = await TryReadAsync(cancellation);
            if (facts?.GetValueOrDefault("loading") == "0")
            {
                return facts;
            }

            if (facts is null && (seen || command is { HasExited: true, ExitCode: not 0 } || service.Clock.GetElapsedTime(started) > timeout))
            {
                throw new ServerException(
                    seen ? $"{tools.Server} went away while it loaded its data: {command.Outcome}" : $"{tools.Server} was not started: {command.Outcome}",
                    "its log says why; the command is services.*.server.start-command, its time services.*.server.timeout");
            }

            seen |= facts is not null;
            await Task.Delay(Poll, service.Clock, cancellation);
        }
    }

    // In a container it may have a number that is another process' here.
    static int? ProcessOf(IReadOnlyDictionary<string, string>? facts) =>
        int.TryParse(facts?.GetValueOrDefault("process_id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        && Path.GetFileName(new FileInfo($"/proc/{id}/exe").LinkTarget)?.StartsWith("redis", StringComparison.Ordinal) == true
            ? id
            : null;
}
