using System.Text;
using System.Text.Json;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>What lies in a repository tells nothing about the rows to whoever has no identity.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class SealedTests(ProtectedService service)
{
    const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const UnixFileMode OwnerDirectory = OwnerFile | UnixFileMode.UserExecute;

    [Fact]
    public async Task No_stored_object_shows_rows_or_keys()
    {
        await service.Cluster.ExecuteAsync("CHECKPOINT");
        var rows = service.Texts.Select(Encoding.UTF8.GetBytes).Append(service.Noise[100..132]).ToArray();

        // The scan is worth something only if it finds the rows where they are.
        var live = ReadAll(Path.Combine(service.Cluster.Cluster.DataDirectory, "base"));
        Assert.All(rows, row => Assert.Contains(live, file => Contains(file.Content, row)));

        var stored = ReadAll(service.Host.Repository);
        Assert.True(stored.Count > 8);
        foreach (var (path, content) in stored)
        {
            foreach (var secret in rows.Concat(Secrets()))
            {
                Assert.False(Contains(content, secret), $"{path} holds {Encoding.Latin1.GetString(secret)}");
            }
        }
    }

    [Fact]
    public void Every_file_belongs_to_its_owner_alone()
    {
        foreach (var root in new[] { service.Host.Repository, Path.Combine(service.Host.StateDirectory, "services", PitrHost.Service) })
        {
            foreach (var path in Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories).Append(root))
            {
                var mode = File.GetUnixFileMode(path);
                Assert.True(mode == (Directory.Exists(path) ? OwnerDirectory : OwnerFile), $"{path} has mode {mode}");
            }
        }

        Assert.Equal(OwnerFile, File.GetUnixFileMode(service.Host.IdentityFile));
        Assert.Equal(OwnerFile, File.GetUnixFileMode(service.Host.Socket));
    }

    [Fact]
    public async Task The_identity_is_in_no_output()
    {
        foreach (var command in new string[][] { ["config", "show"], ["key", "list"], ["--output", "json", "config", "show"], ["--verbose", "info"] })
        {
            var run = (await service.Host.RunAsync(command)).Must();
            Assert.All(Secrets(), secret => Assert.DoesNotContain(Encoding.Latin1.GetString(secret), run.Output + run.Errors, StringComparison.Ordinal));
        }
    }

    // The private key in the forms it is written in, and the data key this host seals with.
    List<byte[]> Secrets()
    {
        var secrets = File.ReadLines(service.Host.IdentityFile).Where(line => line.Length == 64).Select(Encoding.ASCII.GetBytes).ToList();
        Assert.NotEmpty(secrets);
        foreach (var path in Directory.EnumerateFiles(service.Host.StateDirectory, "data-key.json", SearchOption.AllDirectories))
        {
            using var cached = JsonDocument.Parse(File.ReadAllBytes(path));
            var secret = cached.RootElement.EnumerateObject().Select(m => m.Value).Where(v => v.ValueKind == JsonValueKind.String && v.GetString() is { Length: 44 } text && text.EndsWith('='))
                .Select(v => v.GetBytesFromBase64()).Single(bytes => bytes.Length == 32);
            secrets.AddRange([secret, Encoding.ASCII.GetBytes(Convert.ToBase64String(secret)), Encoding.ASCII.GetBytes(Convert.ToHexStringLower(secret))]);
        }

        Assert.True(secrets.Count >= 4);
        return secrets;
    }

    static List<(string Path, byte[] Content)> ReadAll(string directory) =>
        Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Select(path => (path, File.ReadAllBytes(path))).ToList();

    static bool Contains(byte[] content, byte[] part) => content.AsSpan().IndexOf(part) >= 0;
}
