using System.Diagnostics;
using System.Text;
using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Operations.Configuration;
using Pitr.Operations.Files;
using Pitr.Operations.Files.InPlace;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.File;
using Pitr.Storage.Testing;
using Pitr.Tests;
using Serilog.Core;

namespace Pitr.Operations.Tests.Files;

/// <summary>A service of kind files below a temporary directory: a tree, a real file repository that can be told to fail, keys, and a clock that is ahead of every file's times.</summary>
sealed class FilesScenario : IAsyncDisposable
{
    readonly List<FilesService> _opened = [];

    FilesScenario()
    {
        Store = new FaultyObjectStore(new FileObjectStore("r1", this["r1"]));
        Directory.CreateDirectory(Tree);
        Directory.CreateDirectory(this["r1"]);
        using var identity = Identity.Create();
        File.WriteAllText(this["identity.pem"], identity.ToPem());
        File.SetUnixFileMode(this["identity.pem"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(this["identity.pub"], identity.Recipient.ToPem());
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("pitr-files-").FullName;

    public string Tree => this["tree"];

    public TestClock Clock { get; } = new(DateTimeOffset.UtcNow.AddHours(1));

    public FaultyObjectStore Store { get; }

    public string this[string name] => Path.Combine(Root, name);

    public static async Task<FilesScenario> StartAsync()
    {
        var scenario = new FilesScenario();
        await RepositorySet.InitialiseAsync(scenario.Store, scenario.Clock, default);
        return scenario;
    }

    public FilesService Open(Func<FilesServiceSettings, FilesServiceSettings>? change = null)
    {
        var settings = new FilesServiceSettings("etc", ["r1"], ObjectiveSettings.Default, RetentionSettings.Default) { Paths = [Tree] };
        var configuration = new PitrConfiguration
        {
            FilePath = this["pitr.yaml"],
            StateDirectory = this["state"],
            Repositories = new Dictionary<string, RepositorySettings> { ["r1"] = new("r1", FileDriverSettings.Of(this["r1"]), RetrySettings.Default, LimitSettings.None) },
            Encryption = new EncryptionSettings([this["identity.pub"]], this["identity.pem"], null),
            Services = new Dictionary<string, ServiceSettings> { ["etc"] = change is null ? settings : change(settings) },
        };
        var service = new FilesService(configuration, "etc", Clock, Logger.None, null, _ => Store);
        _opened.Add(service);
        return service;
    }

    public async Task<BackupDocument> BackupAsync(Func<FilesServiceSettings, FilesServiceSettings>? change = null, bool full = false)
    {
        Clock.Advance(TimeSpan.FromSeconds(2));
        return await new FilesBackup(Open(change), "0") { Full = full }.RunAsync(null, default);
    }

    public async Task<FilesRestored> RestoreAsync(BackupDocument backup, string? directory, params string[] globs)
    {
        var service = Open();
        var restore = new FilesRestore(service, backup, new FilesRestoreRequest(PathSelection.Parse(globs), directory, NumericOwners: false));
        if (directory is not null)
        {
            return await restore.RunAsync(null, default);
        }

        using var inPlace = new FilesInPlace(service);
        return await inPlace.RunAsync(restore, null, default);
    }

    /// <summary>Where something of the tree lies after a restore into a directory.</summary>
    public string Restored(string directory, string name = "") => Path.Combine(directory + Tree, name);

    /// <summary>Puts a backup into the repository whose manifest has these lines between its header and its end.</summary>
    public async Task<BackupDocument> ForgeAsync(params string[] lines)
    {
        var service = Open();
        var id = new BackupId(Clock.GetUtcNow());
        var key = await service.SealingKeys.GetAsync(default);
        using var sealedManifest = new MemoryStream();
        using (var writer = new SealedObjectWriter(sealedManifest, key, SealedObjectHeader.Create(SealedObjectKind.Manifest, SealedObjectCodec.Zstd, key.Id)))
        {
            string[] all =
            [
                $$"""{"type":"header","format":1,"service":"etc","backup-id":"{{id}}","system-identifier":"0","timeline":0,"start-lsn":"0/0","page-size":0,"checksum-version":0,"kind":"files"}""",
                .. lines,
                $$"""{"type":"end","packs":0,"entries":{{lines.Length}}}""",
            ];
            writer.Write(Encoding.UTF8.GetBytes(string.Concat(all.Select(line => line + "\n"))));
            writer.Complete();
        }

        var manifest = RepositoryLayout.Manifest(service.Name, id);
        await service.Repositories.PutAsync(manifest, sealedManifest.ToArray(), PutMode.Replace, default, store => service.SealingKeys.IsPublished(key, store));
        var real = await BackupAsync();
        return real with { Id = id.ToString(), Manifest = new StoredObject(manifest, sealedManifest.Length, new string('0', 64)) };
    }

    /// <summary>Runs a program of the system that prepares or looks at files.</summary>
    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var output = process.StandardOutput.ReadToEnd();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors}");
        return output;
    }

    /// <summary>Runs Python, for names that are no text.</summary>
    public static string Python(string script, params string[] arguments) => Run("/usr/bin/python3", ["-c", script, .. arguments]);

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _opened)
        {
            await service.DisposeAsync();
        }

        // Names that are no text are beyond the base library. Restored directories may be closed to their owner.
        Run("/bin/chmod", "-R", "u+rwX", Root);
        Run("/bin/rm", "-rf", Root);
    }
}
