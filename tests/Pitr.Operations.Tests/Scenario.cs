using Pitr.Format.Catalog;
using Pitr.Format.Keys;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Configuration;
using Pitr.Operations.Services;
using Pitr.Storage;
using Pitr.Storage.File;
using Pitr.Storage.Testing;
using Serilog.Core;

namespace Pitr.Operations.Tests;

/// <summary>
/// One test's world below a temporary directory: real file repositories that can be told to fail, keys, a state directory, a pg_wal,
/// and a clock that moves when told.
/// </summary>
sealed class Scenario : IAsyncDisposable
{
    public const string ServiceName = "main";

    public static readonly DateTimeOffset Start = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);

    readonly List<OpenedService> _opened = [];
    PostgresService? _service;

    readonly int? _required;

    Scenario(int repositories, bool skipsWaits, int? required)
    {
        _required = required;
        Clock = new TestClock(Start) { SkipsShortWaits = skipsWaits };
        Stores = [.. Enumerable.Range(1, repositories).Select(n => new FaultyObjectStore(new FileObjectStore($"r{n}", RootOf(n))))];
        Directory.CreateDirectory(this["pg_wal"]);
        using var identity = Identity.Create();
        WriteIdentity(identity, "identity");
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("pitr-operations-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public TestClock Clock { get; }

    public IReadOnlyList<FaultyObjectStore> Stores { get; }

    public FaultyObjectStore Store => Stores[0];

    /// <summary>The service with defaults, opened on first use.</summary>
    public PostgresService Service => _service ??= Open();

    public ArchivePush Push => new(Service);

    public ArchiveGet Get => new(Service);

    public static async Task<Scenario> StartAsync(int repositories = 1, bool skipsWaits = false, int? required = null)
    {
        var scenario = new Scenario(repositories, skipsWaits, required);
        foreach (var store in scenario.Stores)
        {
            await RepositorySet.InitialiseAsync(store, scenario.Clock, default);
        }

        return scenario;
    }

    /// <summary>Opens the service as another process or host would.</summary>
    public PostgresService Open(
        string state = "state",
        string? identity = "identity",
        string[]? recipients = null,
        Func<PostgresServiceSettings, PostgresServiceSettings>? change = null,
        Func<FaultyObjectStore, IObjectStore>? wrap = null,
        string name = ServiceName)
    {
        var names = Stores.Select(s => s.Name).ToArray();
        var settings = new PostgresServiceSettings(name, names, ObjectiveSettings.Default, RetentionSettings.Default)
        {
            RequiredRepositories = _required ?? names.Length,
        };
        var service = new PostgresService(
            Configuration(change is null ? settings : change(settings), state, identity, recipients), name, Clock, Logger.None, null,
            r => wrap is null ? Stores.Single(s => s.Name == r.Name) : wrap(Stores.Single(s => s.Name == r.Name)));
        _opened.Add(service);
        return service;
    }

    /// <summary>Opens a service whose backups are dumps as another process or host would.</summary>
    public DumpService OpenDumps(
        string state = "state",
        string? identity = "identity",
        Func<DumpServiceSettings, DumpServiceSettings>? change = null,
        Func<FaultyObjectStore, IObjectStore>? wrap = null,
        string name = ServiceName)
    {
        var names = Stores.Select(s => s.Name).ToArray();
        DumpServiceSettings settings = new RedisSettings(name, names, ObjectiveSettings.Default, RetentionSettings.Default)
        {
            Server = new NetworkPlace("127.0.0.1", RedisSettings.DefaultPort, null), RequiredRepositories = _required ?? names.Length,
        };
        var service = new DumpService(
            Configuration(change is null ? settings : change(settings), state, identity, recipients: null), name, Clock, Logger.None, null,
            r => wrap is null ? Stores.Single(s => s.Name == r.Name) : wrap(Stores.Single(s => s.Name == r.Name)));
        _opened.Add(service);
        return service;
    }

    PitrConfiguration Configuration(ServiceSettings settings, string state, string? identity, string[]? recipients) => new()
    {
        FilePath = this["pitr.yaml"],
        StateDirectory = this[state],
        Repositories = Stores.ToDictionary(
            s => s.Name, s => new RepositorySettings(s.Name, FileDriverSettings.Of(new Uri(s.Location).LocalPath), RetrySettings.Default, LimitSettings.None)),
        Encryption = new EncryptionSettings(
            [.. (recipients ?? ["identity"]).Select(r => this[$"{r}.pub"])], identity is null ? null : this[$"{identity}.pem"], null),
        Services = new Dictionary<string, ServiceSettings> { [settings.Name] = settings },
    };

    /// <summary>Makes a key pair: NAME.pem and NAME.pub.</summary>
    public Recipient WriteIdentity(string name)
    {
        using var identity = Identity.Create();
        return WriteIdentity(identity, name);
    }

    public Identity ReadIdentity(string name = "identity") => Identity.FromPem(File.ReadAllText(this[$"{name}.pem"]));

    Recipient WriteIdentity(Identity identity, string name)
    {
        File.WriteAllText(this[$"{name}.pem"], identity.ToPem());
        File.SetUnixFileMode(this[$"{name}.pem"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(this[$"{name}.pub"], identity.Recipient.ToPem());
        return identity.Recipient;
    }

    /// <summary>Puts a file into pg_wal.</summary>
    public string Write(string name, byte[] content)
    {
        var path = Path.Combine(this["pg_wal"], name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Makes a segment of 1 MiB and pushes it.</summary>
    public async Task<byte[]> PushSegmentAsync(string name, int seed = 1, params DateTimeOffset[] commits)
    {
        var content = WalSample.Segment(name, seed, commits: commits);
        await Push.PushAsync(Write(name, content), default);
        return content;
    }

    /// <summary>Pushes a run of segments, each with these commits.</summary>
    public async Task PushRunAsync(uint timeline, ulong first, ulong last, Func<ulong, DateTimeOffset[]>? commits = null)
    {
        for (var number = first; number <= last; number++)
        {
            await PushSegmentAsync(WalSegmentName.FromNumber(new Timeline(timeline), number, WalSample.Small).ToString(), (int)number, commits?.Invoke(number) ?? []);
        }
    }

    public Task PushTextAsync(string name, string text) => Push.PushAsync(Write(name, text), default);

    /// <summary>Puts a catalog entry for segments <paramref name="startWal"/> to <paramref name="stopWal"/> (1 MiB each).</summary>
    public async Task<BackupDocument> PutBackupAsync(DateTimeOffset started, ulong startWal, ulong stopWal, uint timeline = 1, DateTimeOffset? stopTime = null, int repository = 0)
    {
        var id = new BackupId(started);
        var document = new BackupDocument
        {
            Id = id.ToString(),
            Service = ServiceName,
            Method = "stream",
            Host = "here",
            PitrVersion = "0",
            Started = started,
            Finished = started.AddMinutes(1),
            StopTime = stopTime ?? started.AddSeconds(5),
            Label = $"pitr {id}",
            StartLsn = new Lsn((startWal << 20) + 0x28),
            StopLsn = new Lsn((stopWal << 20) + 0x138),
            StartWal = WalSegmentName.FromNumber(new Timeline(timeline), startWal, WalSample.Small).ToString(),
            StopWal = WalSegmentName.FromNumber(new Timeline(timeline), stopWal, WalSample.Small).ToString(),
            Timeline = timeline,
            SystemIdentifier = $"{WalSample.SystemIdentifier}",
            PostgresVersion = 150018,
            WalSegmentSize = 1 << 20,
            PageSize = 8192,
            ChecksumVersion = 1,
            DatabaseBytes = 1000,
            StoredBytes = 100,
            Files = 3,
            Manifest = new StoredObject(RepositoryLayout.Manifest(Service.Name, id), 100, new string('0', 64)),
            Packs = [],
            DataKeys = [],
        };
        await Stores[repository].PutAsync(RepositoryLayout.Backup(Service.Name, id), ObjectContent.FromMemory(document.ToJson()), PutMode.CreateNew, default);
        return document;
    }

    public string KeyOf(string walFile) => RepositoryLayout.Wal(Service.Name, WalFileName.Parse(walFile));

    /// <summary>The file in which a repository keeps an object.</summary>
    public string PathOf(string key, int repository = 1) => Path.Combine(RootOf(repository), key);

    /// <summary>Every key in a repository.</summary>
    public async Task<List<string>> KeysAsync(int repository = 1, string prefix = "")
    {
        var keys = new List<string>();
        await foreach (var item in Stores[repository - 1].ListAsync(prefix, ListMode.Recursive, default))
        {
            keys.Add(item.Key);
        }

        return keys;
    }

    /// <summary>Flips one bit of a stored object.</summary>
    public void Damage(string key, int repository = 1, long? atByte = null)
    {
        var path = PathOf(key, repository);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var content = File.ReadAllBytes(path);
        content[atByte ?? content.Length / 2] ^= 0x10;
        File.WriteAllBytes(path, content);
    }

    public string RootOf(int repository) => this[$"repository-{repository}"];

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _opened)
        {
            await service.DisposeAsync();
        }

        Directory.Delete(Root, recursive: true);
    }
}
