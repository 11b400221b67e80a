using Pitr.Operations.Drill;
using Pitr.Operations.Files;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the <c>drill</c> section of a service of kind files.</summary>
static class FilesDrillBinding
{
    const int MostFiles = 1_000_000_000;

    static readonly TimeSpan ShortestAge = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestAge = TimeSpan.FromDays(3650);

    public static FilesDrillSettings Bind(YamlSection section)
    {
        var settings = new FilesDrillSettings(
            DrillBinding.CheckTimeout(section), [.. section.Entries("checks", "check", isRequired: false).Select(Check).OfType<FilesCheckSettings>()]);
        section.Close();
        return settings;
    }

    static FilesCheckSettings? Check(YamlSection section)
    {
        var command = section.OptionalCommand(RunCheckSettings.Word);
        var expect = section.OptionalText(DrillBinding.ExpectKey, DrillBinding.ExpectType) is { } expected ? DrillBinding.Expect(section, expected) : null;
        var path = Glob(section);
        var files = section.OptionalInteger("min-files", 1, MostFiles);
        var age = section.OptionalDuration("max-age", ShortestAge, LongestAge);
        section.Close();
        var (hasCommand, hasPath) = (section.Holds(RunCheckSettings.Word), section.Holds(PathCheckSettings.Word));
        if (hasCommand == hasPath)
        {
            section.Report(section.Where, $"{section.Title} has {(hasCommand ? "both a path and a command" : "neither a path nor a command")}", "path: GLOB says what has to be there, run: COMMAND what has to succeed");
            return null;
        }

        if (hasCommand ? files is not null || age is not null : section.Holds(DrillBinding.ExpectKey))
        {
            section.Report(section.Where, $"{section.Title} has keys that do not belong together", "expect belongs to run; min-files and max-age belong to path");
            return null;
        }

        return command is not null ? new RunCheckSettings(section.Name, command, expect)
            : path is not null ? new PathCheckSettings(section.Name, path, files, age)
            : null;
    }

    static string? Glob(YamlSection section)
    {
        if (section.OptionalText(PathCheckSettings.Word, "path or glob") is not { } glob)
        {
            return null;
        }

        if (Files.Glob.Problem(glob.Text) is { } problem)
        {
            section.Report(glob.Where, $"{section.Of(PathCheckSettings.Word)} is \"{glob.Text}\", which {problem}", "docs/files.md says what a glob is");
            return null;
        }

        return glob.Text;
    }
}
