using Spectre.Console;

namespace Pitr.Cli.Output;

/// <summary>Sets standard output up: colours and the terminal's width for people, plain unwrapped text for files and pipes.</summary>
static class Terminal
{
    // Wide enough that no table is ever folded where nobody looks at it.
    const int WidthOfFiles = 1000;

    public static void SetUp()
    {
        var plain = Console.IsOutputRedirected || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = WidthOfFiles;
        }
    }
}
