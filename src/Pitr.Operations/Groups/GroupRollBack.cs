using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Postgres;
using Pitr.Storage;

namespace Pitr.Operations.Groups;

/// <summary>The way back of a group's restore: services in the reverse order, each as far as it had come, then the applications as they were. Not to be interrupted.</summary>
/// <param name="keeper">The journal.</param>
/// <param name="commands">The applications.</param>
/// <param name="open">Opens what restores a service.</param>
/// <param name="progress">Told what is done.</param>
sealed class GroupRollBack(JournalKeeper keeper, ApplicationCommands commands, Func<string, IComponentRestore> open, IProgress<RestoreProgress>? progress)
{
    /// <summary>Goes back after a failure.</summary>
    /// <param name="doing">What failed, in words.</param>
    /// <param name="cause">Why.</param>
    /// <returns>What to throw: the failure, and what lies where.</returns>
    public async Task<RolledBackException> AfterAsync(string doing, Exception cause)
    {
        var reason = cause is OperationCanceledException ? $"interrupted while {doing}" : $"{doing} failed: {cause.Message}";
        try
        {
            var said = await RunAsync();
            return new RolledBackException($"{reason}\nrolled back: {string.Join("; ", said)}", HintOf(cause), cause);
        }
        catch (RolledBackException e)
        {
            return new RolledBackException($"{reason}\n{e.Message}", e.Hint, cause);
        }
    }

    /// <summary>Goes back.</summary>
    /// <returns>What lies where now, in sentences.</returns>
    /// <exception cref="RolledBackException">Not everything is back, or the applications could not be started; the message says what.</exception>
    public async Task<IReadOnlyList<string>> RunAsync()
    {
        var (said, failed) = (new List<string>(), new List<string>());
        Exception? first = null;
        var wasInUse = keeper.Journal.Phase >= GroupPhase.Starting;
        if (wasInUse)
        {
            await StopAgainAsync(said);
        }

        for (var number = keeper.Journal.Components.Count - 1; number >= 0; number--)
        {
            if (keeper.Journal.Components[number].Phase is ComponentPhase.Waiting or ComponentPhase.RolledBack)
            {
                continue;
            }

            var name = keeper.Journal.Components[number].Service;
            progress?.Report(new RestoreProgress($"{name}: putting back what was there", 0, 0));
            try
            {
                var work = keeper.Work(number, progress);
                await using var component = open(name);
                said.AddRange((await component.RollBackAsync(work, wasInUse)).Select(sentence => $"{name}: {sentence}"));
                work.Enter(ComponentPhase.RolledBack);
            }
            catch (Exception e) when (IsOfTheService(e))
            {
                first ??= e;
                failed.Add($"{name}: {e.Message}{(HintOf(e) is { } hint ? $" ({hint})" : "")}");
            }
        }

        if (first is not null)
        {
            throw new RolledBackException(
                $"rolling back failed: {string.Join("; ", failed)}{(said.Count > 0 ? $"; done: {string.Join("; ", said)}" : "")}; applications are not started",
                "cure that, then: pitr restore --all --roll-back",
                first);
        }

        // From here on the services are what they were, whether their applications can be started or not.
        var stopped = keeper.Journal.Stopped;
        GroupJournal.Remove(keeper.StateDirectory);
        if (said.Count == 0)
        {
            said.Add("no service was touched");
        }

        await StartAsync(stopped, said);
        return said;
    }

    // They hold what is put back open; where that cannot be had, the servers' own means have to do.
    async Task StopAgainAsync(List<string> said)
    {
        foreach (var whose in keeper.Journal.Stopped)
        {
            try
            {
                await commands.StopAsync(whose, progress, CancellationToken.None);
            }
            catch (Exception e) when (e is ServerException or ConfigurationException)
            {
                said.Add($"the applications of {GroupRestore.Named(whose)} could not be stopped: {e.Message}");
            }
        }
    }

    async Task StartAsync(IReadOnlyList<string> stopped, List<string> said)
    {
        var failed = new List<string>();
        Exception? first = null;
        var isStarted = false;
        foreach (var whose in stopped.Reverse())
        {
            try
            {
                isStarted |= commands.Of(whose).StartCommand is not null;
                await commands.StartAsync(whose, progress, CancellationToken.None);
            }
            catch (Exception e) when (e is ServerException or ConfigurationException)
            {
                first ??= e;
                failed.Add($"{ApplicationCommands.Key(whose)}.start-command: {e.Message}");
            }
        }

        if (first is not null)
        {
            throw new RolledBackException(
                $"rolled back: {string.Join("; ", said)}; the services are what they were, but their applications could not be started: {string.Join("; ", failed)}", "start them by hand", first);
        }

        if (isStarted)
        {
            said.Add("their applications are started");
        }
    }

    // What one service cannot do must not keep the others from going back.
    static bool IsOfTheService(Exception e) =>
        e is OperationException or ServerException or StorageException or IOException or UnauthorizedAccessException or ConfigurationException;

    static string? HintOf(Exception e) => e switch
    {
        OperationException operation => operation.Hint,
        ServerException server => server.Hint,
        StorageException storage => storage.Hint,
        _ => null,
    };
}
