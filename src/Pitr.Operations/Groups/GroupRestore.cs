using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Services;

namespace Pitr.Operations.Groups;

/// <summary>
/// Restores the services of a group where they are: applications are stopped, services restored one after the other, applications started and asked whether they work.
/// Whatever fails on the way, everything goes back. What was there is kept until somebody confirms.
/// </summary>
/// <param name="configuration">The whole configuration.</param>
/// <param name="clock">Source of time.</param>
/// <param name="open">Opens what restores a service, for the way back.</param>
/// <param name="progress">Told what is done.</param>
public sealed class GroupRestore(PitrConfiguration configuration, TimeProvider clock, Func<string, IComponentRestore> open, IProgress<RestoreProgress>? progress)
{
    readonly ApplicationCommands _commands = new(configuration, clock);

    string StateDirectory => configuration.StateDirectory;

    /// <summary>How far each service has come, in their order; for the table at the end.</summary>
    public IReadOnlyList<ComponentRecord> Records { get; private set; } = [];

    /// <summary>Refuses to begin where an earlier one has left something to be decided.</summary>
    /// <exception cref="ImpossiblePlanException">One has.</exception>
    public void RequireNone()
    {
        switch (GroupJournal.TryRead(StateDirectory))
        {
            case { Phase: GroupPhase.Done } kept:
                throw new ImpossiblePlanException(
                    $"the restore {kept.Id} of the group still keeps what was there before it; nothing was changed", "remove that with `pitr restore --all --confirm`, or go back to it with `pitr restore --all --roll-back`");
            case { Phase: GroupPhase.Confirming } confirming:
                throw new ImpossiblePlanException($"removing what was there before the restore {confirming.Id} of the group was interrupted; nothing was changed", "go on with it: pitr restore --all --confirm");
            case { } interrupted:
                throw new ImpossiblePlanException($"the restore {interrupted.Id} of the group was interrupted; nothing was changed", "bring back what was there first: pitr restore --all --roll-back");
            default:
                return;
        }
    }

    /// <summary>What is run around the services, in the order of the whole: whose, which key, and the command.</summary>
    /// <param name="services">The services, in their order.</param>
    public IReadOnlyList<(string When, CommandText Command)> Commands(IReadOnlyList<string> services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var found = new List<(string, CommandText)>();
        foreach (var whose in services.Append(ApplicationCommands.Group).Reverse())
        {
            Add("stop", _commands.Of(whose).StopCommand);
        }

        foreach (var whose in services.Append(ApplicationCommands.Group))
        {
            Add("start", _commands.Of(whose).StartCommand);
        }

        foreach (var whose in services.Append(ApplicationCommands.Group))
        {
            Add("check", _commands.Of(whose).HealthCheck);
        }

        return found;

        void Add(string when, CommandText? command)
        {
            if (command is not null)
            {
                found.Add((when, command));
            }
        }
    }

    /// <summary>Does it.</summary>
    /// <param name="id">Of the restore.</param>
    /// <param name="request">What was asked for, in words.</param>
    /// <param name="components">The services, in their order, prepared.</param>
    /// <param name="cancellation">Puts back what was there.</param>
    /// <exception cref="RolledBackException">It failed; the message says what was put back.</exception>
    public async Task RunAsync(string id, string request, IReadOnlyList<GroupComponent> components, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(components);
        var keeper = new JournalKeeper(
            StateDirectory, new GroupJournal { Id = id, Request = request, Phase = GroupPhase.Stopping, Components = [.. components.Select(c => c.Plan.Record)] }, records => Records = records);
        var names = components.Select(c => c.Plan.Record.Service).ToArray();
        var doing = "beginning";
        try
        {
            keeper.Write();
            foreach (var whose in names.Append(ApplicationCommands.Group).Reverse())
            {
                doing = $"stopping the applications of {Named(whose)}";
                keeper.EnterStop(whose);
                await _commands.StopAsync(whose, progress, cancellation);
            }

            keeper.Enter(GroupPhase.Restoring);
            foreach (var (component, number) in components.Select((c, i) => (c, i)))
            {
                cancellation.ThrowIfCancellationRequested();
                doing = $"restoring service {names[number]}";
                await component.Restore.ApplyAsync(keeper.Work(number, progress), cancellation);
            }

            keeper.Enter(GroupPhase.Starting);
            foreach (var whose in names.Append(ApplicationCommands.Group))
            {
                doing = $"starting the applications of {Named(whose)}";
                await _commands.StartAsync(whose, progress, cancellation);
            }

            keeper.Enter(GroupPhase.Checking);
            foreach (var whose in names.Append(ApplicationCommands.Group))
            {
                doing = $"checking the applications of {Named(whose)}";
                await _commands.CheckAsync(whose, progress, cancellation);
            }

            keeper.Enter(GroupPhase.Done);
        }
        catch (Exception e)
        {
            throw await new GroupRollBack(keeper, _commands, open, progress).AfterAsync(doing, e);
        }
    }

    /// <summary>Brings back what was there before an interrupted restore, or before the last one that succeeded.</summary>
    /// <returns>What lies where now, in sentences.</returns>
    /// <exception cref="ImpossiblePlanException">There is nothing to go back to.</exception>
    /// <exception cref="RolledBackException">Not everything is back; the message says what is not.</exception>
    public async Task<IReadOnlyList<string>> RollBackAsync()
    {
        var keeper = new JournalKeeper(StateDirectory, RequireJournal(), records => Records = records);
        return keeper.Journal.Phase == GroupPhase.Confirming
            ? throw new ImpossiblePlanException($"what was there before the restore {keeper.Journal.Id} of the group is being removed: there is no way back any more", "go on with it: pitr restore --all --confirm")
            : await new GroupRollBack(keeper, _commands, open, progress).RunAsync();
    }

    /// <summary>Removes what was there before the last restore, for good.</summary>
    /// <returns>What was removed, in sentences.</returns>
    /// <exception cref="ImpossiblePlanException">There is nothing, or the restore was interrupted.</exception>
    public async Task<IReadOnlyList<string>> ConfirmAsync(CancellationToken cancellation)
    {
        var keeper = new JournalKeeper(StateDirectory, RequireJournal(), records => Records = records);
        if (keeper.Journal.Phase < GroupPhase.Done)
        {
            throw new ImpossiblePlanException($"the restore {keeper.Journal.Id} of the group was interrupted: what was there before is not to be removed", "bring it back: pitr restore --all --roll-back");
        }

        keeper.Enter(GroupPhase.Confirming);
        var said = new List<string>();
        for (var number = 0; number < keeper.Journal.Components.Count; number++)
        {
            var record = keeper.Journal.Components[number];
            if (record.Phase != ComponentPhase.Confirmed)
            {
                progress?.Report(new RestoreProgress($"{record.Service}: removing what was there before", 0, 0));
                await using var component = open(record.Service);
                said.AddRange(await component.ConfirmAsync(record, cancellation));
                keeper.Work(number, progress).Enter(ComponentPhase.Confirmed);
            }
        }

        GroupJournal.Remove(StateDirectory);
        return said;
    }

    /// <summary>The journal of what can be rolled back or confirmed.</summary>
    /// <exception cref="ImpossiblePlanException">There is none.</exception>
    public GroupJournal RequireJournal() => GroupJournal.TryRead(StateDirectory)
        ?? throw new ImpossiblePlanException("no restore of the group was interrupted, and none keeps what was there before it", "`pitr audit SERVICE` shows what was done");

    internal static string Named(string whose) => whose.Length == 0 ? "the group" : $"service {whose}";
}
