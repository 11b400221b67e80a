using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Pitr.Storage.Ftp;

/// <summary>
/// A running curl. Its configuration, with the password, goes through its standard input, so neither its arguments nor its environment say
/// anything. Killed when it is disposed before it ended, and when it makes no progress for too long while it is expected to.
/// </summary>
sealed class CurlProcess : IAsyncDisposable
{
    // What curl may see of this process's environment, which may hold other secrets.
    static readonly string[] Inherited = ["PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"];

    readonly Process _process;
    readonly TimeProvider _timeProvider;
    readonly TimeSpan _stallTimeout;
    readonly ITimer _watchdog;
    readonly Task _conversation;
    long _lastProgress;
    int _idle;

    CurlProcess(Process process, string configuration, TimeSpan stallTimeout, TimeProvider timeProvider)
    {
        _process = process;
        _timeProvider = timeProvider;
        _stallTimeout = stallTimeout;
        _lastProgress = timeProvider.GetTimestamp();
        Output = process.StandardOutput.BaseStream;
        _conversation = ReadConversationAsync();
        Exited = FinishAsync(configuration);
        var period = TimeSpan.FromTicks(Math.Max(stallTimeout.Ticks / 8, TimeSpan.TicksPerMillisecond));
        _watchdog = timeProvider.CreateTimer(_ => CheckProgress(), state: null, period, period);
    }

    /// <summary>What it writes to its standard output.</summary>
    public Stream Output { get; }

    /// <summary>What was said so far.</summary>
    public FtpTranscript Transcript { get; } = new();

    /// <summary>Its exit code, once it has ended and the transcript is whole.</summary>
    public Task<int> Exited { get; }

    /// <summary>Whether it was killed for making no progress.</summary>
    public bool Stalled { get; private set; }

    /// <summary>Starts curl.</summary>
    /// <exception cref="Win32Exception">There is no such program, or it cannot be run.</exception>
    public static CurlProcess Start(FtpOptions options, string configuration, TimeProvider timeProvider)
    {
        // -q: whatever the user's own ~/.curlrc says does not apply.
        var start = new ProcessStartInfo(options.CurlProgram, ["-q", "-K", "-"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
            UseShellExecute = false,
        };
        var inherited = Inherited.Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name))).ToArray();
        start.Environment.Clear();
        start.Environment["LC_ALL"] = "C";
        foreach (var (name, value) in inherited)
        {
            if (value is not null)
            {
                start.Environment[name] = value;
            }
        }

        var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch
        {
            process.Dispose();
            throw;
        }

        return new CurlProcess(process, configuration, options.StallTimeout, timeProvider);
    }

    /// <summary>Notes that something moved.</summary>
    public void Progressed() => Volatile.Write(ref _lastProgress, _timeProvider.GetTimestamp());

    /// <summary>From here on it is this side that keeps curl waiting, so silence means nothing.</summary>
    public void Idle() => Volatile.Write(ref _idle, 1);

    /// <summary>From here on curl is expected to make progress.</summary>
    public void Expect()
    {
        Progressed();
        Volatile.Write(ref _idle, 0);
    }

    /// <summary>Ends it at once, if it still runs.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in this moment.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _watchdog.DisposeAsync();
        Kill();
        await Exited;
        _process.Dispose();
    }

    async Task<int> FinishAsync(string configuration)
    {
        try
        {
            await using var input = _process.StandardInput.BaseStream;
            await input.WriteAsync(Encoding.UTF8.GetBytes(configuration));
        }
        catch (IOException)
        {
            // curl ended before it read all; its exit code tells why.
        }

        await _conversation;
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    async Task ReadConversationAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            Progressed();
            Transcript.Add(line);
        }
    }

    void CheckProgress()
    {
        if (Volatile.Read(ref _idle) == 0 && _timeProvider.GetElapsedTime(Volatile.Read(ref _lastProgress)) >= _stallTimeout && !Exited.IsCompleted)
        {
            Stalled = true;
            Kill();
        }
    }
}
