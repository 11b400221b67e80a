namespace Pitr.Storage.S3;

/// <summary>
/// Keeps the memory of all uploads of a store below a limit: whoever wants to buffer waits, in order, until enough is free.
/// </summary>
/// <param name="limit">Bytes.</param>
sealed class BufferBudget(long limit)
{
    readonly Lock _lock = new();
    readonly LinkedList<(long Bytes, TaskCompletionSource Granted)> _waiting = new();
    long _taken;

    /// <summary>Waits for a share. One larger than the whole limit counts as the limit.</summary>
    public async Task<IDisposable> TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bytes = Math.Min(bytes, limit);
        LinkedListNode<(long Bytes, TaskCompletionSource Granted)> node;
        lock (_lock)
        {
            if (_waiting.Count == 0 && _taken + bytes <= limit)
            {
                _taken += bytes;
                return new Share(this, bytes);
            }

            node = _waiting.AddLast((bytes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        }

        await using (cancellationToken.UnsafeRegister(_ => Abandon(node, cancellationToken), null))
        {
            await node.Value.Granted.Task;
        }

        return new Share(this, bytes);
    }

    void Abandon(LinkedListNode<(long Bytes, TaskCompletionSource Granted)> node, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // A node that was granted meanwhile is in no list any more.
            if (node.List is not null)
            {
                _waiting.Remove(node);
                node.Value.Granted.TrySetCanceled(cancellationToken);
                GrantNext();
            }
        }
    }

    void Return(long bytes)
    {
        lock (_lock)
        {
            _taken -= bytes;
            GrantNext();
        }
    }

    void GrantNext()
    {
        while (_waiting.First is { } first && _taken + first.Value.Bytes <= limit)
        {
            _taken += first.Value.Bytes;
            _waiting.RemoveFirst();
            first.Value.Granted.TrySetResult();
        }
    }

    sealed class Share(BufferBudget owner, long bytes) : IDisposable
    {
        BufferBudget? _owner = owner;

        public void Dispose() => Interlocked.Exchange(ref _owner, null)?.Return(bytes);
    }
}
