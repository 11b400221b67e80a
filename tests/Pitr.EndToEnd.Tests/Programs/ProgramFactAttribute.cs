namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>A test that needs a program of the system that not every one has.</summary>
public sealed class ProgramFactAttribute : FactAttribute
{
    public ProgramFactAttribute(string program)
    {
        if (!File.Exists(program))
        {
            Skip = $"there is no {program} here";
        }
    }
}
