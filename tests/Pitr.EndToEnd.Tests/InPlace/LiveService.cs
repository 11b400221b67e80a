using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.Postgres.Cluster;

namespace Pitr.EndToEnd.Tests.InPlace;

/// <summary>
/// A host with a copy of everything that a <see cref="StoppedService"/> has, whose server is started and stopped by two scripts, as a service manager would.
/// The server archives into the copy of the repository. Disposing stops it.
/// </summary>
sealed class LiveService : IAsyncDisposable
{
    const string Socket = "s";

    readonly TestDirectory _directory = new();
    readonly BinDirectory _programs;

    readonly SmallDisk? _disk;

    readonly bool _linkedWal;

    LiveService(StoppedService original, string? size, bool linkedWal)
    {
        _linkedWal = linkedWal;
        _programs = original.Cluster.Cluster.BinDirectory;
        TestDirectory.Copy(original.Cluster.Host.Repository, _directory["repository"]);
        Host = new PitrHost(_directory.New("machine"), _directory["repository"]);
        Directory.CreateDirectory(Parent);
        if (size is not null)
        {
            _disk = SmallDisk.Mount(Parent, size);
            Host.Through = _disk.Enter;
        }
    }

    public PitrHost Host { get; }

    /// <summary>The disk of the cluster's directories, when it has one of its own.</summary>
    public SmallDisk Disk => _disk!;

    /// <summary>A directory that the cluster's directories lie in.</summary>
    public string Parent => _directory["pg"];

    public string DataDirectory => Path.Combine(Parent, "data");

    public string Space => Path.Combine(Parent, "space");

    public string Journal => DataDirectory + ".pitr-in-place";

    /// <summary>What a restore that succeeded leaves, to go back by.</summary>
    public string KeptJournal => DataDirectory + ".pitr-in-place-kept";

    /// <summary>Where pg_wal is when it is not in the data directory.</summary>
    public string WalDirectory => Path.Combine(Parent, "waldir", "pg_wal");

    /// <summary>The file makes the start of a restored cluster, but of no other, do what it says.</summary>
    public string OnRestored => _directory["on-restored"];

    public string Log => File.Exists(_directory["log"]) ? File.ReadAllText(_directory["log"]) : "";

    /// <summary>Where this process finds what the programs see at a path.</summary>
    public string Seen(string path) => _disk is null ? path : _disk.Seen(path);

    /// <summary>Copies the service, and starts its server.</summary>
    /// <param name="original">What is copied.</param>
    /// <param name="size">Puts the cluster's directories on a disk of their own, of this size.</param>
    /// <param name="linkedWal">Has pg_wal elsewhere, as after <c>initdb --waldir</c>.</param>
    public static async Task<LiveService> StartAsync(StoppedService original, string? size = null, bool linkedWal = false)
    {
        var service = new LiveService(original, size, linkedWal);
        try
        {
            service.Copy(original);
            service.WriteScripts();
            (await service.ServerAsync("start")).Must();
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    void Copy(StoppedService original)
    {
        TestDirectory.Copy(original.Cluster.Cluster.DataDirectory, Seen(DataDirectory));
        TestDirectory.Copy(original.Space, Seen(Space));
        foreach (var link in Directory.EnumerateFileSystemEntries(Path.Combine(Seen(DataDirectory), "pg_tblspc")).ToArray())
        {
            Directory.Delete(link, recursive: new DirectoryInfo(link).LinkTarget is null);
            Directory.CreateSymbolicLink(link, Space);
        }

        if (_linkedWal)
        {
            var wal = Path.Combine(DataDirectory, "pg_wal");
            Directory.CreateDirectory(Path.GetDirectoryName(WalDirectory)!);
            Directory.Move(wal, WalDirectory);
            Directory.CreateSymbolicLink(wal, WalDirectory);
        }

        Directory.CreateDirectory(_directory[Socket]);
        foreach (var name in new[] { "recipient.pem", "identity.pem" })
        {
            File.Copy(Path.Combine(original.Cluster.Host.Directory, name), Path.Combine(Host.Directory, name));
        }

        Host.Environment["PITR_PROGRAM"] = TestEnvironment.Pitr;
        WriteConfiguration();
    }

    /// <summary>Writes the configuration.</summary>
    /// <param name="server">The section `server` of the service; null for the two scripts.</param>
    /// <param name="rate">What the repository gives at most.</param>
    public void WriteConfiguration(string? server = null, string rate = "1GB/s")
    {
        server ??= $"server: {{ stop-command: {_directory["stop"]}, start-command: {_directory["start"]}, timeout: 60s }}";
        Host.WriteConfiguration($"    data-directory: {DataDirectory}\n    wal: {{ get-deadline: 5s }}\n    {server}");
        var text = File.ReadAllText(Host.ConfigurationFile);
        File.WriteAllText(Host.ConfigurationFile, text.Replace($"url: file://{Host.Repository}", $"url: file://{Host.Repository}\n    download-limit: {rate}\n    retry: {{ deadline: 2s }}", StringComparison.Ordinal));
    }

    void WriteScripts()
    {
        var push = $"{TestEnvironment.PitrArchive} --config {Host.ConfigurationFile} --socket {Host.Socket} --pitr {TestEnvironment.Pitr} push main %p";
        Write("start", $"""
            #!/bin/sh
            if [ -e {DataDirectory}/recovery.signal ] && [ -e {OnRestored} ]; then . {OnRestored}; fi
            exec {_programs.Program("pg_ctl")} -D {DataDirectory} -l {_directory["log"]} -w -t 60 \
                -o "-k {_directory[Socket]} -p 5432 -c listen_addresses= -c fsync=off -c log_min_messages=log -c \"archive_command={push}\"" start
            """);
        Write("stop", $"""
            #!/bin/sh
            exec {_programs.Program("pg_ctl")} -D {DataDirectory} -m fast -w -t 60 stop
            """);
    }

    void Write(string name, string script)
    {
        File.WriteAllText(_directory[name], script + "\n");
        File.SetUnixFileMode(_directory[name], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Runs one of the scripts.</summary>
    public Task<ProgramRun> ServerAsync(string verb)
    {
        string[] line = [.. Host.Through, _directory[verb]];
        return ProgramRun.RunAsync(line[0], line[1..], Host.Environment);
    }

    /// <summary>`pitr restore main --in-place`.</summary>
    public Task<ProgramRun> RestoreAsync(params string[] arguments) => Host.RunAsync(Arguments(arguments));

    public RunningProgram Start(params string[] arguments) => Host.Start(Arguments(arguments));

    static string[] Arguments(string[] arguments) => ["restore", PitrHost.Service, "--in-place", .. arguments];

    public string ConnectionString => $"Host={_directory[Socket]};Username=postgres;Database=postgres;Pooling=false";

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Whether a server runs on the data directory.</summary>
    public bool IsRunning => File.Exists(Path.Combine(Seen(DataDirectory), "postmaster.pid"));

    /// <summary>Directories of old clusters or failed ones that lie aside: the data directory's, the tablespace's, and that of a linked pg_wal.</summary>
    /// <param name="kind">before, failed or undone.</param>
    public IReadOnlyList<string> Aside(string kind) =>
        [.. new[] { Seen(Parent), Seen(Space), Seen(Path.GetDirectoryName(WalDirectory)!) }.Where(Directory.Exists).SelectMany(d => Directory.EnumerateDirectories(d, $"*.{kind}-*")).Order(StringComparer.Ordinal)];

    public async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            await ServerAsync("stop");
        }

        _disk?.Dispose();

        _directory.Dispose();
    }
}
