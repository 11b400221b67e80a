using Pitr.Operations.Scratch;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps.Postgres.Staging;

/// <summary>
/// Holds the processes up that write the files of a dump while too much of them waits to be stored. The one that was started goes on: it writes no data, and has to see when
/// another ends.
/// </summary>
/// <param name="directory">Where they write.</param>
/// <param name="leader">The process that was started.</param>
/// <param name="most">Bytes that may wait.</param>
sealed class WriterBrake(string directory, int leader, long most)
{
    readonly List<int> _held = [];
    bool _isHolding;

    /// <summary>Holds them up or lets them go on.</summary>
    /// <param name="waiting">Bytes that wait now.</param>
    public void Apply(long waiting)
    {
        if (!_isHolding && waiting > most)
        {
            _held.AddRange(StagedTools.Find(directory).Where(process => process != leader));
            _held.ForEach(ProgramPause.Begin);
            _isHolding = true;
        }
        else if (_isHolding && waiting < most / 2)
        {
            Release();
        }
    }

    /// <summary>Lets all go on.</summary>
    public void Release()
    {
        _held.ForEach(ProgramPause.End);
        _held.Clear();
        _isHolding = false;
    }
}
