using System.Globalization;

namespace Pitr.Operations.Configuration;

/// <summary>What a drill has to find in the restored tree.</summary>
/// <param name="Name">The name given to it.</param>
/// <param name="Path">A path or glob; what it matches is meant, and everything below.</param>
/// <param name="MinFiles">So many regular files at least; null: anything is enough, also a directory or link.</param>
/// <param name="MaxAge">How old the newest file may have been when the backup began; null: any age.</param>
public sealed record PathCheckSettings(string Name, string Path, int? MinFiles, TimeSpan? MaxAge) : FilesCheckSettings(Name)
{
    /// <summary>What the report calls it, and the key of the path.</summary>
    public const string Word = "path";

    /// <summary>What it expects, in words.</summary>
    public string Expected
    {
        get
        {
            string[] all =
            [
                .. MinFiles is { } files ? [string.Create(CultureInfo.InvariantCulture, $"at least {files} file{(files == 1 ? "" : "s")}")] : Array.Empty<string>(),
                .. MaxAge is { } age ? [$"the newest file at most {ConfigurationUnits.Format(age)} old"] : Array.Empty<string>(),
            ];
            return all.Length == 0 ? "anything" : string.Join(", ", all);
        }
    }
}
