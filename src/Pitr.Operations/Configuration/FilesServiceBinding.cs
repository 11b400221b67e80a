using Pitr.Operations.Files;
using Pitr.Operations.Files.Journal;

namespace Pitr.Operations.Configuration;

/// <summary>Reads the keys of a service of <c>kind: files</c>.</summary>
static class FilesServiceBinding
{
    public static FilesServiceSettings Bind(YamlSection section, IReadOnlyList<string> repositories, ObjectiveSettings objectives, RetentionSettings retention)
    {
        var journal = JournalBinding.Bind(section);
        var paths = section.OptionalPaths("paths");
        RequireSome(section, paths, journal);
        RequireApart(section, paths);
        return new FilesServiceSettings(section.Name, repositories, objectives, retention)
        {
            Paths = paths,
            Journal = journal,
            Include = Globs(section, "include"),
            Exclude = Globs(section, "exclude"),
            OneFileSystem = section.Choice("one-file-system", "false", ["false", "true"]) == "true",
            Backup = ConfigurationBinding.Packs(section.Section("backup")),
            Drill = FilesDrillBinding.Bind(section.Section("drill")),
            Verify = PostgresServiceBinding.Verify(section.Section("verify")),
        };
    }

    static void RequireSome(YamlSection section, IReadOnlyList<string> paths, JournalSettings? journal)
    {
        if (paths.Count == 0 && journal is null && !section.Holds("paths"))
        {
            section.Report(section.Where, $"{section.Title} has neither \"paths\" nor \"journal\"", "add \"paths\": a list of paths, or \"journal\": {}");
        }

        if (journal is not null && paths.FirstOrDefault(path => path == JournalPlace.Absolute || path.StartsWith(JournalPlace.Absolute + "/", StringComparison.Ordinal)) is { } taken)
        {
            section.Report(section.WhereIs("paths"), $"{section.Of("paths")} holds \"{taken}\", where backups hold the journal", "give it a service of its own, or another name");
        }
    }

    // What is stored twice would be restored twice.
    static void RequireApart(YamlSection section, IReadOnlyList<string> paths)
    {
        foreach (var path in paths)
        {
            if (paths.FirstOrDefault(other => other != path && path.StartsWith(other == "/" ? other : other + "/", StringComparison.Ordinal)) is { } outer)
            {
                section.Report(section.WhereIs("paths"), $"{section.Of("paths")} holds \"{path}\", which lies within \"{outer}\"", "leave one of them out; include and exclude say what of a tree is stored");
            }
        }
    }

    static IReadOnlyList<string> Globs(YamlSection section, string key)
    {
        var globs = section.OptionalList(key, "list of globs");
        foreach (var glob in globs)
        {
            if (Glob.Problem(glob.Text) is { } problem)
            {
                section.Report(glob.Where, $"{section.Of(key)} holds \"{glob.Text}\", which {problem}", "docs/files.md says what a glob is");
            }
        }

        return [.. globs.Select(glob => glob.Text)];
    }
}
