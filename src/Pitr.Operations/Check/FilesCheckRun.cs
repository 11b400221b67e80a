using Pitr.Operations.Files;
using Pitr.Operations.Files.Journal;
using Pitr.Operations.Services;

namespace Pitr.Operations.Check;

/// <summary>Goes the way of a backup of files up to the first of them, and says at each step whether it is passable. Single files that cannot be read are known when they are.</summary>
/// <param name="service">The service.</param>
public sealed class FilesCheckRun(FilesService service)
{
    /// <summary>Runs every check that makes sense after the ones before it.</summary>
    /// <param name="onResult">Told each result as it comes.</param>
    /// <param name="cancellation">Ends the checks.</param>
    public async Task<IReadOnlyList<CheckResult>> RunAsync(Action<CheckResult>? onResult, CancellationToken cancellation)
    {
        var list = new CheckList(onResult);
        await new BackupChecks(service, list).RunAsync(cancellation);
        if (service.Settings.Paths.Count > 0)
        {
            await list.CheckAsync("paths", () =>
            {
                TreeWalk.RequireRoots(service.Settings);
                return Task.FromResult($"{string.Join(", ", service.Settings.Paths)}: there, and reached without a link");
            });
        }

        if (service.Settings.Journal is { } journal)
        {
            await list.CheckAsync("journal", () => JournalCheck.RunAsync(service.Settings, journal, cancellation));
        }

        return list.Results;
    }
}
