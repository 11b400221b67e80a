namespace Pitr.Operations.Restore.InPlace;

/// <summary>What a configured command finds around it, where that is not what this process has.</summary>
/// <param name="Directory">Where it works.</param>
/// <param name="Output">File that takes what it answers, apart from its messages; cleared first.</param>
/// <param name="Variable">Name and value of a variable that it is given.</param>
/// <param name="Withheld">Whether a variable of this process is kept from it, by its name.</param>
sealed record CommandPlace(string Directory, string Output, KeyValuePair<string, string> Variable, Func<string, bool> Withheld)
{
    /// <summary>Makes an environment what it shall be.</summary>
    public void Apply(IDictionary<string, string?> environment)
    {
        foreach (var name in environment.Keys.Where(Withheld).ToArray())
        {
            environment.Remove(name);
        }

        environment[Variable.Key] = Variable.Value;
    }
}
