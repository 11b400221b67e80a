using Pitr.Format.Dumps;
using Pitr.Operations.Scratch;
using Pitr.Postgres;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps.Postgres.Staging;

/// <summary>
/// What <c>pg_dump</c> writes in directory format with several jobs, as one stream. The files lie in scratch space only until they were read; when more than so much waits there, the writers
/// wait as well.
/// </summary>
sealed class DirectoryFeed : IDumpFeed
{
    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    readonly ScratchSpace _space;
    readonly ClientProgram _program;
    readonly ProgramGuard _guard;
    readonly GrowingDirectory _directory;
    readonly WriterBrake _brake;
    readonly Lock _gate = new();
    readonly CancellationTokenSource _stop = new();
    readonly Task _watching;
    bool _isOver;

    DirectoryFeed(ScratchSpace space, GrowingDirectory directory, ClientProgram program, ProgramGuard guard, long most)
    {
        (_space, _directory, _program, _guard) = (space, directory, program, guard);
        _brake = new WriterBrake(space.Data, program.ProcessId, most);
        Output = new Frames(this);
        _watching = Task.Run(WatchAsync);
    }

    /// <inheritdoc/>
    public string Name => _program.Name;

    /// <inheritdoc/>
    public Stream Output { get; }

    /// <inheritdoc/>
    public string Messages => _program.Messages;

    /// <summary>Starts the program, and owns the space from then on.</summary>
    /// <param name="space">Where the files lie, in <see cref="ScratchSpace.Data"/>.</param>
    /// <param name="start">Starts the program, which writes there.</param>
    /// <param name="most">Bytes that may wait before the writers do.</param>
    /// <exception cref="IOException">The directory cannot be made or watched.</exception>
    /// <exception cref="ServerException">The program cannot be started.</exception>
    public static async Task<DirectoryFeed> StartAsync(ScratchSpace space, Func<ClientProgram> start, long most)
    {
        GrowingDirectory? directory = null;
        ClientProgram? program = null;
        try
        {
            Directory.CreateDirectory(space.Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            directory = new GrowingDirectory(space.Data);
            program = start();
            program.Input.Close();
            return new DirectoryFeed(space, directory, program, ProgramGuard.Start(program.ProcessId), most);
        }
        catch
        {
            await (program?.DisposeAsync() ?? ValueTask.CompletedTask);
            directory?.Dispose();
            space.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<int> WaitAsync(CancellationToken cancellation) => _program.WaitAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _program.Kill();
        // Those that it had started, if it was killed before: they would keep its output open.
        StagedTools.Kill(_space.Data);
        _guard.Dispose();
        await _program.DisposeAsync();
        _directory.Dispose();
        _space.Dispose();
        _stop.Dispose();
    }

    // Also while nobody reads, because a repository is slow: just then the writers have to wait.
    async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Poll);
        while (await timer.WaitForNextTickAsync(_stop.Token))
        {
            Look();
        }
    }

    void Look()
    {
        lock (_gate)
        {
            if (!_isOver && _program.HasExited)
            {
                // Killed, it leaves others behind, which write for nobody.
                StagedTools.Kill(_space.Data);
                _isOver = true;
            }

            _directory.Look(_isOver);
            _brake.Apply(_directory.Waiting);
        }
    }

    int Fill(Span<byte> block, bool isWaiting)
    {
        lock (_gate)
        {
            return _directory.Waiting >= block.Length || isWaiting || _isOver ? _directory.Fill(block) : 0;
        }
    }

    /// <summary>The stream.</summary>
    sealed class Frames(DirectoryFeed feed) : ReadingStream
    {
        bool _hasEnded;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (var isWaiting = false; ; isWaiting = true)
            {
                // Watching ends with an error where there is one.
                if (feed._watching.IsFaulted)
                {
                    await feed._watching;
                }

                feed.Look();
                var isOver = feed._isOver;
                // Behind a program that has failed, the end stays out, and with it all that is left: nothing takes this for a whole dump.
                if (isOver && await feed.WaitAsync(cancellationToken) != 0)
                {
                    return 0;
                }

                if (feed.Fill(buffer.Span, isWaiting) is > 0 and var filled)
                {
                    return filled;
                }

                if (isOver)
                {
                    return End(buffer.Span);
                }

                await Task.Delay(Poll, cancellationToken);
            }
        }

        int End(Span<byte> buffer)
        {
            if (_hasEnded)
            {
                return 0;
            }

            _hasEnded = true;
            return feed._directory.End(buffer);
        }
    }
}
