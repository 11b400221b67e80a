using System.CommandLine;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Files;

namespace Pitr.Cli.Commands;

/// <summary>What `pitr restore` is told of a service of kind files.</summary>
static class FilesRestoreOptions
{
    static readonly Option<string[]> Paths = new("--path")
    {
        Description = "Files: only what this path or glob matches, and what lies below. May be given several times", HelpName = "GLOB", AllowMultipleArgumentsPerToken = false,
    };

    static readonly Option<bool> NumericOwner = new("--numeric-owner") { Description = "Files: owners by number, although their names have other numbers here" };

    static readonly Option[] All = [Paths, NumericOwner];

    /// <summary>Adds the options to a command.</summary>
    public static void AddTo(Command command)
    {
        foreach (var option in All)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Refuses the options for a service of another kind.</summary>
    /// <exception cref="RefusedInputException">One of them was given.</exception>
    public static void RequireNone(ParseResult parsed)
    {
        if (All.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new RefusedInputException($"{given.Name} is for services of kind {FilesServiceSettings.KindName}", "leave it out");
        }
    }

    /// <summary>Refuses everything that was given and is not for files.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="kept">What is for every kind of service.</param>
    /// <exception cref="RefusedInputException">Something was.</exception>
    public static void RequireNoOther(ParseResult parsed, params Option[] kept)
    {
        if (parsed.CommandResult.Command.Options.Except(All).Except(kept).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new RefusedInputException($"{given.Name} is not for services of kind {FilesServiceSettings.KindName}", "a backup of files has one moment: pitr restore SERVICE [BACKUP|latest] --to DIR, or --in-place");
        }
    }

    /// <summary>Refuses what says something else than --roll-back or --confirm, which are about the whole of the last restore in place.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="backup">The backup that was named; null for none.</param>
    /// <param name="isInPlace">Whether --in-place was given.</param>
    /// <param name="whole">Options that exclude each other, and --in-place.</param>
    /// <exception cref="RefusedInputException">Something does.</exception>
    public static void RequireAlone(ParseResult parsed, Pitr.Format.Layout.BackupId? backup, bool isInPlace, IReadOnlyList<Option> whole)
    {
        var given = whole.Where(option => parsed.GetResult(option) is { Implicit: false }).Select(option => option.Name).Except(["--in-place"], StringComparer.Ordinal).ToArray();
        if (!isInPlace || given.Length > 1)
        {
            throw new RefusedInputException(
                isInPlace ? $"{string.Join(" and ", given)} exclude each other" : $"{given[0]} belongs to --in-place or --all",
                "--in-place --roll-back goes back to what was there before, --in-place --confirm removes it, --in-place --remove-old restores and removes it then");
        }

        if (backup is not null || All.Any(option => parsed.GetResult(option) is { Implicit: false }))
        {
            throw new RefusedInputException($"{given[0]} is about all of the last restore in place; it takes neither a backup nor a part of one", $"pitr restore SERVICE --in-place {given[0]}");
        }
    }

    /// <summary>What was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="directory">Where it goes; null: to where it was.</param>
    /// <exception cref="RefusedInputException">A glob makes no sense.</exception>
    public static FilesRestoreRequest Read(ParseResult parsed, string? directory) =>
        new(Select(parsed.GetValue(Paths) ?? []), directory is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)), parsed.GetValue(NumericOwner));

    /// <summary>Reads globs of a command line.</summary>
    /// <exception cref="RefusedInputException">One makes no sense.</exception>
    public static PathSelection Select(IReadOnlyList<string> globs)
    {
        try
        {
            return PathSelection.Parse(globs);
        }
        catch (FormatException e)
        {
            throw new RefusedInputException($"the path {e.Message}", "an absolute path, or a glob: '*.conf', '/etc/**/ssl/'", e);
        }
    }
}
