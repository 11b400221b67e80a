using System.ComponentModel;
using System.Security.Cryptography;
using System.Text;

namespace Pitr.Storage.Ftp;

/// <summary>Runs curl, at most as many at a time as there may be connections, and learns what the server can.</summary>
sealed class FtpClient(string repository, FtpOptions options, TimeProvider timeProvider) : IDisposable
{
    readonly SemaphoreSlim _connections = new(options.Connections);
    readonly SemaphoreSlim _probing = new(1);
    FtpFeatures? _features;
    StorageException? _lastFailure;

    public FtpErrors Errors { get; } = new(repository, options);

    public TimeProvider TimeProvider => timeProvider;

    /// <summary>What the server can; asked once.</summary>
    /// <exception cref="StorageException">It could not be asked.</exception>
    public async Task<FtpFeatures> FeaturesAsync(string? key, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _features) is { } known)
        {
            return known;
        }

        // One at a time, and who waited shares the outcome: a wrong password must not be tried by all in turn.
        var earlier = Volatile.Read(ref _lastFailure);
        await _probing.WaitAsync(cancellationToken);
        try
        {
            return _lastFailure is { } failure && !ReferenceEquals(failure, earlier)
                ? throw new StorageException(failure.Repository, key, failure.Reason, failure.IsTransient, failure.Hint, failure)
                : _features ??= await ProbeAsync(key, cancellationToken);
        }
        catch (StorageException failure) when (failure.InnerException is not StorageException)
        {
            _lastFailure = failure;
            throw;
        }
        finally
        {
            _probing.Release();
        }
    }

    /// <summary>Does what has no content of its own: commands and listings.</summary>
    /// <exception cref="StorageException">curl cannot be run, or a listing is not understood.</exception>
    public async Task<FtpRun> RunAsync(string? key, IReadOnlyList<CurlTransfer> transfers, CancellationToken cancellationToken)
    {
        await using var curl = await StartAsync(key, transfers, cancellationToken);
        return await curl.FinishAsync(cancellationToken);
    }

    /// <summary>Starts a run whose content the caller gives or takes; it occupies a connection until it is disposed.</summary>
    /// <exception cref="StorageException">curl cannot be run.</exception>
    public async Task<CurlSession> StartAsync(string? key, IReadOnlyList<CurlTransfer> transfers, CancellationToken cancellationToken)
    {
        await _connections.WaitAsync(cancellationToken);
        try
        {
            var marker = $"pitr:{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
            var process = CurlProcess.Start(options, CurlConfiguration.Build(options, transfers, marker), timeProvider);
            return new CurlSession(process, key, marker, transfers, Errors, timeProvider, _connections);
        }
        catch (Win32Exception failure)
        {
            _connections.Release();
            throw Errors.NoCurl(key, failure.Message);
        }
        catch
        {
            _connections.Release();
            throw;
        }
    }

    public void Dispose()
    {
        _connections.Dispose();
        _probing.Dispose();
    }

    async Task<FtpFeatures> ProbeAsync(string? key, CancellationToken cancellationToken)
    {
        const string What = "cannot connect";
        var run = await RunAsync(key, [new CurlTransfer { CommandsOnly = true, Before = ["*FEAT"] }], cancellationToken);
        if (!run.Succeeded)
        {
            throw Errors.From(key, What, run.ExitCode, run.Transcript, run.Stalled);
        }

        var root = options.Path.StartsWith('/') ? options.Path : $"{LoginDirectory(key, run.Transcript)}/{options.Path}";
        var features = run.Transcript.Find("FEAT")?.Lines ?? [];
        // "MLST type*;size*;modify*;perm*;": a star marks the facts it tells without being asked (RFC 3659 §7.8).
        var machine = features.FirstOrDefault(line => line.TrimStart().StartsWith("MLST ", StringComparison.OrdinalIgnoreCase));
        return new FtpFeatures(
            Normalize(root),
            machine is not null && ((string[])["type*", "size*", "modify*"]).All(fact => machine.Contains(fact, StringComparison.OrdinalIgnoreCase)));
    }

    // 257 "/home/pitr" is the current directory; a quote in the name is doubled (RFC 959, appendix II).
    string LoginDirectory(string? key, FtpTranscript transcript)
    {
        var answer = transcript.Find("PWD")?.Answer ?? "";
        var begin = answer.IndexOf('"');
        var directory = new StringBuilder();
        for (var i = begin + 1; begin >= 0 && i < answer.Length; i++)
        {
            if (answer[i] == '"')
            {
                if (i + 1 >= answer.Length || answer[i + 1] != '"')
                {
                    break;
                }

                i++;
            }

            directory.Append(answer[i]);
        }

        return directory.Length == 0 || directory[0] != '/'
            ? throw Errors.Error(
                key, $"the directory after the login is not a Unix path: \"{answer}\"", transient: false, "give the repository an absolute path, starting with two slashes after the host")
            : directory.ToString();
    }

    static string Normalize(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 0 ? "" : "/" + string.Join('/', parts);
    }
}
