namespace Pitr.Operations.Tests.Retention;

/// <summary>Ends a process at one operation of its stores, counted over all of them.</summary>
sealed class Fate
{
    int _left = int.MaxValue;

    /// <summary>Whether the operation it strikes at has done its work.</summary>
    public bool After { get; private set; }

    public bool IsDead => _left < 0;

    /// <summary>Lets this many operations be done, and ends the process at the next.</summary>
    public void KillAt(int operation, bool after) => (_left, After) = (operation, after);

    public void Spare() => _left = int.MaxValue;

    public bool Strikes() => _left != int.MaxValue && _left >= 0 && --_left < 0;
}
