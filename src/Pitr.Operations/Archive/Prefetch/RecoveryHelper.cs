using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Pitr.Format.Wal;
using Pitr.Operations.Agent;
using Pitr.Operations.Services;
using Pitr.Postgres.Cluster;

namespace Pitr.Operations.Archive.Prefetch;

/// <summary>
/// What serves a recovery on a host without an agent: the first <c>wal get</c> leaves it behind, <c>pitr-archive</c> asks it for the segments
/// that follow, and it ends with the recovery. It does for one server what an agent does for all. Without it, or when it is killed, each
/// segment is fetched by a program of its own.
/// </summary>
public sealed class RecoveryHelper : IAsyncDisposable
{
    const string SegmentFile = "RECOVERYXLOG";
    const int DoItYourself = 64;

    static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(1);

    readonly PostgresService _service;
    readonly IArchiveFailures _failures;
    readonly RecoveringServer _server;
    readonly string _repositories;
    readonly DateTime _configured;
    readonly PrefetchBudget _budget = new();
    readonly PrefetchingGet _get;
    long _asked;

    RecoveryHelper(PostgresService service, string repositories, RecoveringServer server, IArchiveFailures failures)
    {
        (_service, _repositories, _server, _failures) = (service, repositories, server, failures);
        _configured = File.GetLastWriteTimeUtc(service.Configuration.FilePath);
        _get = new PrefetchingGet(service, _budget);
        _asked = service.Clock.GetTimestamp();
    }

    /// <summary>
    /// Name of the socket on which a recovery is served, the same in <c>pitr-archive</c> (RecoveryHelper.cs there). It only has to differ where
    /// requests differ; who answers looks at the request again.
    /// </summary>
    /// <param name="service">The service's name.</param>
    /// <param name="destination">%p, absolute.</param>
    /// <param name="configuration">The value of --config; empty when there is none.</param>
    /// <param name="repositories">The names given with --repository, comma-separated; empty when there are none.</param>
    public static string SocketName(string service, string destination, string configuration, string repositories)
    {
        // FNV-1a, 64 bits (draft-eastlake-fnv §2): short enough for both programs.
        var hash = 0xCBF29CE484222325UL;
        foreach (var value in Encoding.UTF8.GetBytes($"{service}\n{destination}\n{configuration}\n{repositories}"))
        {
            hash = (hash ^ value) * 0x100000001B3UL;
        }

        return string.Create(CultureInfo.InvariantCulture, $"pitr-recovery-1-{LibC.EffectiveUser()}-{hash:x16}");
    }

    /// <summary>Starts one for the recovery that has just got a segment, unless that is no recovery, or there is one already.</summary>
    /// <param name="service">The service.</param>
    /// <param name="found">What was got.</param>
    /// <param name="destination">Where it is.</param>
    /// <param name="socketName">Where it will be asked.</param>
    /// <param name="arguments">What this program has to be called with to become it.</param>
    public static void LeaveBehind(PostgresService service, WalFileName found, string destination, string socketName, IEnumerable<string> arguments)
    {
        // An orphan is adopted by process 1. If that is the postmaster (a container without an init), it takes one that is killed for a
        // server process of its own that crashed, and restarts the cluster (CleanupBackend() of PostgreSQL 14 to 17).
        if (service.Settings.Wal.Prefetch == 0 || found.Kind != WalFileKind.Segment || Path.GetFileName(destination) != SegmentFile
            || ServerAt(destination) is not { ProcessId: not 1 } || IsThere(socketName))
        {
            return;
        }

        LibC.KeepDescriptorsToMyself();
        // The shell only redirects: once the program runs, its runtime has copies of the standard streams, and somebody may be waiting for their end.
        using var started = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" </dev/null >/dev/null 2>&1", Environment.ProcessPath!, .. arguments]) { UseShellExecute = false });
    }

    /// <summary>The first thing it does: no signal for PostgreSQL's processes shall reach it.</summary>
    public static void Detach() => LibC.LeaveSession();

    /// <summary>Serves the recovery until it is over, nobody has asked for a while, or the configuration has changed.</summary>
    /// <param name="service">The service, with the repositories to ask.</param>
    /// <param name="found">The segment it has got last.</param>
    /// <param name="destination">Where it was put.</param>
    /// <param name="socketName">Where it asks.</param>
    /// <param name="repositories">As the requests name them.</param>
    /// <param name="failures">Maps an error to what is answered.</param>
    /// <param name="cancellation">Ends it earlier.</param>
    public static async Task RunAsync(
        PostgresService service, WalSegmentName found, string destination, string socketName, string repositories, IArchiveFailures failures, CancellationToken cancellation)
    {
        if (ServerAt(destination) is not { } server)
        {
            return;
        }

        await using var helper = new RecoveryHelper(service, repositories, server, failures);
        await using var socket = ArchiveSocket.TryListenAbstract(socketName, helper.HandleAsync, service.Log);
        if (socket is null)
        {
            return;
        }

        await helper._get.BeginAsync(found, destination, cancellation);
        while (!cancellation.IsCancellationRequested && helper.IsNeeded)
        {
            await Task.Delay(Look, service.Clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    bool IsNeeded => IsConfigured && _server.IsStillRecovering() && _service.Clock.GetElapsedTime(Volatile.Read(ref _asked)) < LongestSilence;

    // A changed configuration may name other repositories. It is read by whoever does the work now.
    bool IsConfigured => File.GetLastWriteTimeUtc(_service.Configuration.FilePath) == _configured;

    static RecoveringServer? ServerAt(string destination) => Path.GetDirectoryName(Path.GetDirectoryName(destination)) is { } directory ? RecoveringServer.Find(directory) : null;

    static bool IsThere(string socketName)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint("\0" + socketName));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    async Task<ArchiveResponse> HandleAsync(ArchiveRequest request, CancellationToken cancellation)
    {
        var destination = request.Require("path");
        if (request.Verb != "get" || !IsConfigured
            || request.Require("service") != _service.Name.ToString()
            || request.Headers.GetValueOrDefault("repositories", "") != _repositories
            || Path.GetDirectoryName(Path.GetDirectoryName(destination)) != _server.DataDirectory)
        {
            return new ArchiveResponse(DoItYourself);
        }

        Volatile.Write(ref _asked, _service.Clock.GetTimestamp());
        try
        {
            var answer = await _get.GetAsync(WalFileName.Parse(request.Require("file")), destination, _service.Settings.Wal.GetDeadline, cancellation);
            return new ArchiveResponse(answer == ArchiveGetResult.Found ? 0 : 1);
        }
        catch (Exception e) when (e is not (OperationCanceledException or FormatException))
        {
            var response = _failures.OfGet(e, request.Headers.GetValueOrDefault("standby") == "true");
            _service.Log.Error("get {Path}: {Message}", destination, response.Message);
            return response;
        }
        finally
        {
            Volatile.Write(ref _asked, _service.Clock.GetTimestamp());
        }
    }

    /// <summary>Stops, and removes what was fetched ahead.</summary>
    public async ValueTask DisposeAsync()
    {
        await _get.DisposeAsync();
        _budget.Dispose();
    }
}
