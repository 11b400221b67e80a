using System.Security.Cryptography;
using Pitr.Format.Catalog;
using Pitr.Format.Sealing;
using Pitr.Operations.Services;
using Pitr.Storage;

namespace Pitr.Operations.Backup;

/// <summary>
/// The manifest of the newest backup as a plain file of this host, so that the next backup needs neither the repository nor an identity to compare with
/// it. It names files and where they are stored, and holds nothing of them. Lost, it is read from the repository by whoever has an identity.
/// </summary>
sealed class ManifestCache(PackedService service)
{
    const string Extension = ".manifest";
    const int DigitsOfDigest = 16;

    readonly string _directory = Path.Combine(service.StateDirectory, "manifests");

    /// <summary>A new file to be filled while a backup runs; null when there is no place for it.</summary>
    public FileStream? TryCreate()
    {
        try
        {
            Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            // One backup of a service runs at a time, so what lies here under such a name is a dead one's.
            return new FileStream(Path.Combine(_directory, "new"), new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                // Nothing left to write when it is closed, which on a full disk would fail the backup.
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            service.Log.Warning("the manifest cannot be kept for the next backup: {Reason}", e.Message);
            return null;
        }
    }

    /// <summary>Keeps a file that was filled as the manifest of a backup, and only that.</summary>
    public void Keep(string path, BackupDocument backup)
    {
        try
        {
            var kept = Name(path, backup);
            File.Move(path, kept, overwrite: true);
            foreach (var other in Directory.EnumerateFiles(_directory, "*" + Extension).Where(f => f != kept))
            {
                File.Delete(other);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            service.Log.Warning("the manifest cannot be kept for the next backup: {Reason}", e.Message);
        }
    }

    /// <summary>
    /// A backup's manifest, if it lies here and is what was written: a flipped bit would send a restore to the wrong record. Null otherwise.
    /// </summary>
    public string? Find(BackupDocument backup)
    {
        try
        {
            return Directory.Exists(_directory)
                ? Directory.EnumerateFiles(_directory, $"{Prefix(backup)}*{Extension}").FirstOrDefault(path => Name(path, backup) == path)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            service.Log.Warning("the manifest kept of backup {Backup} cannot be read: {Reason}", backup.Id, e.Message);
            return null;
        }
    }

    string Name(string path, BackupDocument backup)
    {
        using var content = File.OpenRead(path);
        return Path.Combine(_directory, $"{Prefix(backup)}{Convert.ToHexStringLower(SHA256.HashData(content))}{Extension}");
    }

    static string Prefix(BackupDocument backup) => $"{backup.Id}-{backup.Manifest.Sha256[..DigitsOfDigest]}-";

    /// <summary>Reads a backup's manifest from the repositories.</summary>
    /// <returns>Where it is now, until the next one is read.</returns>
    /// <exception cref="IOException">There is no place for it.</exception>
    public async Task<string> FetchAsync(BackupDocument backup, CancellationToken cancellation)
    {
        Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var fetched = Path.Combine(_directory, "fetched");
        var asked = await service.Repositories.AskFirstAsync((store, token) => FetchAsync(store, backup, token), cancellation);
        await using (var content = asked.IsAnswered ? asked.Answer : throw asked.Failure)
        await using (var file = new FileStream(fetched, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            content.Position = 0;
            await content.CopyToAsync(file, cancellation);
        }

        return fetched;
    }

    // In memory: several repositories may be asked at once, and some tens of megabytes are many files.
    async Task<MemoryStream> FetchAsync(IObjectStore store, BackupDocument backup, CancellationToken cancellation)
    {
        await using var stream = await store.OpenReadAsync(backup.Manifest.Key, null, cancellation);
        var header = await SealedObjectReader.ReadHeaderAsync(stream, cancellation);
        header.RequireKind(SealedObjectKind.Manifest);
        using var opened = new SealedObjectReader(stream, header, await service.OpeningKeys.GetAsync(header.KeyId, cancellation));
        var content = new MemoryStream();
        await opened.CopyToAsync(content, cancellation);
        return content;
    }
}
