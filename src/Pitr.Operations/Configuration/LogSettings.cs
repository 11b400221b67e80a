namespace Pitr.Operations.Configuration;

/// <summary>The <c>log</c> section.</summary>
/// <param name="Level">One of <see cref="Levels"/>: what is less important is not written.</param>
/// <param name="File">Absolute path of a log file, or null for standard error only.</param>
public sealed record LogSettings(string Level, string? File)
{
    /// <summary>The level used when the configuration names none.</summary>
    public const string DefaultLevel = "information";

    /// <summary>Every level, the most talkative first; the words of Serilog's <c>LogEventLevel</c> in lower case.</summary>
    public static IReadOnlyList<string> Levels { get; } = ["verbose", "debug", "information", "warning", "error", "fatal"];
}
