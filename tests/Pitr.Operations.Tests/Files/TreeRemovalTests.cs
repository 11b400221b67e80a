using Pitr.Operations.Files;

namespace Pitr.Operations.Tests.Files;

/// <summary>Trees that are removed whatever they hold.</summary>
public sealed class TreeRemovalTests
{
    [Fact]
    public async Task Names_that_are_no_text_closed_directories_and_links_are_no_obstacle()
    {
        await using var scenario = await FilesScenario.StartAsync();
        Directory.CreateDirectory(scenario["gone"]);
        File.WriteAllText(scenario["victim"], "victim");
        FilesScenario.Python(
            """
            import os, sys
            os.chdir(sys.argv[1])
            open(b'caf\xe9\n', 'w').close()
            os.makedirs(b'\xff/closed/deep')
            open(b'\xff/closed/deep/x', 'w').close()
            os.symlink('../victim', 'link')
            os.symlink('..', 'directory')
            os.mkfifo('fifo')
            os.makedirs('/'.join(['d' * 100] * 30))
            os.chmod(b'\xff/closed/deep', 0)
            os.chmod(b'\xff/closed', 0o300)
            os.chmod(b'\xff', 0o400)
            os.chmod('.', 0o500)
            """, scenario["gone"]);

        TreeRemoval.Remove(scenario["gone"]);

        Assert.False(Directory.Exists(scenario["gone"]));
        Assert.Equal("victim", File.ReadAllText(scenario["victim"]));
        TreeRemoval.Remove(scenario["gone"]);
    }
}
