using System.Diagnostics;
using System.IO.Pipes;
using System.Text;
using Npgsql;

namespace Pitr.Postgres.Programs;

/// <summary>
/// A client program of a server while it runs: told in its environment, or in a private file, which server to talk to, so that no password is ever an
/// argument, and speaking English. Disposing kills it when it still runs.
/// </summary>
public sealed class ClientProgram : IAsyncDisposable
{
    const int KeptMessages = 20;
    const int LongestMessage = 1000;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly Process _process;
    readonly Task _reading;
    readonly Queue<string> _messages = new();

    ClientProgram(Process process, string name, Action<string>? onMessage)
    {
        _process = process;
        Name = name;
        var pipe = (PipeStream)process.StandardOutput.BaseStream;
        Output = PipeReadStream.Open(pipe.SafePipeHandle, Kill);
        _reading = ReadMessagesAsync(onMessage);
    }

    /// <summary>Name of the program, for messages.</summary>
    public string Name { get; }

    /// <summary>What it writes; a program that writes must be read to its end, or it waits for ever.</summary>
    public Stream Output { get; }

    /// <summary>What it reads; to be closed.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>The last lines it wrote to standard error, the beginnings of long ones.</summary>
    public string Messages => string.Join(Environment.NewLine, _messages);

    /// <summary>Its process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Whether it has ended; others that it has started may go on.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts a program.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Nothing secret: every user of the host can read them.</param>
    /// <param name="server">The server it talks to.</param>
    /// <param name="onMessage">Told each line of standard error.</param>
    /// <exception cref="ServerException">It cannot be started.</exception>
    internal static ClientProgram Start(string program, IEnumerable<string> arguments, NpgsqlConnectionStringBuilder server, Action<string>? onMessage = null) =>
        Start(
            program,
            arguments,
            environment =>
            {
                LibpqEnvironment.Apply(server, environment);
                environment["PG_COLOR"] = "never";
            },
            onMessage);

    /// <summary>Starts a program.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Nothing secret: every user of the host can read them.</param>
    /// <param name="environment">Puts what the program has to know into its environment.</param>
    /// <param name="onMessage">Told each line of standard error.</param>
    /// <exception cref="ServerException">It cannot be started.</exception>
    public static ClientProgram Start(string program, IEnumerable<string> arguments, Action<IDictionary<string, string?>> environment, Action<string>? onMessage = null)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(environment);
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        environment(start.Environment);
        start.Environment["LC_ALL"] = "C";
        try
        {
            return new ClientProgram(Process.Start(start)!, Path.GetFileName(program), onMessage);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ServerException($"cannot start {program}: {e.Message}", innerException: e);
        }
    }

    /// <summary>Waits for its end and gives its exit code; <see cref="Messages"/> are complete then.</summary>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        await _reading.WaitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Ends it at once; one that has ended is fine.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            // A tool may be a script around the tool, whose child would keep the pipes open.
            _process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Asks it to end, and ends it when it does not: pg_dump and pg_restore then cancel what their server is doing for them.</summary>
    public async Task TerminateAsync()
    {
        if (_process.HasExited)
        {
            return;
        }

        _ = LibC.Signal(_process.Id, LibC.SigTerm);
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Kill();
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    async Task ReadMessagesAsync(Action<string>? onMessage)
    {
        // Not line by line: a program that writes one without an end must not fill the memory.
        var block = new char[4096];
        var line = new StringBuilder();
        while (await _process.StandardError.ReadAsync(block) is > 0 and var read)
        {
            foreach (var c in block.AsSpan(0, read))
            {
                if (c == '\n')
                {
                    Keep(line, onMessage);
                }
                else if (line.Length < LongestMessage)
                {
                    line.Append(c);
                }
            }
        }

        if (line.Length > 0)
        {
            Keep(line, onMessage);
        }
    }

    void Keep(StringBuilder line, Action<string>? onMessage)
    {
        if (_messages.Count == KeptMessages)
        {
            _messages.Dequeue();
        }

        var text = line.ToString().TrimEnd('\r');
        line.Clear();
        _messages.Enqueue(text);
        onMessage?.Invoke(text);
    }
}
