using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Pitr.Storage.Sftp;

/// <summary>A running ssh and the end of what it says.</summary>
sealed class SshProcess : ISftpTransport
{
    const int KeptLines = 20;
    const int KeptLineLength = 300;
    static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(2);

    readonly Process _process;
    readonly TimeProvider _timeProvider;
    readonly Queue<string> _lines = new();
    readonly Task _said;

    SshProcess(Process process, TimeProvider timeProvider)
    {
        _process = process;
        _timeProvider = timeProvider;
        Id = process.Id;
        Input = process.StandardInput.BaseStream;
        Output = process.StandardOutput.BaseStream;
        PipeSize.Raise(Input);
        PipeSize.Raise(Output);
        _said = ListenAsync(process.StandardError);
    }

    /// <summary>The process's id.</summary>
    public int Id { get; }

    /// <inheritdoc/>
    public Stream Input { get; }

    /// <inheritdoc/>
    public Stream Output { get; }

    /// <exception cref="SftpConnectionException">There is no such program.</exception>
    public static SshProcess Start(SftpOptions options, string? ciphers, TimeProvider timeProvider)
    {
        try
        {
            return new SshProcess(Process.Start(SshCommand.Build(options, ciphers))!, timeProvider);
        }
        catch (Win32Exception failure)
        {
            throw new SftpConnectionException(
                $"cannot start \"{options.SshProgram}\": {failure.Message}", isTransient: false,
                "install OpenSSH's client (Debian: openssh-client), or name the program with ssh-program", failure);
        }
    }

    /// <inheritdoc/>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // Ended by itself, or disposed.
        }
    }

    /// <inheritdoc/>
    public async Task<SftpConnectionException> BlameAsync(string where)
    {
        string? exit = null;
        try
        {
            await _process.WaitForExitAsync().WaitAsync(ExitPatience, _timeProvider);
            exit = _process.ExitCode is > 128 and < 192
                ? $"ssh was ended by signal {_process.ExitCode - 128}"
                : $"ssh's exit code {_process.ExitCode}";
            await _said.WaitAsync(ExitPatience, _timeProvider);
        }
        catch (TimeoutException)
        {
            // It closed its output and lives on, or a process of its own holds its standard error.
        }
        catch (InvalidOperationException)
        {
            // Disposed meanwhile.
        }

        lock (_lines)
        {
            return SshFailure.From(where, [.. _lines], exit);
        }
    }

    /// <summary>Closes its input, upon which it ends, and kills it if it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await Input.DisposeAsync();
        }
        catch (IOException)
        {
            // It is gone already.
        }

        try
        {
            await _process.WaitForExitAsync().WaitAsync(ExitPatience, _timeProvider);
        }
        catch (TimeoutException)
        {
            Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    async Task ListenAsync(StreamReader errors)
    {
        var buffer = new char[1024];
        var line = new StringBuilder();
        try
        {
            int read;
            while ((read = await errors.ReadAsync(buffer)) > 0)
            {
                foreach (var c in buffer.AsSpan(0, read))
                {
                    if (c == '\n')
                    {
                        Keep(line.ToString());
                        line.Clear();
                    }
                    else if (line.Length <= KeptLineLength)
                    {
                        line.Append(c);
                    }
                }
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The process was disposed of.
        }

        Keep(line.ToString());
    }

    void Keep(string line)
    {
        line = SshFailure.Sanitized(line, KeptLineLength);
        // The frame around OpenSSH's warnings says nothing.
        if (line.Trim('@').Length == 0)
        {
            return;
        }

        lock (_lines)
        {
            if (_lines.Count == KeptLines)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(line);
        }
    }
}
