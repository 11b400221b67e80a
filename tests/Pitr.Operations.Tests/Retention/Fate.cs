namespace Pitr.Operations.Tests.Retention;

/// <summary>Ends a process at one operation of its stores, counted over all of them. Whatever a process has left running does nothing any more when the next begins.</summary>
sealed class Fate
{
    readonly AsyncLocal<int> _process = new();
    int _left = int.MaxValue;
    int _alive;

    /// <summary>Whether the operation it strikes at has done its work.</summary>
    public bool After { get; private set; }

    /// <summary>Whether a process was ended, also if it took that for a store's trouble.</summary>
    public bool HasStruck => _left < 0;

    /// <summary>Whether the caller's process has ended. The test itself never has.</summary>
    public bool IsDead => _left < 0 || (_process.Value != 0 && _process.Value != _alive);

    /// <summary>From here on, until the calling method returns, it is another process.</summary>
    public void Begin() => _process.Value = Interlocked.Increment(ref _alive);

    /// <summary>Lets this many operations be done, and ends the process at the next.</summary>
    public void KillAt(int operation, bool after) => (_left, After) = (operation, after);

    public void Spare()
    {
        Interlocked.Increment(ref _alive);
        _left = int.MaxValue;
    }

    public bool Strikes() => !IsDead && _left != int.MaxValue && --_left < 0;
}
