using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Pitr.Format.Keys;
using Pitr.Format.Wal;
using Pitr.Operations.Configuration;
using Pitr.Operations.Services;
using Serilog.Core;

namespace Pitr.Operations.Agent;

/// <summary>
/// Archives a few small segments of its own making into a repository of its own, below the state directory, and removes both: the runtime compiles the code of
/// the whole way, from the socket to the repository, now and not while PostgreSQL waits for its first segments.
/// </summary>
static class PushRehearsal
{
    // A little more often than the runtime wants to have seen a method before it compiles it well.
    public const int Times = 36;

    const string Service = "rehearsal";

    /// <summary>Rehearses; takes about half a second of one processor.</summary>
    /// <param name="stateDirectory">Where the scratch directory is made.</param>
    /// <param name="failures">As for the real work.</param>
    /// <param name="clock">Source of time.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>How many of the <see cref="Times"/> pushes succeeded.</returns>
    /// <exception cref="IOException">There is no room for it.</exception>
    public static async Task<int> RunAsync(string stateDirectory, IArchiveFailures failures, TimeProvider clock, CancellationToken cancellation)
    {
        var directory = Path.Combine(stateDirectory, Service);
        Remove(directory);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            var configuration = Configure(directory);
            await using (var store = RepositoryOpener.Open(configuration.Repositories[Service], clock, Logger.None))
            {
                await RepositorySet.InitialiseAsync(store, clock, cancellation);
            }

            var paths = WriteSegments(directory);
            await using var handler = new ArchiveRequestHandler((name, _) => new PostgresService(configuration, name, clock, Logger.None), failures, Logger.None);
            // unix(7) allows 107 bytes; a state directory with a longer name is rehearsed without the socket.
            var socketPath = Path.Combine(directory, "s");
            await using var socket = Encoding.UTF8.GetByteCount(socketPath) <= 107 ? ArchiveSocket.Listen(socketPath, handler.HandleAsync, Logger.None) : null;
            foreach (var path in paths)
            {
                if (socket is null)
                {
                    await handler.HandleAsync(ArchiveRequest.Parse(Request(path)), cancellation);
                }
                else
                {
                    await AskAsync(socketPath, Request(path), cancellation);
                }
            }

            return (int)handler.Tally.Archived;
        }
        finally
        {
            Remove(directory);
        }
    }

    static string Request(string path) => $"pitr-agent 1 push\nservice: {Service}\npath: {path}\n\n";

    static async Task AskAsync(string socketPath, string request, CancellationToken cancellation)
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
        await client.SendAsync(Encoding.UTF8.GetBytes(request), cancellation);
        await client.ReceiveAsync(new byte[ArchiveRequest.LargestBytes], cancellation);
    }

    static PitrConfiguration Configure(string directory)
    {
        using var identity = Identity.Create();
        var recipient = Path.Combine(directory, "recipient.pem");
        File.WriteAllText(recipient, identity.Recipient.ToPem());
        return new PitrConfiguration
        {
            FilePath = Path.Combine(directory, "pitr.yaml"),
            StateDirectory = Path.Combine(directory, "state"),
            Repositories = new Dictionary<string, RepositorySettings>
            {
                [Service] = new(Service, FileDriverSettings.Of(Path.Combine(directory, "repository")), RetrySettings.Default, LimitSettings.None),
            },
            Encryption = new EncryptionSettings([recipient], null, null),
            Services = new Dictionary<string, ServiceSettings>
            {
                [Service] = new PostgresServiceSettings(Service, [Service], ObjectiveSettings.Default, RetentionSettings.Default) { RequiredRepositories = 1 },
            },
        };
    }

    // First pages as PostgreSQL 18 writes them (src/include/access/xlog_internal.h), and nothing behind them.
    static List<string> WriteSegments(string directory)
    {
        var size = WalSegmentSize.From(1 << 20);
        var status = Directory.CreateDirectory(Path.Combine(directory, "pg_wal", "archive_status")).FullName;
        var content = new byte[size.Bytes];
        BinaryPrimitives.WriteUInt16LittleEndian(content, 0xD118);
        BinaryPrimitives.WriteUInt16LittleEndian(content.AsSpan(2), 0x0002);
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(24), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(32), (uint)size.Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(36), 8192);
        var paths = new List<string>();
        for (var number = 1; number <= Times; number++)
        {
            var name = WalSegmentName.FromNumber(new Timeline(1), (ulong)number, size);
            BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(8), name.StartLsn(size).Value);
            paths.Add(Path.Combine(directory, "pg_wal", name.ToString()));
            File.WriteAllBytes(paths[^1], content);
            File.WriteAllBytes(Path.Combine(status, name + ".ready"), []);
        }

        return paths;
    }

    static void Remove(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
