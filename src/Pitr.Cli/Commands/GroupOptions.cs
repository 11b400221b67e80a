using System.CommandLine;
using System.CommandLine.Parsing;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Cli.Commands;

/// <summary>The options of commands that work on every service of the configuration.</summary>
sealed class GroupOptions
{
    readonly Option<string[]> _components = new("--component") { Description = "With --all: only this service. May be given several times", HelpName = "NAME", AllowMultipleArgumentsPerToken = false };
    readonly Option<bool> _dryRun = new("--dry-run") { Description = "With --all: show the plan and do nothing" };
    readonly Option<bool> _confirm = new("--confirm") { Description = "With --all, or --in-place of files: remove what was there before the last restore, which succeeded" };

    public GroupOptions() => _components.CompletionSources.Add(ServiceNames.Complete);

    /// <summary>--all itself.</summary>
    public Option<bool> All { get; } = new("--all") { Description = "Every service of the configuration, in the order that services.*.after gives" };

    /// <summary>--confirm.</summary>
    public Option Confirm => _confirm;

    /// <summary>Adds what every such command has.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(All);
        command.Options.Add(_components);
    }

    /// <summary>Adds --dry-run, for a command that has none for a single service.</summary>
    public void AddDryRunTo(Command command) => command.Options.Add(_dryRun);

    /// <summary>Adds --confirm.</summary>
    public void AddConfirmTo(Command command) => command.Options.Add(_confirm);

    /// <summary>Refuses a command line that names neither a service nor all, or options of all without it.</summary>
    public void RequireServiceOrAll(Command command, Argument<string?> service)
    {
        service.Description = "Name of the service in the configuration; left out with --all";
        command.Validators.Add(result => Check(result, command, service));
    }

    void Check(CommandResult result, Command command, Argument<string?> service)
    {
        if (result.GetValue(All))
        {
            return;
        }

        if (result.GetValue(service) is null)
        {
            result.AddError($"Required argument missing for command: '{command.Name}'.");
        }

        // Of a single service those refuse it whose restores keep nothing by it.
        foreach (var option in new Option[] { _components, _dryRun }.Where(option => result.GetResult(option) is { Implicit: false }))
        {
            result.AddError($"{option.Name} belongs to --all");
        }
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetResult(All) is { Implicit: false };

    public bool IsDryRun(ParseResult parsed) => parsed.GetValue(_dryRun);

    public bool IsConfirm(ParseResult parsed) => parsed.GetValue(_confirm);

    /// <summary>The services that are meant, in the order in which they are worked on.</summary>
    /// <exception cref="RefusedInputException">One that is named is not there.</exception>
    public IReadOnlyList<string> Services(CommandContext context, ParseResult parsed)
    {
        var order = ServiceOrder.Of(context.Configuration.Services);
        if (parsed.GetValue(_components) is not { Length: > 0 } chosen)
        {
            return order;
        }

        return chosen.FirstOrDefault(name => !order.Contains(name)) is { } unknown
            ? throw new RefusedInputException($"no service is named \"{unknown}\"", NearestName.Hint(unknown, order, "configured service names"))
            : [.. order.Where(name => chosen.Contains(name))];
    }

    /// <summary>Refuses everything that was given and is for single services.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="kept">What is for all as well.</param>
    /// <exception cref="RefusedInputException">Something was.</exception>
    public void RequireNoOther(ParseResult parsed, params IReadOnlyList<Option> kept)
    {
        if (parsed.CommandResult.Command.Options.Except([All, _components, _dryRun, _confirm]).Except(kept).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new RefusedInputException($"{given.Name} is for one service, not for --all", "leave it out, or name the service instead of --all");
        }
    }
}
