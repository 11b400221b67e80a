using Pitr.Operations.Configuration;
using Pitr.Operations.Restore;
using Pitr.Operations.Restore.InPlace;
using Pitr.Postgres;

namespace Pitr.Operations.Groups;

/// <summary>Stops and starts what uses the services of a group, through the configured commands, and asks whether it works.</summary>
/// <param name="configuration">The whole configuration.</param>
/// <param name="clock">Source of time.</param>
sealed class ApplicationCommands(PitrConfiguration configuration, TimeProvider clock)
{
    /// <summary>Stands for all services together.</summary>
    public const string Group = "";

    static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    string Log => Path.Combine(GroupJournal.DirectoryOf(configuration.StateDirectory), "command.log");

    /// <summary>What is configured.</summary>
    /// <param name="whose">A service, or <see cref="Group"/>.</param>
    public ApplicationSettings Of(string whose) => whose.Length == 0 ? configuration.Applications : configuration.Service(whose).Applications;

    /// <summary>The key of its section, for messages.</summary>
    public static string Key(string whose) => whose.Length == 0 ? "applications" : $"services.{whose}.applications";

    /// <summary>Runs the command that stops them, where there is one.</summary>
    /// <exception cref="ServerException">It failed, or its time was over.</exception>
    public Task StopAsync(string whose, IProgress<RestoreProgress>? progress, CancellationToken cancellation) =>
        RunAsync(whose, "stop-command", Of(whose).StopCommand, progress, cancellation);

    /// <summary>Runs the command that starts them, where there is one.</summary>
    /// <exception cref="ServerException">It failed, or its time was over.</exception>
    public Task StartAsync(string whose, IProgress<RestoreProgress>? progress, CancellationToken cancellation) =>
        RunAsync(whose, "start-command", Of(whose).StartCommand, progress, cancellation);

    /// <summary>Asks until the check passes, or its time is over.</summary>
    /// <exception cref="ServerException">It did not pass.</exception>
    public async Task CheckAsync(string whose, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        if (Of(whose).HealthCheck is not { } check)
        {
            return;
        }

        progress?.Report(new RestoreProgress($"checking: {check}", 0, 0));
        var started = clock.GetTimestamp();
        while (true)
        {
            var left = Of(whose).Timeout - clock.GetElapsedTime(started);
            var (code, outcome) = await TryAsync(check, left, cancellation);
            if (code == 0)
            {
                return;
            }

            if (clock.GetElapsedTime(started) + AskAgainAfter >= Of(whose).Timeout)
            {
                throw new ServerException(
                    $"the health check did not pass within {Of(whose).Timeout.TotalSeconds:0} s: {outcome}", $"try the command by hand; it is {Key(whose)}.health-check, its time {Key(whose)}.timeout");
            }

            await Task.Delay(AskAgainAfter, clock, cancellation);
        }
    }

    async Task RunAsync(string whose, string key, CommandText? command, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        if (command is null)
        {
            return;
        }

        progress?.Report(new RestoreProgress($"running: {command}", 0, 0));
        var (code, outcome) = await TryAsync(command, Of(whose).Timeout, cancellation);
        if (code != 0)
        {
            throw new ServerException(
                code is null ? $"not done within {Of(whose).Timeout.TotalSeconds:0} s: {outcome}" : outcome, $"try the command by hand; it is {Key(whose)}.{key}, its time {Key(whose)}.timeout");
        }
    }

    async Task<(int? Code, string Outcome)> TryAsync(CommandText text, TimeSpan limit, CancellationToken cancellation)
    {
        using var command = ServerCommand.Start(text, Log);
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        time.CancelAfter(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);
        try
        {
            await command.WaitAsync(time.Token);
            return (command.ExitCode, command.Outcome);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            var outcome = command.Outcome;
            command.Kill();
            return (null, outcome);
        }
        catch (OperationCanceledException)
        {
            command.Kill();
            throw;
        }
    }
}
