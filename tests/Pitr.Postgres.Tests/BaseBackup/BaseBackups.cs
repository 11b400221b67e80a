using Pitr.Postgres.BaseBackup;
using Pitr.Postgres.Cluster;

namespace Pitr.Postgres.Tests.BaseBackup;

static class BaseBackups
{
    /// <summary>Takes a base backup and unpacks it, as restore does later with what a repository holds.</summary>
    public static async Task<List<string>> TakeAsync(BinDirectory programs, string connectionString, string target, string label = "test")
    {
        var messages = new List<string>();
        await using var backup = PgBaseBackup.Start(new PgBaseBackupOptions
        {
            BinDirectory = programs,
            ConnectionString = connectionString,
            Label = label,
            OnMessage = messages.Add,
        });
        Directory.CreateDirectory(target, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await foreach (var entry in new BaseBackupTarReader(backup.Output).ReadAsync())
        {
            var path = Path.Combine(target, entry.Path);
            switch (entry.Kind)
            {
                case TarEntryKind.Directory:
                    Directory.CreateDirectory(path, (UnixFileMode)entry.Mode);
                    break;
                case TarEntryKind.Link:
                    File.CreateSymbolicLink(path, entry.LinkTarget!);
                    break;
                case TarEntryKind.File:
                    await using (var file = File.Create(path))
                    {
                        await entry.Data.CopyToAsync(file);
                        Assert.Equal(entry.Size, file.Length);
                    }

                    File.SetUnixFileMode(path, (UnixFileMode)entry.Mode);
                    File.SetLastWriteTimeUtc(path, entry.Modified.UtcDateTime);
                    break;
                default:
                    Assert.Fail($"{entry.Kind}");
                    break;
            }
        }

        await backup.WaitAsync();
        return messages;
    }
}
