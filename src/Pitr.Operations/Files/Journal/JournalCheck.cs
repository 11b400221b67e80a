using System.Globalization;
using Pitr.Operations.Configuration;

namespace Pitr.Operations.Files.Journal;

/// <summary>Goes the way of a backup of the journal up to its newest entry.</summary>
static class JournalCheck
{
    /// <summary>Looks whether there is a journal, all of it can be read, and journalctl reads it.</summary>
    /// <returns>What there is, for a person.</returns>
    /// <exception cref="Errors.OperationException">There is none, or it cannot be read.</exception>
    /// <exception cref="Pitr.Postgres.ServerException">journalctl is missing, or fails.</exception>
    public static async Task<string> RunAsync(FilesServiceSettings service, JournalSettings settings, CancellationToken cancellation)
    {
        JournalPlace.RequireFree(service);
        var tool = new JournalTool(settings);
        var (files, where) = JournalFiles.RequireReadable(settings);
        var version = await tool.ReadVersionAsync(cancellation);
        var filter = new JournalFilter(static _ => true);
        await using var stream = new JournalStream(tool.ExportNewest(), filter);
        var block = new byte[64 << 10];
        await Task.Run(
            async () =>
            {
                while (await stream.ReadAsync(block, cancellation) > 0)
                {
                }
            },
            cancellation);
        return filter.Last is { } last
            ? string.Create(CultureInfo.InvariantCulture, $"{files} file(s) in {where}, all of them readable; the newest entry is of {JournalBackup.TimeOf(last).UtcDateTime:yyyy-MM-dd HH:mm:ss}Z ({version})")
            : $"{files} file(s) in {where}, all of them readable; nothing is in them of what is meant ({version})";
    }
}
