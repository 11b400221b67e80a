using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Format.Manifests;
using Pitr.Operations.Configuration;
using Pitr.Operations.Files;

namespace Pitr.Operations.Drill.Files;

/// <summary>Looks whether something of the configuration is in a restored tree.</summary>
/// <param name="settings">What.</param>
/// <param name="backup">The backup it is of.</param>
/// <param name="root">The directory that stands for /.</param>
sealed class PathCheck(PathCheckSettings settings, BackupDocument backup, string root)
{
    /// <summary>The check before it is done.</summary>
    public DrillCheck Undone => new($"{PathCheckSettings.Word} {settings.Name}", false, "") { Sql = settings.Path, Expected = settings.Expected };

    /// <summary>Does it.</summary>
    public DrillCheck Run(CancellationToken cancellation)
    {
        var selection = PathSelection.Parse([settings.Path]);
        var (files, others, newest) = (0, 0, DateTimeOffset.MinValue);
        foreach (var file in new RestoredWalk(root).Run(cancellation))
        {
            if (!selection.Holds(file.Path, file.Status.Type == TreeCalls.DirectoryType))
            {
                continue;
            }

            if (file.Status.Type != TreeCalls.Regular)
            {
                others++;
                continue;
            }

            files++;
            var written = FileMetadata.ToTime(file.Status.ModifiedSeconds, file.Status.ModifiedNanoseconds);
            newest = written > newest ? written : newest;
        }

        var found = string.Create(CultureInfo.InvariantCulture, $"{files} file{(files == 1 ? "" : "s")}{(files == 0 ? "" : $", the newest of {newest.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC")}");
        var passed = files + others > 0
            && (settings.MinFiles is not { } least || files >= least)
            && (settings.MaxAge is not { } oldest || (files > 0 && backup.Started - newest <= oldest));
        var said = files + others == 0 ? "nothing in the backup matches it" : others > 0 && files == 0 ? "no files, but directories or links" : found;
        var when = settings.MaxAge is null ? "" : $" when the backup began, {backup.Started.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC";
        return Undone with { Passed = passed, Result = found, Detail = passed ? $"{said}, as expected ({settings.Expected})" : $"{said}, but expected is {settings.Expected}{when}" };
    }
}
