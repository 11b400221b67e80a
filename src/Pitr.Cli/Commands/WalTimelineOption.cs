using System.CommandLine;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;

namespace Pitr.Cli.Commands;

/// <summary>The option that keeps a WAL command to one timeline.</summary>
static class WalTimelineOption
{
    public static Option<string?> Create() => new("--timeline") { Description = "This timeline only", HelpName = "N" };

    /// <exception cref="RefusedInputException">It is no timeline.</exception>
    public static Timeline? Read(string? text)
    {
        if (text is null)
        {
            return null;
        }

        return Timeline.TryParse(text, out var timeline)
            ? timeline
            : throw new RefusedInputException($"--timeline: \"{text}\" is no timeline", "a decimal number from 1 up, as `pitr wal list` shows it");
    }
}
