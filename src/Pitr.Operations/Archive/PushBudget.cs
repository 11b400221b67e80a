namespace Pitr.Operations.Archive;

/// <summary>
/// The processors and the memory that all pushes of a process share, however many services there are and however slow their repositories.
/// Who is waited for goes first: it never waits for what is only pushed ahead.
/// </summary>
/// <param name="processors">How many segments are read, compressed and sealed at once; one more when it is waited for.</param>
/// <param name="bytes">Memory that pushes ahead may take. One that is waited for may go beyond it by its own need.</param>
sealed class PushBudget(int processors, long bytes) : IDisposable
{
    /// <summary>With segments of 16 MiB: three being sealed, and what waits for slow repositories.</summary>
    public const long DefaultBytes = 112L << 20;

    readonly Lock _lock = new();
    readonly LinkedList<Waiter> _waiting = new();
    readonly List<WorkBuffer> _idle = [];
    int _working;
    long _used;
    byte[]? _object;

    /// <summary>Memory in use, in bytes: for tests and status.</summary>
    public long Used => Interlocked.Read(ref _used);

    /// <summary>Waits for a processor and memory.</summary>
    /// <param name="need">Bytes needed while working. More than the budget is given to one that is waited for only: beside it nothing so large would fit.</param>
    /// <param name="priority">May become urgent while it waits; then <see cref="Reconsider"/> has to be called.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task<Share> EnterAsync(long need, PushPriority priority, CancellationToken cancellation)
    {
        var waiter = new Waiter(need, priority);
        lock (_lock)
        {
            _waiting.AddLast(waiter);
            Admit();
        }

        await using (cancellation.Register(() => GiveUp(waiter, cancellation)))
        {
            await waiter.Admitted.Task;
        }

        return new Share(this, need);
    }

    /// <summary>Looks again at who waits: somebody's priority has changed.</summary>
    public void Reconsider()
    {
        lock (_lock)
        {
            Admit();
        }
    }

    /// <summary>A buffer outside of the managed heap, used again; to be given back.</summary>
    public WorkBuffer Rent(int length)
    {
        lock (_lock)
        {
            var found = _idle.FindIndex(b => b.Length == length);
            if (found >= 0)
            {
                var buffer = _idle[found];
                _idle.RemoveAt(found);
                return buffer;
            }
        }

        return new WorkBuffer(length);
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(WorkBuffer buffer)
    {
        lock (_lock)
        {
            // As many as work at once keep the two that each of them needs. Of large ones only one works at once, and the memory is needed for its object.
            if (_idle.Count < 2 * (processors + 1) && buffer.Length <= bytes / 4 && _idle.Sum(b => (long)b.Length) + buffer.Length <= bytes)
            {
                _idle.Add(buffer);
                return;
            }
        }

        buffer.Dispose();
    }

    /// <summary>Memory for a large object, used again if it is given back.</summary>
    /// <param name="length">Bytes, at least.</param>
    public byte[] RentObject(int length) =>
        Interlocked.Exchange(ref _object, null) is { } kept && kept.Length >= length ? kept : GC.AllocateUninitializedArray<byte>(length);

    /// <summary>Takes the memory of an object back, which nobody reads any more. One is kept: of large ones only one is made at once.</summary>
    public void ReturnObject(byte[] memory) => Volatile.Write(ref _object, memory);

    /// <summary>Gives memory that nobody uses back to the system.</summary>
    public void ReleaseIdle()
    {
        _ = Interlocked.Exchange(ref _object, null);
        lock (_lock)
        {
            _idle.ForEach(buffer => buffer.Dispose());
            _idle.Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ReleaseIdle();

    void GiveUp(Waiter waiter, CancellationToken cancellation)
    {
        lock (_lock)
        {
            // Whoever has been admitted meanwhile gives its share back by itself.
            if (_waiting.Remove(waiter))
            {
                waiter.Admitted.SetCanceled(cancellation);
                Admit();
            }
        }
    }

    // Under the lock. Urgent ones first, then in the order of their coming; a large one holds up those behind it until it fits, unless it never does.
    void Admit()
    {
        while (Next() is { } next)
        {
            _waiting.Remove(next);
            _working++;
            Interlocked.Add(ref _used, next.Need);
            next.Admitted.SetResult();
        }
    }

    Waiter? Next()
    {
        if (_waiting.FirstOrDefault(w => w.Priority.IsUrgent) is { } urgent)
        {
            return _working <= processors && _used <= bytes ? urgent : null;
        }

        return _working < processors && _waiting.FirstOrDefault(w => w.Need <= bytes) is { } first && _used + first.Need <= bytes ? first : null;
    }

    void Leave(ref bool isWorking, long released)
    {
        lock (_lock)
        {
            if (isWorking)
            {
                isWorking = false;
                _working--;
            }

            Interlocked.Add(ref _used, -released);
            Admit();
        }
    }

    /// <summary>What a push has been given.</summary>
    public sealed class Share(PushBudget budget, long held) : IDisposable
    {
        long _held = held;
        bool _isWorking = true;

        /// <summary>The work on the segment is done; only its sealed bytes are still in memory.</summary>
        public void Keep(long bytes)
        {
            budget.Leave(ref _isWorking, _held - bytes);
            _held = bytes;
        }

        /// <inheritdoc/>
        public void Dispose() => Keep(0);
    }

    sealed record Waiter(long Need, PushPriority Priority)
    {
        public TaskCompletionSource Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
