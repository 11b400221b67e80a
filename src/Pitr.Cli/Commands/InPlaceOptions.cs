using System.CommandLine;
using Pitr.Operations.Errors;

namespace Pitr.Cli.Commands;

/// <summary>The options of `pitr restore --in-place`.</summary>
sealed class InPlaceOptions
{
    readonly Option<bool> _inPlace = new("--in-place") { Description = "Restore the service's own cluster where it is: stop its server, keep the old directories aside, restore, start, wait for the target; put the old ones back if anything fails" };
    readonly Option<bool> _removeOld = new("--remove-old") { Description = "With --in-place or --all: remove what was there once the restore has succeeded (default: it is kept)" };
    readonly Option<bool> _rollBack = new("--roll-back") { Description = "With --in-place or --all: put back what was there, after a restore that was killed, or that succeeded and was not wanted" };

    /// <summary>--in-place itself.</summary>
    public Option<bool> Option => _inPlace;

    /// <summary>Those that say the same of a group.</summary>
    public IReadOnlyList<Option> OfGroups => [_removeOld, _rollBack];

    /// <summary>All of the options.</summary>
    public IReadOnlyList<Option> All => [_inPlace, _removeOld, _rollBack];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_inPlace);
        command.Options.Add(_removeOld);
        command.Options.Add(_rollBack);
    }

    public bool IsInPlace(ParseResult parsed) => parsed.GetValue(_inPlace);

    /// <summary>Refuses --confirm for a single service whose old state is removed by hand.</summary>
    /// <exception cref="RefusedInputException">It is given.</exception>
    public static void RequireNoConfirm(ParseResult parsed, GroupOptions group)
    {
        if (group.IsConfirm(parsed))
        {
            throw new RefusedInputException("--confirm belongs to --all, or to --in-place of a service of kind files", "a restore in place of this service says how what it keeps is removed; --remove-old removes it at once");
        }
    }

    public bool IsRollBack(ParseResult parsed) => parsed.GetValue(_rollBack);

    public bool RemovesOld(ParseResult parsed) => parsed.GetValue(_removeOld);

    /// <summary>Refuses options that say something else than --in-place.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="others">Options that belong to other ways of restoring.</param>
    /// <exception cref="RefusedInputException">One is given.</exception>
    public void RequireSense(ParseResult parsed, params IReadOnlyList<Option> others)
    {
        if (!IsInPlace(parsed))
        {
            foreach (var own in new Option[] { _removeOld, _rollBack }.Where(o => parsed.GetResult(o) is { Implicit: false }))
            {
                throw new RefusedInputException($"{own.Name} belongs to --in-place or --all", "add one of them, or leave it out");
            }

            return;
        }

        foreach (var other in others.Where(o => parsed.GetResult(o) is { Implicit: false }))
        {
            throw new RefusedInputException(
                $"--in-place and {other.Name} exclude each other",
                "--in-place takes the service's own data directory, and starts the server through services.*.server.start-command");
        }

        if (IsRollBack(parsed) && RemovesOld(parsed))
        {
            throw new RefusedInputException("--roll-back and --remove-old exclude each other", "--roll-back makes the old cluster the one in use again");
        }
    }
}
