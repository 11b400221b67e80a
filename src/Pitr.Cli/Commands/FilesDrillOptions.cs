using System.CommandLine;
using Pitr.Operations.Configuration;
using Pitr.Operations.Drill.Files;
using Pitr.Operations.Errors;

namespace Pitr.Cli.Commands;

/// <summary>What `pitr drill` is told of a service of kind files.</summary>
static class FilesDrillOptions
{
    static readonly Option<string[]> Paths = new("--path")
    {
        Description = "Files: only what this path or glob matches, and what lies below. May be given several times", HelpName = "GLOB", AllowMultipleArgumentsPerToken = false,
    };

    static readonly Option<bool> Keep = new("--keep") { Description = "Files, with --scratch: the restored tree stays there, to be looked at" };

    static readonly Option[] All = [Paths, Keep];

    /// <summary>Adds the options to the command.</summary>
    public static void AddTo(Command command)
    {
        foreach (var option in All)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Whether the restored tree shall stay.</summary>
    public static bool IsKept(ParseResult parsed) => parsed.GetValue(Keep);

    /// <summary>Refuses the options for a service of another kind.</summary>
    /// <exception cref="RefusedInputException">One of them was given.</exception>
    public static void RequireNone(ParseResult parsed)
    {
        if (All.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new RefusedInputException($"{given.Name} is for services of kind {FilesServiceSettings.KindName}", "leave it out");
        }
    }

    /// <summary>What was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="word">The word that names a backup; null for the newest.</param>
    /// <param name="scratch">The option that names a directory.</param>
    /// <param name="kept">What else is for every kind of service.</param>
    /// <exception cref="RefusedInputException">Something makes no sense, or is for services of other kinds.</exception>
    public static FilesDrillRequest Read(ParseResult parsed, string? word, Option<string?> scratch, params Option[] kept)
    {
        if (parsed.CommandResult.Command.Options.Except(All).Except(kept).FirstOrDefault(option => option != scratch && parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new RefusedInputException($"{given.Name} is not for services of kind {FilesServiceSettings.KindName}", "a backup of files has one moment: pitr drill SERVICE, or --backup ID");
        }

        if (parsed.GetValue(Keep) && parsed.GetValue(scratch) is null)
        {
            throw new RefusedInputException("--keep does not say where", "add --scratch DIR: the tree stays in a directory made there, until you remove it");
        }

        var paths = parsed.GetValue(Paths) ?? [];
        _ = FilesRestoreOptions.Select(paths);
        return new FilesDrillRequest(DumpRestoreOptions.ReadBackup(word), paths);
    }
}
