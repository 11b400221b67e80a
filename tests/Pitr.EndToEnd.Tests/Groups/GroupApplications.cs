using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>Applications of a group that are a script: it notes what it is told, and does what the files fail-…, hang-… and on-… beside it say.</summary>
/// <param name="directory">Where it lies.</param>
sealed class GroupApplications(TestDirectory directory)
{
    /// <summary>The script.</summary>
    public string Script => directory["app"];

    /// <summary>What they were told, one word a line.</summary>
    public string[] Told => File.Exists(directory["told"]) ? File.ReadAllLines(directory["told"]) : [];

    /// <summary>Writes the script.</summary>
    public void Make()
    {
        File.WriteAllText(Script, $"""
            #!/bin/sh
            echo "$1" >>{directory["told"]}
            [ ! -e {directory["on"]}-$1 ] || sh {directory["on"]}-$1
            while [ -e {directory["hang"]}-$1 ]; do sleep 0.1; done
            if [ -e {directory["fail"]}-$1 ]; then echo "the application will not $1" >&2; exit 3; fi

            """);
        File.SetUnixFileMode(Script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Waits until they are told something.</summary>
    public Task AwaitToldAsync(string word) => Eventually.IsTrueAsync(() => Told.Contains(word), () => $"the applications are told {word}");

    /// <summary>Lets none of them hang any longer.</summary>
    public void Release()
    {
        foreach (var file in Directory.EnumerateFiles(directory.Path, "hang-*"))
        {
            File.Delete(file);
        }
    }
}
