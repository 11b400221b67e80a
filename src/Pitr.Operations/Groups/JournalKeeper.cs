using Pitr.Operations.Restore;

namespace Pitr.Operations.Groups;

/// <summary>Holds the journal of a restore while it goes on; every change is durable when it returns.</summary>
sealed class JournalKeeper
{
    readonly Action<IReadOnlyList<ComponentRecord>> _onChange;

    /// <param name="stateDirectory">Where it lies.</param>
    /// <param name="journal">As it begins.</param>
    /// <param name="onChange">Told how far each service has come.</param>
    public JournalKeeper(string stateDirectory, GroupJournal journal, Action<IReadOnlyList<ComponentRecord>> onChange)
    {
        (StateDirectory, Journal, _onChange) = (stateDirectory, journal, onChange);
        onChange(journal.Components);
    }

    public string StateDirectory { get; }

    public GroupJournal Journal { get; private set; }

    /// <summary>Writes it as it is.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write() => Journal.Write(StateDirectory);

    public void Enter(GroupPhase phase) => Replace(Journal with { Phase = phase });

    /// <summary>Notes whose applications are told to stop, before they are.</summary>
    public void EnterStop(string whose) => Replace(Journal with { Stopped = [.. Journal.Stopped, whose] });

    /// <summary>The part of one service.</summary>
    public ComponentWork Work(int number, IProgress<RestoreProgress>? progress) => new(
        Journal.Components[number], record => Replace(Journal with { Components = [.. Journal.Components.Select((c, i) => i == number ? record : c)] }), progress);

    void Replace(GroupJournal next)
    {
        next.Write(StateDirectory);
        Journal = next;
        _onChange(next.Components);
    }
}
