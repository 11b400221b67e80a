using System.CommandLine;
using System.CommandLine.Parsing;
using Pitr.Operations.Configuration;

namespace Pitr.Cli.Output;

/// <summary>Says which word of a command line is not understood, and what was probably meant.</summary>
static class UsageOutput
{
    /// <summary>What is wrong with a command line.</summary>
    /// <param name="Messages">One or more lines.</param>
    /// <param name="Hint">What to do next.</param>
    /// <param name="ExitCode">See docs/exit-codes.md.</param>
    public sealed record Misunderstood(IReadOnlyList<string> Messages, string Hint, int ExitCode);

    /// <summary>What is wrong with a command line; null when nothing is.</summary>
    public static Misunderstood? Misunderstanding(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var path = Path(parsed.CommandResult);
        if (UnknownOption(parsed) is { } option)
        {
            var hint = NearestName.Find(option, Options(parsed.CommandResult)) is { } nearest ? $"did you mean {nearest}? " : "";
            return new([$"{path} has no option {option}"], $"{hint}{path} --help shows what it takes, with examples", Code(path));
        }

        if (parsed.Errors.Count == 0)
        {
            return null;
        }

        if (command.Subcommands.Count == 0 || command.Arguments.Count > 0)
        {
            var hint = FileForOutput(parsed) is { } file ? $"did you mean --to {file}? " : MeantCommand(parsed, command, path);
            return new([.. parsed.Errors.Select(e => e.Message)], $"{hint}{path} --help shows what it takes, with examples", Code(path));
        }

        return parsed.UnmatchedTokens is [var word, ..] ? UnknownCommand(command, path, word, Root(parsed)) : new(
            [$"{path} needs a command"], NearestName.Hint("", Names(command), "commands"), ExitCodes.Usage);
    }

    /// <summary>Keeps the help of a command from showing what only the command above it takes.</summary>
    public static void HideOuterArguments(ParseResult parsed)
    {
        for (var outer = parsed.CommandResult.Parent as CommandResult; outer is not null; outer = outer.Parent as CommandResult)
        {
            foreach (var argument in outer.Command.Arguments)
            {
                argument.Hidden = true;
            }
        }
    }

    /// <summary>Reports it and gives its exit code.</summary>
    public static int Report(Misunderstood misunderstood)
    {
        foreach (var message in misunderstood.Messages)
        {
            Console.Error.WriteLine($"pitr: {message}");
        }

        Console.Error.WriteLine($"HINT: {misunderstood.Hint}");
        return misunderstood.ExitCode;
    }

    // Of a command that takes a name or a command, a mistyped command is taken for the name.
    static string MeantCommand(ParseResult parsed, Command command, string path) =>
        parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => NearestName.Find(t.Value, Names(command))).FirstOrDefault(found => found is not null) is { } meant
            ? $"did you mean \"{path} {meant}\"? "
            : "";

    static Misunderstood UnknownCommand(Command command, string path, string word, Command root)
    {
        var nearest = NearestName.Find(word, Names(command));
        // A word that stands right elsewhere is a slip of memory, not of the fingers.
        var elsewhere = nearest is null ? Everywhere(root, root.Name).Where(known => known.EndsWith($" {word}", StringComparison.Ordinal)).ToArray() : [];
        var hint = elsewhere.Length > 0
            ? $"did you mean \"{string.Join("\" or \"", elsewhere)}\"? commands: {string.Join(", ", Names(command))}"
            : NearestName.Hint(word, Names(command), "commands");
        return new([$"{path} has no command \"{word}\""], hint, Code($"{path} {nearest}"));
    }

    // PostgreSQL must not take a mistyped restore_command for "there is no such file".
    static int Code(string path) => path == "pitr wal get" ? ExitCodes.Unknown : ExitCodes.Usage;

    // What begins with two hyphens is no service and no file, unless behind `--`; the parser takes it for one where an argument may stand.
    static string? UnknownOption(ParseResult parsed)
    {
        var end = parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash).Count();
        var behind = parsed.Tokens.Skip(end).Select(t => t.Value).ToHashSet(StringComparer.Ordinal);
        return parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => t.Value)
            .Concat(parsed.CommandResult.Command.TreatUnmatchedTokensAsErrors ? parsed.UnmatchedTokens : [])
            .FirstOrDefault(word => word.Length > 2 && word.StartsWith("--", StringComparison.Ordinal) && !behind.Contains(word))
            ?.Split('=')[0];
    }

    // Other programs write into the file that their --output names; here that is --to.
    static string? FileForOutput(ParseResult parsed) =>
        parsed.CommandResult.Command.Options.Any(o => o.Name == "--to") && parsed.GetResult(GlobalOptions.Output) is { Tokens: [var given] } result && result.Errors.Any() ? given.Value : null;

    static IEnumerable<string> Options(CommandResult? result)
    {
        for (var at = result; at is not null; at = at.Parent as CommandResult)
        {
            foreach (var option in at.Command.Options.Where(o => !o.Hidden && (o.Recursive || at == result)))
            {
                yield return option.Name;
            }
        }
    }

    static IEnumerable<string> Names(Command command) => command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);

    static IEnumerable<string> Everywhere(Command command, string path) =>
        command.Subcommands.Where(c => !c.Hidden).SelectMany(c => Everywhere(c, $"{path} {c.Name}").Prepend($"{path} {c.Name}"));

    static Command Root(ParseResult parsed) => parsed.RootCommandResult.Command;

    static string Path(CommandResult result) => result.Parent is CommandResult parent ? $"{Path(parent)} {result.Command.Name}" : result.Command.Name;
}
