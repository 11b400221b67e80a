using Pitr.Operations.Drill;

namespace Pitr.Operations.Configuration;

/// <summary>A command that a drill runs in the restored tree.</summary>
/// <param name="Name">The name given to it.</param>
/// <param name="Command">The command; it has to end with 0.</param>
/// <param name="Expect">What its output is held against, <c>rows</c> being lines; null: it may say what it will.</param>
public sealed record RunCheckSettings(string Name, CommandText Command, CheckExpectation? Expect) : FilesCheckSettings(Name)
{
    /// <summary>What the report calls it, and the key of the command.</summary>
    public const string Word = "run";
}
